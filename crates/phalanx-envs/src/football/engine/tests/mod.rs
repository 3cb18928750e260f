//! Tests of bodies and the ball against numbers measured on the original engine.

mod ball;
