//! Scripted policies, each for either team.

use phalanx_core::env::{pack, unpack};

use super::*;
use crate::skirmish::engine::Order;
use crate::skirmish::interface::DIRECTIONS;
use crate::skirmish::scripted::{AttackNearest, ScriptedPolicy, UnitView};

/// A battle in which policies command both teams.
struct Duel {
    battle: Battle,
    rng: Rng,
}

impl Duel {
    fn new(map: &str, seed: u64) -> Self {
        let map = Map::named(map).expect("a built-in map");
        let mut battle = Battle::new(&map, &SkirmishArgs::default());
        let mut rng = Rng::stream(seed, Purpose::Check, 0);
        battle.spawn(&map.rosters(), map.enemy_order, &mut rng);
        for unit in 0..battle.len() {
            battle.units.command(unit, Order::Hold, NO_UNIT);
        }
        Self { battle, rng }
    }

    /// SMAC's mask, for a unit of either team.
    fn mask(&self, unit: usize) -> Vec<bool> {
        let (battle, units) = (&self.battle, &self.battle.units);
        let heals = |unit: usize| battle.stats[unit].unit.heal.is_some();
        let mut mask = vec![false; usize::from(ATTACK)];
        mask[usize::from(STOP)] = true;
        for (open, (dx, dy)) in mask[usize::from(NORTH)..].iter_mut().zip(DIRECTIONS) {
            *open =
                battle.terrain.pathable((units.x[unit] + dx) as i32, (units.y[unit] + dy) as i32);
        }
        let targets = if heals(unit) { battle.team(unit) } else { battle.opponents(unit) };
        mask.extend(targets.map(|j| {
            let reached = units.distance_squared(unit, j) <= SHOOT_RANGE * SHOOT_RANGE;
            units.alive(j) && reached && !(heals(unit) && heals(j))
        }));
        mask
    }

    /// Returns what a policy would do with one unit.
    fn ask(&mut self, policy: &mut ScriptedPolicy, unit: usize) -> u16 {
        let mask = self.mask(unit);
        let view =
            UnitView { battle: &self.battle, unit, mask: &mask, first_target: ATTACK, look: 0 };
        let action = policy.act(&view, true, &mut self.rng);
        if self.battle.units.alive(unit) {
            assert!(mask[usize::from(action)], "unit {unit}: {action} is not available");
        } else {
            assert_eq!(action, NO_OP);
        }
        action
    }

    /// Plays one step.
    fn step(&mut self, policies: &mut [ScriptedPolicy; 2]) {
        let actions: Vec<_> = (0..self.battle.len())
            .map(|unit| self.ask(&mut policies[usize::from(unit >= self.battle.n_allies)], unit))
            .collect();
        for (unit, action) in actions.into_iter().enumerate() {
            let heals = self.battle.stats[unit].unit.heal.is_some();
            let first =
                if heals { self.battle.team(unit) } else { self.battle.opponents(unit) }.start;
            let units = &mut self.battle.units;
            match action {
                NO_OP => {}
                STOP => units.command(unit, Order::Hold, NO_UNIT),
                NORTH..=WEST => {
                    let (dx, dy) = DIRECTIONS[usize::from(action - NORTH)];
                    let (x, y) = (units.x[unit] + 2.0 * dx, units.y[unit] + 2.0 * dy);
                    units.command(unit, Order::Move { x, y }, NO_UNIT);
                }
                attack => {
                    let target = first as u16 + attack - ATTACK;
                    units.command(unit, Order::Attack, target);
                }
            }
        }
        self.battle.play(8, &mut self.rng);
    }

    /// Returns whether only allies are left (1), only enemies (-1), or neither after `steps` (0).
    fn play(&mut self, policies: &mut [ScriptedPolicy; 2], steps: usize) -> i32 {
        for _ in 0..steps {
            self.step(policies);
            let (n_allies, n) = (self.battle.n_allies, self.battle.len());
            let (allies, enemies) =
                (self.battle.any_alive(0..n_allies), self.battle.any_alive(n_allies..n));
            if !allies || !enemies {
                return i32::from(allies) - i32::from(enemies);
            }
        }
        0
    }

    fn put(&mut self, unit: usize, x: f32, y: f32) {
        self.battle.units.x[unit] = x;
        self.battle.units.y[unit] = y;
    }
}

