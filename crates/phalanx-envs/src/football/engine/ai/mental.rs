//! Mental abilities of the players, by index in the team's list.

use crate::football::engine::state::TEAM_SIZE;

/// Work rate, defensive positioning, vision; before difficulty and tiredness.
const TABLE: [[f32; 3]; TEAM_SIZE] = [
    [0.796, 1.0, 0.796],
    [0.688, 0.785, 0.737],
    [0.692, 0.99, 0.841],
    [0.73, 1.0, 0.73],
    [0.636, 0.819, 0.819],
    [0.772, 0.454, 0.613],
    [0.716, 0.87, 0.87],
    [0.722, 0.646, 0.722],
    [0.756, 0.403, 0.677],
    [0.801, 0.427, 0.718],
    [0.831, 0.443, 0.744],
];

/// Returns the work rate of a player.
pub fn work_rate(index: usize) -> f32 {
    TABLE[index][0]
}

/// Returns how well a player positions itself in defence.
pub fn defensive_positioning(index: usize) -> f32 {
    TABLE[index][1]
}

/// Returns how much of the game a player sees.
pub fn vision(index: usize) -> f32 {
    TABLE[index][2]
}
