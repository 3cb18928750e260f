//! Messages at the start of a run.

use super::trainer::Trainer;
use crate::error::TrainError;

/// The number of updates below which a run starts with a warning.
const FEW_UPDATES: u64 = 200;

impl Trainer {
    /// Sends messages to the observers before training: about memory, the number of updates, and
    /// rewards that are not used.
    pub(super) fn send_startup_messages(&mut self) -> Result<(), TrainError> {
        let t_max = self.config.t_max;
        let mut warnings: Vec<String> = self.memory_warning()?.into_iter().collect();
        let session = self.session()?;
        let learner = &session.learner;
        let planned = learner.planned_updates(t_max);
        let initial = session.initial.as_ref().map(ToString::to_string);
        let mut infos: Vec<String> = initial.into_iter().chain(learner.startup_message()).collect();
        let unused = !learner.uses_agent_rewards();
        if let Some(planned) = planned {
            infos.push(planned.to_string());
            if planned.updates < FEW_UPDATES {
                warnings.push(planned.warning());
            }
        }
        let spec = self.spec()?;
        if spec.agent_rewards && unused {
            warnings.push(format!(
                "{} learns from the team's reward: the agent rewards of {} are not used (iql and dqn \
                 with common_reward=false use them)",
                self.algorithm().id(),
                spec.id
            ));
        }
        for observer in &mut self.observers {
            infos.iter().try_for_each(|message| observer.info(message))?;
            warnings.iter().try_for_each(|message| observer.warn(message))?;
        }
        Ok(())
    }
}
