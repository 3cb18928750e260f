//! The abilities of the players of a team.

use super::state::{Abilities, TEAM_SIZE};

/// The abilities by index in the team's list, the same for both teams: top speed, acceleration, agility, balance,
/// reaction, stamina, shot power, ball control, dribbling, short passes, high passes, shots, tackling.
const TABLE: [[f32; 13]; TEAM_SIZE] = [
    [7.72, 0.80, 0.94, 0.94, 1.00, 0.80, 0.94, 0.51, 0.36, 0.94, 1.00, 0.51, 0.36],
    [7.83, 0.79, 0.79, 0.83, 0.79, 0.69, 0.83, 0.74, 0.69, 0.83, 0.79, 0.64, 0.79],
    [7.75, 0.69, 0.69, 1.00, 0.92, 0.69, 0.84, 0.69, 0.47, 0.84, 0.84, 0.47, 1.00],
    [7.78, 0.73, 0.65, 1.00, 1.00, 0.73, 0.96, 0.58, 0.35, 0.65, 0.65, 0.35, 1.00],
    [7.78, 0.73, 0.68, 0.77, 0.73, 0.64, 0.73, 0.73, 0.59, 0.86, 0.82, 0.50, 0.82],
    [7.94, 0.93, 1.00, 0.61, 0.77, 0.77, 1.00, 0.93, 1.00, 0.93, 0.77, 1.00, 0.30],
    [7.77, 0.72, 0.72, 1.00, 0.87, 0.72, 0.87, 0.72, 0.56, 1.00, 1.00, 0.56, 1.00],
    [7.84, 0.80, 0.87, 0.80, 0.80, 0.72, 0.95, 0.80, 0.80, 0.95, 0.87, 0.80, 0.65],
    [7.99, 0.99, 1.00, 0.60, 0.76, 0.76, 1.00, 0.83, 1.00, 0.91, 0.83, 1.00, 0.29],
    [8.00, 1.00, 1.00, 0.64, 0.80, 0.80, 1.00, 0.88, 1.00, 0.97, 0.88, 1.00, 0.30],
    [8.00, 1.00, 1.00, 0.66, 0.83, 0.83, 1.00, 0.92, 1.00, 1.00, 0.92, 1.00, 0.31],
];

impl Abilities {
    /// Returns the abilities of the player with an index in its team's list, before difficulty.
    pub fn of(index: usize) -> Self {
        let [
            top_speed,
            acceleration,
            agility,
            balance,
            reaction,
            stamina,
            shot_power,
            ball_control,
            dribble,
            short_pass,
            high_pass,
            shot,
            tackle,
        ] = TABLE[index];
        Self {
            top_speed,
            acceleration,
            agility,
            balance,
            reaction,
            stamina,
            shot_power,
            ball_control,
            dribble,
            short_pass,
            high_pass,
            shot,
            tackle,
        }
    }
}
