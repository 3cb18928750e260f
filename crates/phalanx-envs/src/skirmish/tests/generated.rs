//! Teams and starting positions drawn for every episode.

use super::*;

fn names(field: &Field, units: std::ops::Range<usize>) -> Vec<&'static str> {
    let mut names: Vec<_> =
        field.env.battle.stats[units].iter().map(|stats| stats.unit.name).collect();
    names.sort_unstable();
    names
}

#[test]
fn kinds_are_drawn_by_weight_and_enemies_are_of_the_same_kinds() {
    for (map, kinds) in [
        ("protoss_5_vs_5", ["stalker", "zealot", "colossus"]),
        ("terran_5_vs_5", ["marine", "marauder", "medivac"]),
        ("zerg_5_vs_5", ["zergling", "hydralisk", "baneling"]),
    ] {
        let mut field = Field::new(map, "");
        let mut counts = [0_i32; 3];
        let episodes = 2000;
        for _ in 0..episodes {
            field.reset();
            let team = names(&field, 0..5);
            assert_eq!(team, names(&field, 5..10), "{map}");
            if map != "protoss_5_vs_5" {
                assert!(team.iter().any(|&name| name != kinds[2]), "{map}: {team:?}");
            }
            for (count, kind) in counts.iter_mut().zip(kinds) {
                *count += team.iter().filter(|&&name| name == kind).count() as i32;
            }
        }
        // Five standard deviations of a binomial.
        for (count, weight) in counts.into_iter().zip([0.45_f64, 0.45, 0.1]) {
            let n = f64::from(5 * episodes);
            let deviation = (n * weight * (1.0 - weight)).sqrt();
            assert!((f64::from(count) - n * weight).abs() < 5.0 * deviation, "{map}: {counts:?}");
        }
    }
}

#[test]
fn enemies_beyond_the_allies_are_drawn_as_a_separate_team() {
    let mut field = Field::new("terran_10_vs_11", "");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        field.reset();
        // In order of creation, the additional enemy is the last.
        let last = field.env.battle.stats[20].unit.name;
        seen.insert(last);
        assert_eq!(names(&field, 0..10), names(&field, 10..20));
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["marauder", "marine"],
        "never a medivac alone"
    );
}

#[test]
fn allies_start_surrounded_or_opposite_their_mirror_images() {
    let mut field = Field::new("zerg_20_vs_23", "start_scatter = false");
    let mut surrounded = 0;
    for _ in 0..400 {
        field.reset();
        let battle = &field.env.battle;
        let (x, y) = (&battle.units.x, &battle.units.y);
        for unit in 0..43 {
            let margin = battle.stats[unit].unit.inner_radius;
            assert!(battle.terrain.admits(x[unit], y[unit], margin), "({}, {})", x[unit], y[unit]);
        }
        let sorted = (1..20).all(|i| {
            let key = |i: usize| (battle.stats[i].unit.name, x[i]);
            key(i - 1) <= key(i)
        });
        assert!(sorted, "agents are sorted by name and place");
        if (0..20).all(|unit| (x[unit], y[unit]) == (16.0, 16.0)) {
            surrounded += 1;
            // Every group is on a diagonal, at least two from the middle in both coordinates.
            let mut groups: Vec<_> =
                (20..43).map(|unit| (x[unit].to_bits(), y[unit].to_bits())).collect();
            groups.sort_unstable();
            groups.dedup();
            for unit in 20..43 {
                let (dx, dy) = ((x[unit] - 16.0).abs(), (y[unit] - 16.0).abs());
                assert!(dx >= 2.0 && (dx - dy).abs() < 0.6, "({dx}, {dy})");
            }
            let corners: std::collections::BTreeSet<_> =
                (20..43).map(|unit| (x[unit] > 16.0, y[unit] > 16.0)).collect();
            assert!((1..=4).contains(&corners.len()));
        } else {
            for ally in 0..20 {
                assert!(x[ally] < 15.0);
                let mirrored = (20..40).filter(|&enemy| {
                    (x[enemy] + x[ally] - 32.0).abs() < 1e-4 && y[enemy] == y[ally]
                });
                assert_eq!(mirrored.count(), 1);
            }
            assert!((20..43).all(|enemy| x[enemy] >= 16.0));
        }
    }
    // Five standard deviations of 400 tosses of a fair coin.
    assert!((150..=250).contains(&surrounded), "{surrounded}");
}

#[test]
fn rewards_are_scaled_by_the_mean_team_or_by_that_of_the_episode() {
    let field = Field::new("terran_5_vs_5", "");
    // 0.45 * 45 + 0.45 * 125 + 0.1 * 150 = 91.5 a head.
    assert!((field.env.max_reward() - (50.0 + 200.0 + 5.0 * 91.5)).abs() < 1e-3);
    assert_eq!(field.env.spec().max_reward, Some(field.env.max_reward()));
    assert_eq!(field.env.spec().max_return, None);
    let mut field = Field::new("terran_5_vs_5", "fix_quirks = true");
    for _ in 0..20 {
        field.reset();
        let health: f32 = field.env.battle.units.health[5..].iter().sum();
        assert_eq!(field.env.max_reward(), 250.0 + health);
    }
    // Medivacs let more be earned than by killing each enemy once.
    assert_eq!((field.env.spec().max_reward, field.env.spec().max_return), (None, None));
    let sparse = Field::new("terran_5_vs_5", "fix_quirks = true\nreward_sparse = true");
    assert_eq!(sparse.env.spec().max_return, Some(1.0));
}

#[test]
fn a_saved_battle_includes_its_roster() {
    for args in
        ["", "fix_quirks = true\nself_play = true", "conic_fov = true\nprob_obs_enemy = 0.3"]
    {
        let mut field = Field::new("zerg_10_vs_11", args);
        let mut player = Rng::stream(5, Purpose::Check, 3);
        for _ in 0..6 {
            let actions = field.random_actions(&mut player);
            field.step(&actions);
        }
        let mut bytes = Vec::new();
        field.env.save(&mut bytes);
        let mut other = Field::new("zerg_10_vs_11", args);
        other.reset();
        other.env.load(&bytes).expect("the same kind of battle");
        assert_eq!(names(&field, 0..10), names(&other, 0..10));
        assert_eq!(field.env.max_reward(), other.env.max_reward());
        other.rng = field.rng.clone();
        for _ in 0..4 {
            let actions = field.random_actions(&mut player);
            assert_eq!(field.step(&actions), other.step(&actions));
            assert_eq!(field.rows.obs, other.rows.obs);
            assert_eq!(field.rows.state, other.rows.state);
        }
        let mut terran = Field::new("terran_10_vs_11", args);
        assert!(terran.env.load(&bytes).is_err(), "the map has no zerglings");
    }
}
