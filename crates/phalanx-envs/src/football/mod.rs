//! Football with the interface and the scenarios of Google Research Football, without its engine.
//!
//! One step is 0.1 s: ten frames of a match in which balls, bodies and the built-in players follow rules
//! whose numbers were measured on the original engine (Kurach et al. 2020, *Google Research Football*).
//!
//! - `engine` plays a match: the ball, bodies, touches, goalkeepers, the referee and the built-in players.
//! - `interface` makes an environment of it: scenarios, actions, controllers, observations and rewards.

pub mod engine;
