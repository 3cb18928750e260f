//! Both teams as agents.

use super::*;

/// Returns the same map with allies and enemies exchanged, each observing the other as before.
fn exchanged(map: &str) -> String {
    let (head, teams) = map.split_once("allies = [").expect("the test's map lists the allies");
    let (allies, enemies) = teams.split_once("enemies = [").expect("and the enemies");
    let bits = |team: &str| {
        team.replace("type_bit = 0", "type_bit = x")
            .replace("type_bit = 1", "type_bit = 0")
            .replace('x', "1")
    };
    let bits = |team: &str| {
        let other = head.contains("unit_type_bits = 2");
        if other { bits(team) } else { team.to_owned() }
    };
    format!("{head}allies = [{}enemies = [{}", bits(enemies), bits(allies))
}

/// Places all units of `field` in a row, the first team's units before the second's or after.
fn line_up(field: &mut Field, sizes: (usize, usize), swapped: bool) {
    let n = sizes.0 + sizes.1;
    for unit in 0..n {
        let place = if swapped { (unit + sizes.1) % n } else { unit };
        field.put(unit, 10.0 + 0.7 * place as f32, 16.0 + 0.1 * (place * place % 7) as f32);
        let unit_health = field.env.battle.stats[unit].unit.health;
        field.units().health[unit] = unit_health * (1.0 - 0.05 * place as f32);
        field.units().cooldown[unit] = place as f32;
    }
}

#[test]
fn the_enemies_observe_what_allies_in_their_place_would() {
    for (map, allies, enemies) in [(HEALERS, 4, 5), (SHIELDS, 3, 3)] {
        let mut both = Field::written(map, "self_play = true");
        let mut swapped = Field::written(&exchanged(map), "self_play = true");
        line_up(&mut both, (allies, enemies), false);
        line_up(&mut swapped, (enemies, allies), true);
        // In the swapped battle unit 0 is the first enemy, so places count from there.
        for unit in 0..allies + enemies {
            let other = (unit + enemies) % (allies + enemies);
            assert_eq!(both.units().x[unit], swapped.units().x[other]);
            assert_eq!(
                both.env.battle.stats[unit].unit.name,
                swapped.env.battle.stats[other].unit.name
            );
        }
        both.rewrite();
        swapped.rewrite();
        assert_eq!(both.env.spec().n_agents(), allies + enemies);
        for agent in 0..allies + enemies {
            let other = (agent + enemies) % (allies + enemies);
            assert_eq!(both.row(agent), swapped.row(other), "agent {agent}");
            assert_eq!(both.mask(agent), swapped.mask(other), "agent {agent}");
        }
    }
}

#[test]
fn the_allies_observe_the_same_with_and_without_self_play() {
    for map in [HEALERS, SHIELDS] {
        let alone = Field::written(map, "start_scatter = false");
        let both = Field::written(map, "start_scatter = false\nself_play = true");
        let (n, width) = (alone.env.spec().n_agents(), alone.env.spec().obs_dim);
        for agent in 0..n {
            // Enemies are sorted like agents in self-play, so compare what does not depend on it.
            assert_eq!(alone.row(agent)[..4], both.row(agent)[..4]);
            let rows = |row: &[f32]| {
                let mut rows: Vec<Vec<u32>> = row[4..width]
                    .chunks(8)
                    .map(|row| row.iter().map(|cell| cell.to_bits()).collect())
                    .collect();
                rows.sort_unstable();
                rows
            };
            assert_eq!(rows(alone.row(agent)), rows(both.row(agent)));
            assert!(both.row(agent)[width..].iter().all(|&cell| cell == 0.0));
        }
        assert_eq!(alone.rows.state.len(), both.rows.state.len());
    }
}

#[test]
fn teams_of_different_size_are_padded() {
    let field = Field::new("5m_vs_6m", "self_play = true");
    let spec = field.env.spec();
    assert_eq!(spec.n_agents(), 11);
    // The allies have 6 + 6 actions and 55 numbers, the enemies 6 + 5 and 4 + 5 * 5 + 5 * 5 + 1.
    assert_eq!((spec.n_actions, spec.obs_dim, spec.state_dim), (12, 55, 98));
    assert!(spec.agents[..5].iter().all(|agent| agent.team == 0 && agent.group == 0));
    assert!(spec.agents[5..].iter().all(|agent| agent.team == 1 && agent.group == 1));
    assert_eq!(spec.agents[5].name, "enemy marine 0");
    assert!(spec.info.contains(&"enemy_reward".to_owned()));
    let description = field.env.describe();
    assert_eq!((description.obs.len(), description.actions.len()), (55, 12));
    assert!(description.actions[11].ends_with("never available (as an enemy)"));
    let alike = Field::new("3m", "self_play = true");
    assert!(alike.env.spec().agents.iter().all(|agent| agent.group == 0), "marines on both sides");
}

#[test]
fn enemies_follow_their_actions_only() {
    let mut field = Field::new("3m", "self_play = true\nstart_scatter = false");
    let before = field.units().x.clone();
    field.step(&[STOP, STOP, STOP, WEST, STOP, EAST]);
    let after = field.units().x.clone();
    // Eight loops of 2.25 / 16.
    assert!((before[3] - after[3] - 1.125).abs() < 1e-4, "to the west");
    assert!((after[5] - before[5] - 1.125).abs() < 1e-4, "to the east");
    assert_eq!(before[4], after[4]);
    for (unit, x) in [(0, 10.0), (3, 14.0)] {
        field.put(unit, x, 16.0);
    }
    field.rewrite();
    field.step(&[STOP, STOP, STOP, ATTACK, STOP, STOP]);
    assert_eq!((field.units().order[3], field.units().target[3]), (Order::Attack, 0));
    assert_eq!(field.units().order[0], Order::Hold, "no unit shoots back on its own");
}

#[test]
fn each_team_is_rewarded_for_the_losses_of_the_other() {
    let mut field = Field::new("5m_vs_6m", "self_play = true");
    for unit in 0..11 {
        field.put(unit, 10.0 + 0.9 * unit as f32, 12.0);
    }
    field.put(0, 16.0, 18.0);
    field.put(5, 19.0, 18.0);
    field.rewrite();
    // Agent 0 and enemy 0 shoot at each other; the enemy shoots last and no unit dies.
    let mut actions = field.idle();
    actions[0] = ATTACK;
    let outcome = field.step(&actions);
    assert!((outcome.reward - 6.0 / 26.5).abs() < 1e-6);
    assert_eq!(field.rows.info[3], 0.0);
    let mut actions = field.idle();
    actions[5] = ATTACK;
    let outcome = field.step(&actions);
    assert_eq!(outcome.reward, 0.0);
    // Five marines: 10 * 5 + 200 + 5 * 45 = 475.
    assert!((field.rows.info[3] - 6.0 / (475.0 / 20.0)).abs() < 1e-6);
    for enemy in 5..11 {
        field.kill(enemy);
    }
    field.rewrite();
    let outcome = field.step(&field.idle());
    assert!((outcome.reward - 200.0 / 26.5).abs() < 1e-5 && field.rows.info[0] == 1.0);
    assert_eq!(field.rows.info[3], 0.0, "reward_defeat");
}
