//! Paths around cliffs, compared with a search on a fine grid.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::skirmish::terrain::Terrain;

const MARGINS: [f32; 2] = [0.375, 0.5];
/// The distance a marine walks in one game loop.
const PACE: f32 = 2.25 / 16.0;
/// Nodes of the search per length unit.
const FINE: usize = 2;

/// Returns the distinct terrains of the built-in maps: the named ones, and those of single maps.
fn terrains() -> impl Iterator<Item = (&'static str, Terrain)> {
    let named = TERRAINS.iter().map(|&(name, drawing)| {
        (name, Terrain::parse(drawing).expect("the built-in terrain is valid"))
    });
    let shared: Vec<Terrain> = named.clone().map(|(_, terrain)| terrain).collect();
    let maps = MAPS
        .iter()
        .map(|&(name, _)| (name, Map::named(name).expect("the built-in map is valid").terrain));
    named.chain(maps.filter(move |(_, terrain)| !shared.contains(terrain)))
}

fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    crate::math::hypot(b.0 - a.0, b.1 - a.1)
}

/// Returns a point of the map; if `admitted`, one where a walker can stand.
fn somewhere(terrain: &Terrain, margin: f32, admitted: bool, rng: &mut Rng) -> (f32, f32) {
    loop {
        let x = rng.range(0.0, terrain.width() as f32);
        let y = rng.range(0.0, terrain.height() as f32);
        if !admitted || terrain.admits(x, y, margin) {
            return (x, y);
        }
    }
}

/// Returns whether a walker can stand at every one of many points between two.
fn sampled_clear(terrain: &Terrain, a: (f32, f32), b: (f32, f32), margin: f32) -> bool {
    let n = (distance(a, b) * 50.0).ceil() as usize + 1;
    (0..=n).all(|i| {
        let share = i as f32 / n as f32;
        terrain.admits(a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1), margin)
    })
}

/// The lengths of the shortest paths from a point over a grid of nodes linked to their eight neighbours, up
/// to 1.083 times as long as the true ones. Infinite if there is no path.
struct Search {
    side: usize,
    length: Vec<f32>,
}

impl Search {
    fn node(&self, node: usize) -> (f32, f32) {
        let at = |index: usize| (index as f32 + 0.5) / FINE as f32;
        (at(node % self.side), at(node / self.side))
    }

    fn new(terrain: &Terrain, margin: f32, from: (f32, f32)) -> Self {
        let side = terrain.width() * FINE;
        assert_eq!(terrain.width(), terrain.height());
        let mut search = Self { side, length: vec![f32::INFINITY; side * side] };
        let mut queue = BinaryHeap::new();
        // Lengths are positive, so their bits have the same order.
        for node in 0..side * side {
            let at = search.node(node);
            let length = distance(from, at);
            if length < 1.5 && sampled_clear(terrain, from, at, margin) {
                search.length[node] = length;
                queue.push(Reverse((length.to_bits(), node)));
            }
        }
        while let Some(Reverse((bits, node))) = queue.pop() {
            let (length, at) = (f32::from_bits(bits), search.node(node));
            if length > search.length[node] {
                continue;
            }
            for k in 0..9 {
                let (x, y) = (node % side + k % 3, node / side + k / 3);
                if x < 1 || y < 1 || x > side || y > side {
                    continue;
                }
                let next = (y - 1) * side + x - 1;
                let to = search.node(next);
                let middle = ((at.0 + to.0) / 2.0, (at.1 + to.1) / 2.0);
                let length = length + distance(at, to);
                if length < search.length[next]
                    && terrain.admits(to.0, to.1, margin)
                    && terrain.admits(middle.0, middle.1, margin)
                {
                    search.length[next] = length;
                    queue.push(Reverse((length.to_bits(), next)));
                }
            }
        }
        search
    }

    fn to(&self, terrain: &Terrain, margin: f32, to: (f32, f32)) -> f32 {
        let last = |node: usize| {
            let (at, length) = (self.node(node), self.length[node]);
            let rest = distance(at, to);
            let joins = rest < 1.5 && length.is_finite() && sampled_clear(terrain, at, to, margin);
            joins.then_some(length + rest)
        };
        (0..self.length.len()).filter_map(last).fold(f32::INFINITY, f32::min)
    }
}

/// Walks to `goal` for at most `length`. Returns how far it was and where it ended.
fn walk(
    terrain: &Terrain,
    margin: f32,
    from: (f32, f32),
    goal: (f32, f32),
    length: f32,
) -> (f32, (f32, f32)) {
    let (mut at, mut walked) = (from, 0.0);
    while walked < length && at != goal {
        let next = terrain.waypoint(at, goal, margin);
        let rest = distance(at, next);
        if rest < 1e-4 {
            break;
        }
        let share = PACE.min(rest) / rest;
        let step = (at.0 + share * (next.0 - at.0), at.1 + share * (next.1 - at.1));
        let spot = terrain.slide(at, step, margin);
        assert!(terrain.admits(spot.0, spot.1, margin));
        // A blocked walker still uses up its path, so that none is stuck forever.
        walked += PACE.min(rest);
        at = spot;
    }
    (walked, at)
}

#[test]
fn a_walker_reaches_any_goal_on_a_shortest_path() {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    for (name, terrain) in terrains() {
        for margin in MARGINS {
            for _ in 0..20 {
                let from = somewhere(&terrain, margin, true, &mut rng);
                let search = Search::new(&terrain, margin, from);
                for _ in 0..15 {
                    let goal = somewhere(&terrain, margin, true, &mut rng);
                    let length = search.to(&terrain, margin, goal);
                    if length.is_infinite() {
                        continue;
                    }
                    let (walked, end) = walk(&terrain, margin, from, goal, 1.2 * length + 1.0);
                    let what = format!("{name}, margin {margin}: {from:?} to {goal:?}");
                    assert!(distance(end, goal) < 0.02, "{what}: ends at {end:?}");
                    assert!(walked <= 1.02 * length + 0.1, "{what}: {walked}, not {length}");
                }
            }
        }
    }
}

