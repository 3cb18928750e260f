//! Policy gradients: one learner, and one file for the defaults of each algorithm.

mod critic_input;
mod experience;
mod happo;
mod ia2c;
mod ippo;
mod learner;
mod losses;
mod maa2c;
mod mappo;
mod sequential_ppo;
mod settings;
mod turn;

pub use happo::Happo;
pub use ia2c::Ia2c;
pub use ippo::Ippo;
pub use maa2c::Maa2c;
pub use mappo::Mappo;
pub use sequential_ppo::SequentialPpo;
pub use settings::{CriticInput, NormaliseAdvantage, PolicyGradient, UpdateOrder};
