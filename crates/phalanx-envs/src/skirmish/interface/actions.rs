//! The actions of SMAC, with SMACv2's look actions between the moves and the attacks.

/// Action 0, the only one of dead agents.
pub const NO_OP: u16 = 0;
/// Action 1.
pub const STOP: u16 = 1;
/// Action 2, towards larger y.
pub const NORTH: u16 = 2;
/// Action 3, towards smaller y.
pub const SOUTH: u16 = 3;
/// Action 4, towards larger x.
pub const EAST: u16 = 4;
/// Action 5, towards smaller x.
pub const WEST: u16 = 5;
/// Action `ATTACK + j` attacks enemy `j`; a healer heals ally `j` with it. With `conic_fov` the look
/// actions come first: `ATTACK + num_fov_actions + j`.
pub const ATTACK: u16 = 6;

/// The largest distance between centres at which the mask allows an attack, for every unit unless
/// `use_unit_ranges` is set.
pub const SHOOT_RANGE: f32 = 6.0;
/// Every unit sees other units nearer than this (between centres), unless `use_unit_ranges` is set.
pub const SIGHT_RANGE: f32 = 9.0;

/// The directions of the moves north, south, east and west, as unit vectors.
pub(crate) const DIRECTIONS: [(f32, f32); 4] = [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0)];

/// The meaning of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Choice {
    /// Do nothing; for dead units.
    NoOp,
    /// Stand still.
    Stop,
    /// Walk in one of [`DIRECTIONS`].
    Move(usize),
    /// Rotate the field of view to one of its directions.
    Look(usize),
    /// Attack an enemy or, as a healer, heal an ally.
    Target(usize),
}

impl Choice {
    /// Returns the meaning of `action` if there are `n_looks` look actions.
    pub(crate) fn of(action: u16, n_looks: usize) -> Self {
        match action {
            NO_OP => Self::NoOp,
            STOP => Self::Stop,
            NORTH..=WEST => Self::Move(usize::from(action - NORTH)),
            _ => match usize::from(action - ATTACK) {
                look if look < n_looks => Self::Look(look),
                target => Self::Target(target - n_looks),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_actions_come_between_moves_and_targets() {
        assert_eq!(Choice::of(EAST, 12), Choice::Move(2));
        assert_eq!(Choice::of(6, 12), Choice::Look(0));
        assert_eq!(Choice::of(17, 12), Choice::Look(11));
        assert_eq!(Choice::of(18, 12), Choice::Target(0));
        assert_eq!(Choice::of(6, 0), Choice::Target(0));
    }
}
