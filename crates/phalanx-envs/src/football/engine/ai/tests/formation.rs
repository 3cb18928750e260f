use super::super::assignment::assign;
use super::super::formation::{TeamBox, places};
use super::super::trail::Trail;
use super::*;
use crate::football::engine::state::TEAM_SIZE;

#[test]
fn places_depend_on_the_index_in_the_list() {
    let places = places(11);
    assert_near(places[0], [-1.0, 0.0], 1e-6);
    assert_near(places[1], [-0.74, -0.77], 1e-6);
    assert_near(places[2], [-1.0, -0.25], 1e-6);
    assert_near(places[4], [-0.74, 0.77], 1e-6);
    assert_near(places[8], [0.36, -0.85], 1e-6);
    assert_near(places[9], [1.0, 0.0], 1e-6);
}

#[test]
fn places_that_are_too_near_push_each_other_apart() {
    let eleven = places(11);
    assert_near(eleven[5], [0.0526, -0.4157], 1e-3);
    assert_near(eleven[6], [-0.2253, 0.0], 1e-3);
    // Without the other midfielders, number 5 stays where it is.
    assert_near(places(6)[5], [0.0, -0.3], 1e-6);
    assert_near(places(3)[2], [-1.0, -0.15], 1e-6);
}

#[test]
fn a_place_is_mapped_into_the_team_box() {
    let area = TeamBox { back: -20.0, front: 20.0, low: -30.0, high: 30.0, ..TeamBox::default() };
    assert_near(area.position(Vec2::new(1.0, 0.0)), [20.0, 0.0], 1e-4);
    assert_near(area.position(Vec2::new(-0.74, -0.77)), [-14.8, -23.1], 1e-4);
}

#[test]
fn the_pull_along_the_pitch_moves_near_places_more() {
    let area = TeamBox {
        back: -20.0,
        front: 20.0,
        low: -30.0,
        high: 30.0,
        x_focus: [10.0, 0.5],
        ..TeamBox::default()
    };
    // At (0, 0) the bias is curve(0.75)^0.8 · 0.5 = 0.8536^0.8 · 0.5 = 0.4405.
    assert_near(area.position(Vec2::ZERO), [4.405, 0.0], 1e-2);
}

#[test]
fn the_longest_way_is_made_short_first() {
    let mut costs = [[0; TEAM_SIZE]; TEAM_SIZE];
    // 1 → 1 and 2 → 2 cost 0 + 100, crosswise 60 + 60: the longest way decides.
    costs[0][..2].copy_from_slice(&[0, 60]);
    costs[1][..2].copy_from_slice(&[60, 100]);
    // With two players only the pairs below the third shortest way are tried first, then all.
    assert_eq!(assign(&costs, 2)[..2], [0, 1]);
    let mut costs = [[900; TEAM_SIZE]; TEAM_SIZE];
    for row in 0..6 {
        costs[row][(row + 1) % 6] = 10 + row as i32;
    }
    assert_eq!(assign(&costs, 6)[..6], [1, 2, 3, 4, 5, 0]);
}

#[test]
fn the_trail_averages_the_last_seconds() {
    let mut trail = Trail::at(Vec2::ZERO);
    for step in 1..=10 {
        trail.record(step * 20, Vec2::new(step as f32, 0.0));
    }
    // The newest point only, then the newest six: 10, 9, …, 5.
    assert_near(trail.average(0.0), [10.0, 0.0], 1e-5);
    assert_near(trail.average(1.0), [7.5, 0.0], 1e-5);
}
