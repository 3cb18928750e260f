//! The networks of a whole team.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::config::AgentConfig;
use super::network::{AgentNetwork, AgentOutput};
use crate::env::EnvSpec;
use crate::nn::weights::ParameterValues;
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
    /// Every agent has its own network.
    None,
}

impl Sharing {
    /// Returns the index of each agent's network, from zero without gaps.
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

/// The networks of all agents of a team, and the assignment of agents to networks.
///
/// A row of every sequence is an agent of an episode: `row = episode * n_agents + agent`.
#[derive(Module, Debug)]
pub struct AgentNetworks {
    networks: Vec<AgentNetwork>,
    network_of_agent: Vec<usize>,
}

impl AgentNetworks {
    /// Creates networks with the same sizes and with initial weights drawn from `rng`; `owners`
    /// holds the index of each agent's network ([`Sharing::owners`]).
    pub fn new(config: &AgentConfig, owners: &[usize], rng: &mut Rng, device: &Device) -> Self {
        let n = owners.iter().max().map_or(0, |last| last + 1);
        let networks = (0..n).map(|_| config.init(rng, device)).collect();
        Self { networks, network_of_agent: owners.to_vec() }
    }

    /// Returns the index of each agent's network.
    pub fn owners(&self) -> &[usize] {
        &self.network_of_agent
    }

    /// Returns the network with index `k`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such network.
    pub fn network(&self, k: usize) -> &AgentNetwork {
        &self.networks[k]
    }

    /// Computes a whole sequence at once. The arguments are those of [`AgentNetwork::forward`].
    pub fn forward(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> AgentOutput {
        if let [shared] = &self.networks[..] {
            return shared.forward(input, hidden, not_reset);
        }
        let of = |k: usize| {
            (0..self.network_of_agent.len()).filter(move |&agent| self.network_of_agent[agent] == k)
        };
        let (mut outputs, mut features, mut carries) = (Vec::new(), Vec::new(), Vec::new());
        for (k, network) in self.networks.iter().enumerate() {
            let own: Vec<usize> = of(k).collect();
            let out = network.forward(
                self.columns(input.clone(), 1, &own),
                self.columns(hidden.clone(), 0, &own),
                not_reset.clone().map(|not_reset| self.columns(not_reset, 1, &own)),
            );
            outputs.push((out.output, own.len()));
            features.push((out.features, own.len()));
            carries.push((out.hidden, own.len()));
        }
        // The network of every agent, and the agent's position among the network's agents.
        let places: Vec<(usize, usize)> = (self.network_of_agent.iter().enumerate())
            .map(|(agent, &k)| (k, of(k).take_while(|&other| other < agent).count()))
            .collect();
        AgentOutput {
            output: gather_columns(outputs, 1, places.iter().copied()),
            features: gather_columns(features, 1, places.iter().copied()),
            hidden: gather_columns(carries, 0, places.iter().copied()),
        }
    }

    /// Returns the rows, along `dim`, of some agents of every episode.
    fn columns<const D: usize>(&self, x: Tensor<D>, dim: usize, agents: &[usize]) -> Tensor<D> {
        gather_columns(
            vec![(x, self.network_of_agent.len())],
            dim,
            agents.iter().map(|&agent| (0, agent)),
        )
    }

    /// Computes the outputs of a whole sequence. The arguments are those of
    /// [`AgentNetwork::outputs`].
    pub fn outputs(
        &self,
        input: Tensor<3>,
        hidden: Tensor<2>,
        not_reset: Option<Tensor<2>>,
    ) -> Tensor<3> {
        match &self.networks[..] {
            [shared] => shared.outputs(input, hidden, not_reset),
            _ => self.forward(input, hidden, not_reset).output,
        }
    }

    /// Returns the same networks on plain weights, for rollouts.
    pub fn to_actor(&self) -> Actor {
        self.to_actor_with(Vec::new()).0
    }

    /// Returns the same networks on plain weights and the values of the tensors `extra`, all in one
    /// transfer.
    ///
    /// # Panics
    ///
    /// Panics if the device fails to return a tensor.
    pub fn to_actor_with(&self, extra: Vec<Tensor<1>>) -> (Actor, Vec<Vec<f32>>) {
        let (values, extra) = ParameterValues::of(self, extra);
        (Actor::new(&self.networks, &self.network_of_agent, values), extra)
    }
}

/// Returns some columns of tensors whose rows, along `dim`, are `episode * columns + column`, in
/// the order of `which`, given as tensor and column; each tensor comes with its number of columns.
/// Slices are concatenated, so that no indices have to be uploaded.
fn gather_columns<const D: usize>(
    parts: Vec<(Tensor<D>, usize)>,
    dim: usize,
    which: impl Iterator<Item = (usize, usize)>,
) -> Tensor<D> {
    // Adjacent columns are sliced together: tensor, first column and number of columns.
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (part, column) in which {
        match runs.last_mut() {
            Some((last, first, n)) if *last == part && *first + *n == column => *n += 1,
            _ => runs.push((part, column, 1)),
        }
    }
    let shape = parts[0].0.dims();
    let episodes = shape[dim] / parts[0].1;
    let (before, later): (usize, usize) =
        (shape[..dim].iter().product(), shape[dim + 1..].iter().product());
    let columns = runs.iter().map(|(_, _, n)| n).sum::<usize>();
    let pieces = runs.into_iter().map(|(part, first, n)| {
        let (x, columns) = &parts[part];
        let x: Tensor<4> = x.clone().reshape([before, episodes, *columns, later]);
        if n == *columns { x } else { x.narrow(2, first, n) }
    });
    let mut shape = shape;
    shape[dim] = episodes * columns;
    Tensor::cat(pieces.collect(), 2).reshape(shape)
}