fn policy(name: &str, duel: &Duel) -> ScriptedPolicy {
    ScriptedPolicy::new(name, duel.battle.len()).expect("the policy exists")
}

/// Games won and lost by the allies, of twenty.
fn score(map: &str, ally: &str, enemy: &str, steps: usize) -> (usize, usize) {
    let outcomes: Vec<_> = (0..20)
        .map(|seed| {
            let mut duel = Duel::new(map, seed);
            let mut policies = [policy(ally, &duel), policy(enemy, &duel)];
            duel.play(&mut policies, steps)
        })
        .collect();
    let count = |outcome: i32| outcomes.iter().filter(|&&other| other == outcome).count();
    (count(1), count(-1))
}

/// Returns the units of a kind, allies first.
fn kind(duel: &Duel, name: &str) -> Vec<usize> {
    let named = |&unit: &usize| duel.battle.stats[unit].unit.name == name;
    (0..duel.battle.len()).filter(named).collect()
}

#[test]
fn every_policy_chooses_available_actions_for_either_team_on_every_map() {
    for (map, _) in MAPS {
        for (name, _) in SCRIPTED_POLICIES {
            let mut duel = Duel::new(map, 1);
            let mut policies = [policy(name, &duel), policy(name, &duel)];
            for _ in 0..40 {
                duel.step(&mut policies);
            }
        }
    }
    assert!(ScriptedPolicy::new("attack_nearst", 3).is_none());
}

#[test]
fn attack_nearest_keeps_its_target_until_it_is_dead() {
    let mut duel = Duel::new("3m", 1);
    let mut policy = policy("attack_nearest", &duel);
    for (unit, x) in [(0, 10.0), (3, 14.0), (4, 20.0), (5, 30.0)] {
        duel.put(unit, x, 16.0);
    }
    assert_eq!(duel.ask(&mut policy, 0), ATTACK);
    duel.put(4, 12.0, 16.0);
    assert_eq!(duel.ask(&mut policy, 0), ATTACK, "another is nearer now");
    duel.put(3, 10.0, 22.5);
    assert_eq!(duel.ask(&mut policy, 0), NORTH, "out of reach, it is followed");
    duel.battle.units.health[3] = 0.0;
    assert_eq!(duel.ask(&mut policy, 0), ATTACK + 1);
    policy.forget();
    duel.put(5, 11.0, 16.0);
    assert_eq!(duel.ask(&mut policy, 0), ATTACK + 2);
    // The same for the other team: its unit 1 has ally 0 before it.
    let mut opponent = ScriptedPolicy::new("attack_nearest", 6).expect("the policy exists");
    assert_eq!(duel.ask(&mut opponent, 4), ATTACK);
    duel.battle.units.health[0] = 0.0;
    duel.battle.units.health[1] = 0.0;
    duel.put(2, 5.0, 16.0);
    assert_eq!(duel.ask(&mut opponent, 4), WEST);
}

#[test]
fn attack_nearest_attacks_out_of_range_if_it_ignores_the_mask() {
    let duel = Duel::new("3m", 1);
    let mask = duel.mask(0);
    let view =
        UnitView { battle: &duel.battle, unit: 0, mask: &mask, first_target: ATTACK, look: 0 };
    let action = AttackNearest::new(3).act(&view, false);
    assert!(action >= ATTACK && !mask[usize::from(action)]);
    assert_eq!(AttackNearest::new(3).act(&view, true), EAST);
    // Look actions come before those with a target.
    let view = UnitView { first_target: ATTACK + 12, ..view };
    assert_eq!(AttackNearest::new(3).act(&view, false), action + 12);
}

#[test]
fn ground_weapons_are_not_aimed_at_medivacs() {
    let mut duel = Duel::new("MMM", 1);
    let (marauder, medivac) = (kind(&duel, "marauder")[0], kind(&duel, "medivac")[1]);
    let marine = kind(&duel, "marine")[0];
    let first = duel.battle.n_allies;
    for enemy in first..duel.battle.len() {
        duel.put(enemy, 28.0, 16.0);
    }
    duel.put(medivac, 15.0, 16.0);
    duel.put(marauder, 12.0, 16.0);
    duel.put(marine, 12.0, 18.0);
    for name in ["attack_nearest", "focus_fire", "kiting"] {
        let mut policy = policy(name, &duel);
        assert_eq!(duel.ask(&mut policy, marauder), EAST, "{name}");
        assert_eq!(duel.ask(&mut policy, marine), ATTACK + (medivac - first) as u16, "{name}");
    }
}

