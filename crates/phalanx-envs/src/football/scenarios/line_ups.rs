//! Where the players of the scenarios start.

use super::Placed;
use crate::football::engine::state::Role;

use Role::{
    CentralMidfield as CM, CentreBack as CB, CentreForward as CF, Goalkeeper as GK, LeftBack as LB,
    LeftMidfield as LM, RightBack as RB, RightMidfield as RM,
};

pub(super) const fn at(x: f32, y: f32, role: Role) -> Placed {
    Placed { at: [x, y], role, lazy: false, controllable: true }
}

pub(super) const fn lazy(x: f32, y: f32, role: Role) -> Placed {
    Placed { lazy: true, ..at(x, y, role) }
}

/// The keeper in its own goal.
pub(super) const KEEPER: Placed = at(-1.0, 0.0, GK);
/// The keeper that stands in the other team's goal, so that its own is empty.
pub(super) const ABSENT_KEEPER: Placed = at(1.0, 0.0, GK);
/// The keeper that no controller may hold.
pub(super) const OWN_MIND: Placed = Placed { controllable: false, ..KEEPER };

pub(super) const ONE_RUNNER: &[Placed] = &[KEEPER, at(0.0, 0.0, CB)];
pub(super) const TWO_ATTACKERS: &[Placed] = &[KEEPER, at(0.7, 0.0, CB), at(0.7, -0.3, CB)];

pub(super) const COUNTERATTACK: &[Placed] = &[
    KEEPER,
    at(-0.672, -0.19576, LB),
    at(-0.75, -0.06356, CB),
    at(-0.75, 0.063559, CB),
    at(-0.672, 0.19576, RB),
    at(-0.434, -0.10568, CM),
    at(-0.434, 0.10568, CM),
    at(0.5, -0.3161, CM),
    at(0.25, -0.1, LM),
    at(0.25, 0.1, RM),
    at(0.35, 0.316102, CF),
];

/// The line-up that defends a counterattack; its left and right back share one place, as in the
/// original.
pub(super) const fn retreating(centre_back: f32) -> [Placed; 11] {
    [
        KEEPER,
        at(0.128, -0.19576, LB),
        at(centre_back, -0.06356, CB),
        at(-0.4, 0.063559, CB),
        at(0.128, -0.19576, RB),
        at(0.365, -0.10568, CM),
        at(0.282, 0.0, CM),
        at(0.365, 0.10568, CM),
        at(0.54, -0.3161, LM),
        at(0.51, 0.0, RM),
        at(0.54, 0.316102, CF),
    ]
}

pub(super) const ELEVEN: &[Placed] = &[
    KEEPER,
    at(0.0, 0.02, RM),
    at(0.0, -0.02, CF),
    at(-0.422, -0.19576, LB),
    at(-0.5, -0.06356, CB),
    at(-0.5, 0.063559, CB),
    at(-0.422, 0.19576, RB),
    at(-0.184212, -0.10568, CM),
    at(-0.267574, 0.0, CM),
    at(-0.184212, 0.10568, CM),
    at(-0.01, -0.2161, LM),
];

pub(super) const OTHER_ELEVEN: &[Placed] = &[
    KEEPER,
    at(-0.05, 0.0, RM),
    at(-0.01, 0.216102, CF),
    at(-0.422, -0.19576, LB),
    at(-0.5, -0.06356, CB),
    at(-0.5, 0.063559, CB),
    at(-0.422, 0.19576, RB),
    at(-0.184212, -0.10568, CM),
    at(-0.267574, 0.0, CM),
    at(-0.184212, 0.10568, CM),
    at(-0.01, -0.2161, LM),
];

pub(super) const LAZY_ELEVEN: &[Placed] = &[
    KEEPER,
    lazy(-0.05, 0.0, RM),
    lazy(-0.01, 0.216102, CF),
    lazy(-0.422, -0.19576, LB),
    lazy(-0.5, -0.06356, CB),
    lazy(-0.5, 0.063559, CB),
    lazy(-0.422, 0.19576, RB),
    lazy(-0.184212, -0.10568, CM),
    lazy(-0.267574, 0.0, CM),
    lazy(-0.184212, 0.10568, CM),
    lazy(-0.01, -0.2161, LM),
];

/// The line-ups of Kaggle's competition, with the forwards at the end.
pub(super) const KAGGLE: [&[Placed]; 2] = [
    &[
        KEEPER,
        at(-0.422, -0.19576, LB),
        at(-0.5, -0.06356, CB),
        at(-0.5, 0.063559, CB),
        at(-0.422, 0.19576, RB),
        at(-0.184212, -0.10568, CM),
        at(-0.267574, 0.0, CM),
        at(-0.184212, 0.10568, CM),
        at(-0.01, -0.2161, LM),
        at(0.0, 0.02, CF),
        at(0.0, -0.02, RM),
    ],
    &[
        KEEPER,
        at(-0.422, -0.19576, LB),
        at(-0.5, -0.06356, CB),
        at(-0.5, 0.063559, CB),
        at(-0.422, 0.19576, RB),
        at(-0.184212, -0.10568, CM),
        at(-0.267574, 0.0, CM),
        at(-0.184212, 0.10568, CM),
        at(-0.01, -0.2161, LM),
        at(-0.05, 0.0, CF),
        at(-0.01, 0.216102, RM),
    ],
];
