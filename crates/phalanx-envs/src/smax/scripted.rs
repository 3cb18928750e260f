//! The scripted policy: JaxMARL's heuristic enemy, which can play either team.

use phalanx_core::rng::Rng;

use super::args::AttackMode;
use super::battle::{ATTACK, Battle};
use super::simd::{CAPACITY, Numbers};

/// Marks a unit without a stored target.
pub(crate) const NO_TARGET: u8 = u8::MAX;

/// The internal state of the scripted policy, per unit.
///
/// A unit shoots at an opponent within range, and keeps shooting at the same one while it stays within
/// range. Otherwise it walks towards a random visible opponent or, if there is none, towards the point
/// opposite its starting position, along the axis with the longer way.
#[derive(Clone, Debug)]
pub(crate) struct ScriptedPolicy {
    shoots: bool,
    mode: AttackMode,
    /// The last target, by its number among the targets.
    pub(crate) last_target: [u8; CAPACITY],
    /// The goal of the unit while it sees no opponent; the origin until it is known.
    pub(crate) goal: [(f32, f32); CAPACITY],
    scratch: Scratch,
}

/// An opponent in sight, relative to the observer.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    dx: f32,
    dy: f32,
}

/// Buffers that every decision overwrites; they are kept only to avoid clearing them.
#[derive(Clone, Debug)]
struct Scratch {
    squared: Numbers,
    seen: [Seen; CAPACITY],
    /// Whether each target is within range.
    within: [bool; CAPACITY],
}

impl ScriptedPolicy {
    /// Creates a policy at the start of an episode.
    pub(crate) fn new(shoots: bool, mode: AttackMode) -> Self {
        Self {
            shoots,
            mode,
            last_target: [NO_TARGET; CAPACITY],
            goal: [(0.0, 0.0); CAPACITY],
            scratch: Scratch {
                squared: [0.0; CAPACITY],
                seen: [Seen::default(); CAPACITY],
                within: [false; CAPACITY],
            },
        }
    }

    /// Resets the internal state for a new episode.
    pub(crate) fn forget(&mut self) {
        self.last_target.fill(NO_TARGET);
        self.goal.fill((0.0, 0.0));
    }

    /// Chooses the action of `unit` and updates the internal state.
    ///
    /// Everything is computed from the observation, as in JaxMARL, so that distances are rounded the
    /// same way. A dead unit observes zeros and acts on them.
    pub(crate) fn act(&mut self, battle: &Battle, unit: usize, rng: &mut Rng) -> u16 {
        let ally = unit < battle.n_allies;
        let n_targets = if ally { battle.n_units - battle.n_allies } else { battle.n_allies };
        let (width, height) = (battle.args.map_width, battle.args.map_height);
        let alive = battle.alive(unit);
        let (own_x, own_y) = if alive {
            (battle.x[unit] / width * width, battle.y[unit] / height * height)
        } else {
            (0.0, 0.0)
        };

        let stats = battle.stats(unit);
        let Scratch { squared, seen, within } = &mut self.scratch;
        let mut n_seen = 0;
        let mut n_within = 0;
        let (mut closest, mut least) = (NO_TARGET, f32::INFINITY);
        if alive {
            battle.squared_distances(unit, squared);
            for (slot, within) in within[..n_targets].iter_mut().enumerate() {
                *within = false;
                let other = battle.target(unit, ATTACK + slot as u16) % CAPACITY;
                if squared[other] >= stats.sight_limit {
                    continue;
                }
                let dx = (battle.x[other] - battle.x[unit]) / stats.unit.sight * stats.unit.sight;
                let dy = (battle.y[other] - battle.y[unit]) / stats.unit.sight * stats.unit.sight;
                seen[n_seen] = Seen { dx, dy };
                n_seen += 1;
                let squared = dx * dx + dy * dy;
                if squared < stats.range_limit {
                    *within = true;
                    n_within += 1;
                    let distance = squared.sqrt();
                    if distance < least {
                        (closest, least) = (slot as u8, distance);
                    }
                }
            }
        }

        let last = self.last_target[unit];
        let first_step = last == NO_TARGET && self.goal[unit] == (0.0, 0.0);
        if first_step {
            let (middle_x, middle_y) = (width / 2.0, height / 2.0);
            self.goal[unit] = (middle_x - (own_x - middle_x), middle_y - (own_y - middle_y));
        }
        let target = if n_within == 0 {
            NO_TARGET
        } else if last != NO_TARGET && within[usize::from(last) % CAPACITY] {
            last
        } else if self.mode == AttackMode::Random {
            rng.choose(&within[..n_targets]).map_or(NO_TARGET, |slot| slot as u8)
        } else {
            closest
        };
        self.last_target[unit] = target;
        if target != NO_TARGET && self.shoots {
            return ATTACK + u16::from(target);
        }
        let (goal_x, goal_y) = match n_seen {
            0 => self.goal[unit],
            n => {
                let Seen { dx, dy } = seen[if n == 1 { 0 } else { rng.below(n) } % CAPACITY];
                (dx + own_x, dy + own_y)
            }
        };
        walk(goal_x - own_x, goal_y - own_y)
    }
}

/// Returns the direction closest to the vector; the first of equal ones.
fn walk(dx: f32, dy: f32) -> u16 {
    let mut best = (0, dy);
    for (action, similarity) in [(1, dx), (2, -dy), (3, -dx)] {
        if similarity > best.1 {
            best = (action, similarity);
        }
    }
    best.0
}
