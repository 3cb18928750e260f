//! The actions, under the original's numbers.

use crate::football::engine::control::Key;
use crate::football::engine::state::Kick;

/// Presses nothing.
pub const IDLE: u16 = 0;
/// Holds the direction *left*; the other seven directions follow clockwise.
pub const LEFT: u16 = 1;
/// Holds the direction *bottom left*, the last of the eight directions.
pub const BOTTOM_LEFT: u16 = 8;
/// Passes low over a distance.
pub const LONG_PASS: u16 = 9;
/// Passes through the air.
pub const HIGH_PASS: u16 = 10;
/// Passes low.
pub const SHORT_PASS: u16 = 11;
/// Shoots.
pub const SHOT: u16 = 12;
/// Holds *sprint*.
pub const SPRINT: u16 = 13;
/// Releases the direction.
pub const RELEASE_DIRECTION: u16 = 14;
/// Releases *sprint*.
pub const RELEASE_SPRINT: u16 = 15;
/// Slides.
pub const SLIDING: u16 = 16;
/// Holds *dribble*.
pub const DRIBBLE: u16 = 17;
/// Releases *dribble*.
pub const RELEASE_DRIBBLE: u16 = 18;
/// Leaves the player to the built-in rules (action set `v2`).
pub const BUILTIN_AI: u16 = 19;

/// The eight directions by action, from [`LEFT`] on: each part is -1, 0 or 1, positive `y` is the
/// bottom.
pub const DIRECTIONS: [[i8; 2]; 8] =
    [[-1, 0], [-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1]];

/// The names of the actions.
pub(super) const NAMES: [&str; 20] = [
    "idle (what is held stays held)",
    "left (towards the own goal)",
    "top left",
    "top (-y)",
    "top right",
    "right (towards the other goal)",
    "bottom right",
    "bottom (+y)",
    "bottom left",
    "long pass",
    "high pass",
    "short pass",
    "shot",
    "sprint (held until released)",
    "release the direction",
    "release sprint",
    "slide",
    "dribble (held until released)",
    "release dribble",
    "leave the player to the built-in rules",
];

/// Returns the key of an action.
pub(super) fn key(action: u16) -> Key {
    match action {
        LEFT..=BOTTOM_LEFT => Key::Direction(DIRECTIONS[usize::from(action - LEFT)]),
        LONG_PASS => Key::Kick(Kick::LongPass),
        HIGH_PASS => Key::Kick(Kick::HighPass),
        SHORT_PASS => Key::Kick(Kick::ShortPass),
        SHOT => Key::Kick(Kick::Shot),
        SPRINT => Key::Sprint(true),
        RELEASE_DIRECTION => Key::Direction([0, 0]),
        RELEASE_SPRINT => Key::Sprint(false),
        SLIDING => Key::Slide,
        DRIBBLE => Key::Dribble(true),
        RELEASE_DRIBBLE => Key::Dribble(false),
        BUILTIN_AI => Key::Builtin,
        _ => Key::Idle,
    }
}
