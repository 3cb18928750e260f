//! The networks of a whole team.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::agent::{AgentConfig, AgentNetwork, AgentOutput};
use super::weights::Numbers;
use crate::env::EnvSpec;
use crate::rng::Rng;

/// Which agents share a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// All agents share one network.
    #[default]
    All,
    /// Agents of one group ([`AgentSpec::group`](crate::env::AgentSpec::group)) share a network.
    Group,
    /// Every agent has a network of its own.
    None,
}

impl Sharing {
    /// The index of each agent's network, counted from zero without gaps.
    pub fn owners(self, spec: &EnvSpec) -> Vec<usize> {
        let mut groups: Vec<usize> = spec.agents.iter().map(|agent| agent.group).collect();
        groups.sort_unstable();
        groups.dedup();
        let of_group = |group: usize| groups.iter().position(|&other| other == group);
        spec.agents
            .iter()
            .enumerate()
            .map(|(i, agent)| match self {
                Self::All => 0,
                Self::Group => of_group(agent.group).expect("the list holds every group"),
                Self::None => i,
            })
            .collect()
    }
}

/// The networks of all agents of a team, and which agent uses which.
///
/// A row of every sequence is an agent of an episode: `row = episode * n_agents + agent`.
#[derive(Module, Debug)]
pub struct AgentNetworks {
    networks: Vec<AgentNetwork>,
    owner: Vec<usize>,
}

impl AgentNetworks {
    /// Networks of one kind with initial weights drawn from `rng`; `owners` holds the index of each
    /// agent's network ([`Sharing::owners`]).
    pub fn new(config: &AgentConfig, owners: &[usize], rng: &mut Rng, device: &Device) -> Self {
        let n = owners.iter().max().map_or(0, |last| last + 1);
        let networks = (0..n).map(|_| config.init(rng, device)).collect();
        Self { networks, owner: owners.to_vec() }
    }

    /// The index of each agent's network.
    pub fn owners(&self) -> &[usize] {
        &self.owner
    }

    /// The network with index `k`.
    ///
    /// # Panics
    ///
    /// When there are fewer.
    pub fn network(&self, k: usize) -> &AgentNetwork {
        &self.networks[k]
    }

    /// Computes a whole sequence at once; the arguments are those of [`AgentNetwork::forward`].
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> AgentOutput {
        if let [shared] = &self.networks[..] {
            return shared.forward(input, hidden, keep);
        }
        let (rows, agents) = (input.dims()[1], self.owner.len());
        let device = input.device();
        let index = |rows: &[i32]| -> Tensor<1, Int> {
            Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len()]), &device)
        };
        let mut back = vec![0; rows];
        let (mut outputs, mut features, mut memories) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = 0;
        for (k, network) in self.networks.iter().enumerate() {
            let own: Vec<i32> =
                (0..rows as i32).filter(|row| self.owner[*row as usize % agents] == k).collect();
            for &row in &own {
                back[row as usize] = seen;
                seen += 1;
            }
            let rows = index(&own);
            let out = network.forward(
                input.clone().select(1, rows.clone()),
                hidden.clone().select(0, rows.clone()),
                keep.clone().map(|keep| keep.select(1, rows)),
            );
            outputs.push(out.output);
            features.push(out.features);
            memories.push(out.hidden);
        }
        let back = index(&back);
        AgentOutput {
            output: Tensor::cat(outputs, 1).select(1, back.clone()),
            features: Tensor::cat(features, 1).select(1, back.clone()),
            hidden: Tensor::cat(memories, 0).select(0, back),
        }
    }

    /// The outputs of a whole sequence; the arguments are those of [`AgentNetwork::outputs`].
    pub fn outputs(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        keep: Option<Tensor<2>>,
    ) -> Tensor<3> {
        match &self.networks[..] {
            [shared] => shared.outputs(input, hidden, keep),
            _ => self.forward(input, hidden, keep).output,
        }
    }

    /// The same networks on plain weights, for rollouts.
    pub fn to_actor(&self) -> Actor {
        self.to_actor_and(Vec::new()).0
    }

    /// The same with the numbers of the tensors `more`, all in one transfer from the device.
    ///
    /// # Panics
    ///
    /// When the device cannot hand them out.
    pub fn to_actor_and(&self, more: Vec<Tensor<1>>) -> (Actor, Vec<Vec<f32>>) {
        let (numbers, more) = Numbers::of(self, more);
        (Actor::new(&self.networks, &self.owner, numbers), more)
    }
}