#[test]
fn a_healer_heals_the_injured() {
    let mut duel = Duel::new("MMM", 1);
    for team in [0, 1] {
        let medivac = kind(&duel, "medivac")[team];
        let start = duel.battle.team(medivac).start;
        let marines: Vec<_> = kind(&duel, "marine")
            .into_iter()
            .filter(|unit| duel.battle.team(medivac).contains(unit))
            .collect();
        duel.put(medivac, 10.0, 16.0);
        for (&marine, distance) in marines.iter().zip(1..) {
            duel.put(marine, 10.0 + distance as f32, 16.0);
        }
        for name in ["attack_nearest", "focus_fire", "kiting"] {
            let mut policy = policy(name, &duel);
            duel.battle.units.health[medivac] = 10.0;
            assert_eq!(duel.ask(&mut policy, medivac), STOP, "{name}: no healer heals itself");
            duel.battle.units.health[marines[1]] = 30.0;
            duel.battle.units.health[marines[3]] = 10.0;
            let nearest = ATTACK + (marines[1] - start) as u16;
            let weakest = ATTACK + (marines[3] - start) as u16;
            let expected = if name == "focus_fire" { weakest } else { nearest };
            assert_eq!(duel.ask(&mut policy, medivac), expected, "{name}");
            duel.battle.units.health[marines[1]] = 45.0;
            duel.battle.units.health[marines[3]] = 45.0;
            duel.battle.units.health[marines[6]] = 44.0;
            assert_eq!(duel.ask(&mut policy, medivac), EAST, "{name}: one is out of reach");
            duel.battle.units.health[marines[6]] = 45.0;
        }
    }
}

#[test]
fn focus_fire_targets_the_weakest_unit_in_range() {
    let mut duel = Duel::new("2s3z", 1);
    let mut policy = policy("focus_fire", &duel);
    let first = duel.battle.n_allies;
    duel.put(0, 10.0, 16.0);
    for (enemy, x) in (first..).zip([12.0, 13.0, 14.0, 18.0, 19.0]) {
        duel.put(enemy, x, 16.0);
        duel.battle.units.health[enemy] = 50.0;
        duel.battle.units.shield[enemy] = 40.0;
    }
    assert_eq!(duel.ask(&mut policy, 0), ATTACK, "of equals the nearest");
    duel.battle.units.health[first + 1] = 60.0;
    duel.battle.units.shield[first + 1] = 20.0;
    duel.battle.units.health[first + 3] = 1.0;
    assert_eq!(duel.ask(&mut policy, 0), ATTACK + 1, "the weakest in range by health plus shield");
    duel.put(0, 3.0, 16.0);
    assert_eq!(duel.ask(&mut policy, 0), EAST, "towards the nearest, not the weakest");
    duel.put(first + 1, 3.0, 22.9);
    assert_eq!(duel.ask(&mut policy, 0), NORTH);
}

#[test]
fn kiting_shoots_when_ready_and_walks_away_while_reloading() {
    let mut duel = Duel::new("3s_vs_3z", 1);
    let mut policy = policy("kiting", &duel);
    for (unit, x) in [(0, 10.0), (3, 14.0), (4, 30.0), (5, 30.0)] {
        duel.put(unit, x, 16.0);
    }
    assert_eq!(duel.ask(&mut policy, 0), ATTACK, "its weapon is ready");
    duel.battle.units.cooldown[0] = 15.0;
    duel.put(3, 13.0, 16.0);
    assert_eq!(duel.ask(&mut policy, 0), WEST);
    duel.put(3, 14.0, 16.0);
    assert_eq!(duel.ask(&mut policy, 0), ATTACK, "no opponent is near enough to run from");
    duel.put(3, 11.5, 16.0);
    duel.battle.units.cooldown[0] = 0.0;
    assert_eq!(duel.ask(&mut policy, 0), WEST, "the zealot would strike first");
    duel.put(0, 1.2, 1.2);
    duel.put(3, 1.2, 2.6);
    assert_eq!(duel.ask(&mut policy, 0), EAST, "not into the corner");
    // A zealot never runs from stalkers: their range is longer.
    duel.battle.units.cooldown[3] = 15.0;
    assert_eq!(duel.ask(&mut policy, 3), ATTACK);
}