#[test]
fn an_unreachable_goal_is_approached_as_closely_as_possible() {
    let mut rng = Rng::stream(2, Purpose::Check, 0);
    let mut unreachable = 0;
    for (name, terrain) in terrains().filter(|(name, _)| !["open", "strip"].contains(name)) {
        for margin in MARGINS {
            for _ in 0..8 {
                let from = somewhere(&terrain, margin, true, &mut rng);
                let search = Search::new(&terrain, margin, from);
                for _ in 0..20 {
                    let goal = somewhere(&terrain, margin, false, &mut rng);
                    if search.to(&terrain, margin, goal).is_finite() {
                        continue;
                    }
                    unreachable += 1;
                    let (_, end) = walk(&terrain, margin, from, goal, 200.0);
                    let reached = (0..search.length.len())
                        .filter(|&node| search.length[node].is_finite())
                        .map(|node| distance(search.node(node), goal))
                        .fold(f32::INFINITY, f32::min);
                    let what = format!("{name}, margin {margin}: {from:?} to {goal:?}");
                    let (nearest, approach) =
                        (distance(end, goal), search.to(&terrain, margin, end));
                    assert!(nearest <= reached + 0.02, "{what}: {nearest}, not {reached}");
                    assert!(approach.is_finite(), "{what}: walked through a cliff to {end:?}");
                }
            }
        }
    }
    assert!(unreachable > 500, "only {unreachable} goals were out of reach");
}

#[test]
fn a_straight_path_is_clear_exactly_if_all_its_points_are() {
    let mut rng = Rng::stream(3, Purpose::Check, 0);
    for (name, terrain) in terrains() {
        for margin in MARGINS {
            let mut differ = 0;
            for _ in 0..3000 {
                let a = somewhere(&terrain, margin, true, &mut rng);
                let b = somewhere(&terrain, margin, true, &mut rng);
                let clear = terrain.clear(a, b, margin);
                assert_eq!(clear, terrain.clear(b, a, margin), "{name}: {a:?} {b:?}");
                let sampled = sampled_clear(&terrain, a, b, margin);
                assert!(sampled || !clear, "{name}: {a:?} {b:?} is not clear");
                // Samples may miss a corner that is barely touched.
                let nearly = sampled_clear(&terrain, a, b, margin + 0.02);
                assert!(clear || !nearly, "{name}: {a:?} {b:?} is clear");
                differ += usize::from(clear != sampled);
            }
            assert!(differ <= 30, "{name}: {differ} differ");
        }
    }
}

#[test]
fn on_a_rectangle_every_path_is_straight() {
    for name in ["strip", "open"] {
        let (_, terrain) = terrains().find(|&(other, _)| other == name).expect("it is listed");
        for goal in [(31.0, 9.0), (2.0, 35.0), (-3.0, 16.0)] {
            assert_eq!(terrain.waypoint((1.0, 20.0), goal, 0.5), goal);
        }
    }
}

#[test]
fn the_choke_of_corridor_is_passable_with_both_margins() {
    let (_, terrain) = terrains().find(|(name, _)| *name == "corridor").expect("it is listed");
    for margin in MARGINS {
        let (from, goal) = ((27.91, 28.24), (3.0, 10.5));
        assert!(!terrain.clear(from, goal, margin));
        let (walked, end) = walk(&terrain, margin, from, goal, 60.0);
        assert!(distance(end, goal) < 0.02, "margin {margin}: ends at {end:?}");
        assert!(walked > distance(from, goal) && walked < 1.1 * distance(from, goal), "{walked}");
    }
}

/// Plays the enemies of a map against allies that cannot die and stand at one point. Returns the final
/// distances of the enemies from that point, in order.
fn besiege(name: &str, (x, y): (f32, f32), loops: usize) -> Vec<f32> {
    let map = Map::named(name).expect("the built-in map is valid");
    let mut rng = Rng::stream(4, Purpose::Check, 0);
    let mut battle = Battle::new(&map, &SkirmishArgs::default());
    battle.spawn(&map.rosters(), map.enemy_order, &mut rng);
    let enemies = battle.n_allies..battle.len();
    for ally in 0..battle.n_allies {
        (battle.units.x[ally], battle.units.y[ally]) = (x, y);
    }
    for _ in 0..loops {
        battle.units.health[..enemies.start].fill(1000.0);
        battle.play(1, &mut rng);
        for unit in enemies.clone() {
            let margin = battle.stats[unit].unit.inner_radius;
            let (x, y) = (battle.units.x[unit], battle.units.y[unit]);
            assert!(battle.terrain.admits(x, y, margin), "{name}: in a cliff at ({x}, {y})");
        }
    }
    let mut distances: Vec<_> = enemies
        .map(|unit| distance((x, y), (battle.units.x[unit], battle.units.y[unit])))
        .collect();
    distances.sort_by(f32::total_cmp);
    distances
}

#[test]
fn a_crowd_passes_a_choke() {
    let distances = besiege("corridor", (4.47, 4.33), 250);
    assert!(distances[0] < 1.0 && distances[23] < 4.0, "{distances:?}");
}

#[test]
fn a_crowd_walks_around_a_ridge_and_gathers_below_a_cliff() {
    // Colossi are on a cliff, 4.375 from the ground that zerglings can reach.
    let distances = besiege("2c_vs_64zg", (16.0, 24.0), 300);
    assert!(distances[0] > 4.374 && distances[0] < 4.6 && distances[63] < 12.0, "{distances:?}");
}
