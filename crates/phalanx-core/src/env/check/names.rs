//! Places in the slices of an environment, in words.

use super::CheckError;
use super::copy::{EnvCopy, guard};
use crate::env::{Description, Env, EnvSpec, StepRows};

/// The specification and the description of the checked environment.
pub(super) struct Names {
    pub(super) spec: EnvSpec,
    pub(super) description: Description,
}

/// Names the element of a slice with this index.
type Name = fn(&Names, usize) -> String;

/// Returns every slice of numbers, with the names of its elements.
pub(super) fn numbers(rows: &StepRows) -> [(Name, &[f32]); 4] {
    [
        (Names::obs, &rows.obs),
        (Names::state, &rows.state),
        (Names::info, &rows.info),
        (Names::agent_reward, &rows.agent_rewards),
    ]
}

/// Returns every slice of flags, with the names of its elements.
pub(super) fn flags(rows: &StepRows) -> [(Name, &[bool]); 2] {
    [(Names::mask, &rows.avail), (Names::alive, &rows.alive)]
}

impl Names {
    pub(super) fn of<E: Env>(copy: &EnvCopy<E>) -> Result<Self, CheckError> {
        let spec = copy.env.spec().clone();
        match guard("`describe`", || copy.env.describe()) {
            Ok(description) => Ok(Self { spec, description }),
            Err(reason) => Err(CheckError::Call { id: spec.id, reason }),
        }
    }

    /// Names an action of an agent: `action 6 of agent 1 (attack enemy 0)`.
    pub(super) fn action(&self, agent: usize, action: usize) -> String {
        let name = format!("action {action} of agent {agent}");
        with_text(name, self.description.actions.get(action), &format!("action {action}"))
    }

    pub(super) fn obs(&self, index: usize) -> String {
        let (agent, place) = (index / self.spec.obs_dim, index % self.spec.obs_dim);
        let name = format!("observation {place} of agent {agent}");
        with_text(name, self.description.obs.get(place), &format!("observation {place}"))
    }

    fn state(&self, index: usize) -> String {
        let name = format!("state {index}");
        with_text(name.clone(), self.description.state.get(index), &name)
    }

    fn info(&self, index: usize) -> String {
        format!("info `{}`", self.spec.info[index])
    }

    fn agent_reward(&self, agent: usize) -> String {
        format!("the reward of agent {agent}")
    }

    fn mask(&self, index: usize) -> String {
        let (agent, action) = (index / self.spec.n_actions, index % self.spec.n_actions);
        format!("the availability of {}", self.action(agent, action))
    }

    fn alive(&self, agent: usize) -> String {
        format!("the `alive` flag of agent {agent}")
    }
}

/// Appends the text of a description, unless it is the placeholder of an environment without texts.
fn with_text(name: String, text: Option<&String>, placeholder: &str) -> String {
    match text {
        Some(text) if text != placeholder => format!("{name} ({text})"),
        _ => name,
    }
}