#[test]
fn kiting_wins_battles_that_standing_and_fighting_loses() {
    for map in ["3s_vs_3z", "3s_vs_4z", "3s_vs_5z"] {
        let (won, _) = score(map, "attack_nearest", "attack_nearest", 400);
        assert!(won <= 2, "{map}: {won} won by standing");
        let (won, _) = score(map, "kiting", "attack_nearest", 400);
        assert!(won >= 18, "{map}: {won} won by kiting");
    }
    // The enemies can do it too.
    let (_, lost) = score("3s5z", "attack_nearest", "kiting", 400);
    assert!(lost >= 18, "{lost} won by kiting enemies");
}

#[test]
fn fighting_wins_over_not_fighting_for_either_team() {
    for name in ["attack_nearest", "focus_fire", "kiting"] {
        for passive in ["stop", "random"] {
            assert_eq!(score("3m", name, passive, 200), (20, 0), "{name} against {passive}");
            assert_eq!(score("3m", passive, name, 200), (0, 20), "{passive} against {name}");
        }
    }
}

#[test]
fn stop_stands_still_and_random_chooses_uniformly() {
    let mut duel = Duel::new("3m", 1);
    duel.put(0, 10.0, 16.0);
    duel.put(3, 12.0, 16.0);
    let (mut stop, mut random) = (policy("stop", &duel), policy("random", &duel));
    let mut counts = vec![0; 9];
    for _ in 0..6000 {
        assert_eq!(duel.ask(&mut stop, 0), STOP);
        counts[usize::from(duel.ask(&mut random, 0))] += 1;
    }
    let mask = duel.mask(0);
    assert_eq!(mask, [false, true, true, true, true, true, true, false, false]);
    // One of six: 1000 of 6000, with a standard deviation of 29.
    for (count, open) in counts.into_iter().zip(mask) {
        assert!(if open { (850..1150).contains(&count) } else { count == 0 }, "{count}");
    }
}

#[test]
fn scripted_policies_find_their_way_through_a_choke() {
    for name in ["attack_nearest", "focus_fire", "kiting"] {
        let mut duel = Duel::new("corridor", 1);
        for ally in 0..duel.battle.n_allies {
            duel.put(ally, 4.0 + ally as f32, 4.0);
        }
        for enemy in duel.battle.n_allies + 1..duel.battle.len() {
            duel.battle.units.health[enemy] = 0.0;
        }
        let mut policies = [policy(name, &duel), policy("stop", &duel)];
        assert_eq!(duel.play(&mut policies, 120), 1, "{name}");
    }
}

#[test]
fn a_saved_scripted_policy_keeps_its_targets() {
    let mut duel = Duel::new("3m", 1);
    let mut policy = policy("attack_nearest", &duel);
    for (unit, x) in [(0, 10.0), (3, 15.0), (4, 20.0), (5, 30.0)] {
        duel.put(unit, x, 16.0);
    }
    assert_eq!(duel.ask(&mut policy, 0), ATTACK);
    let mut bytes = Vec::new();
    pack(&policy, &mut bytes);
    let mut loaded: ScriptedPolicy = unpack("policy", &bytes).expect("the bytes were just saved");
    assert_eq!(loaded, policy);
    assert!(loaded.is_compatible(duel.battle.len()) && !loaded.is_compatible(3));
    duel.put(4, 12.0, 16.0);
    assert_eq!(duel.ask(&mut loaded, 0), ATTACK);
}

#[test]
fn with_a_cone_of_sight_scripted_policies_look_before_they_walk_or_attack() {
    let duel = Duel::new("3m", 1);
    let units = &duel.battle.units;
    let mut mask = vec![true; usize::from(ATTACK) + 12];
    mask.extend([false; 3]);
    // All enemies are in the east; an enemy's own opponents are in the west: 180 degrees, look 6.
    assert!(units.x[3] - units.x[0] > 5.0 && (units.y[3] - units.y[0]).abs() < 2.0);
    for (unit, look, expected) in [(0, 0, EAST), (0, 3, ATTACK), (3, 0, ATTACK + 6), (3, 6, WEST)] {
        let view =
            UnitView { battle: &duel.battle, unit, mask: &mask, first_target: ATTACK + 12, look };
        assert_eq!(AttackNearest::new(3).act(&view, true), expected, "{unit} looks {look}");
    }
}
