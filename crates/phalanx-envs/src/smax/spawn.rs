//! Starting positions and types of the units of an episode.

use phalanx_core::rng::Rng;

use super::battle::Battle;
use super::scenario::Scenario;
use super::units::TYPE_BITS;

/// The largest random offset of a unit in each coordinate.
const SCATTER: f32 = 2.0;

/// Draws types and positions and starts the battle.
///
/// In fixed scenarios the teams start around the middles of the left and the right half. In procedural
/// ones types are uniform and the same for both teams, and with equal probability the teams mirror each
/// other or one surrounds the other.
pub(crate) fn spawn(battle: &mut Battle, scenario: &Scenario, rng: &mut Rng) {
    for (unit, kind) in scenario.kinds().enumerate() {
        battle.kind[unit] = kind;
    }
    if scenario.procedural {
        draw_types(battle, rng);
        if rng.below(2) == 0 {
            surround(battle, rng);
        } else {
            reflect(battle, rng);
        }
    } else {
        let (width, height) = (battle.args.map_width, battle.args.map_height);
        for unit in 0..battle.n_units {
            let quarters = if unit < battle.n_allies { 1.0 } else { 3.0 };
            scatter(battle, unit, (width / 4.0 * quarters, height / 2.0), rng);
        }
    }
    battle.begin();
}

fn draw_types(battle: &mut Battle, rng: &mut Rng) {
    for ally in 0..battle.n_allies {
        battle.kind[ally] = rng.below(TYPE_BITS) as u8;
    }
    for enemy in battle.n_allies..battle.n_units {
        battle.kind[enemy] = battle.kind[enemy - battle.n_allies];
    }
}

/// Places allies uniformly in the left half, and enemies as their mirror images.
fn reflect(battle: &mut Battle, rng: &mut Rng) {
    let (width, height) = (battle.args.map_width, battle.args.map_height);
    for ally in 0..battle.n_allies {
        battle.x[ally] = rng.range(0.0, width / 2.0);
        battle.y[ally] = rng.range(0.0, height);
    }
    for enemy in battle.n_allies..battle.n_units {
        let ally = enemy - battle.n_allies;
        battle.x[enemy] = width - battle.x[ally];
        battle.y[enemy] = battle.y[ally];
    }
}

/// Places one team in the middle, and the other in up to four groups on the diagonals.
fn surround(battle: &mut Battle, rng: &mut Rng) {
    let (width, height) = (battle.args.map_width, battle.args.map_height);
    let (teams, allies_inside) =
        ((0..battle.n_allies, battle.n_allies..battle.n_units), rng.below(2));
    let (inside, outside) = if allies_inside == 1 { teams } else { (teams.1, teams.0) };
    let centre = (width / 2.0, height / 2.0);
    for unit in inside {
        scatter(battle, unit, centre, rng);
    }
    let groups = [(0.0, 0.0), (0.0, height), (width, 0.0), (width, height)].map(|corner| {
        let share = rng.uniform();
        (share * centre.0 + (1.0 - share) * corner.0, share * centre.1 + (1.0 - share) * corner.1)
    });
    for unit in outside {
        let group = groups[rng.below(groups.len())];
        scatter(battle, unit, group, rng);
    }
}

fn scatter(battle: &mut Battle, unit: usize, (x, y): (f32, f32), rng: &mut Rng) {
    battle.x[unit] = x + rng.range(-SCATTER, SCATTER);
    battle.y[unit] = y + rng.range(-SCATTER, SCATTER);
}
