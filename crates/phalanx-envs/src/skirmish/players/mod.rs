//! Scripted players.

mod attack_nearest;

pub(crate) use attack_nearest::AttackNearest;
