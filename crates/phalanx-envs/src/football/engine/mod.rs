//! A football match, frame by frame.
//!
//! Everything is in metres, seconds and the frame of the left team: it attacks towards positive `x`, and
//! positive `y` points to the *bottom* touch line, as in the original's observations. A frame lasts 0.01 s.

pub mod pitch;
pub mod state;
pub mod vec2;
