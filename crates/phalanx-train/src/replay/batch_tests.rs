use super::*;
use crate::replay::{Episode, EpisodeReplay, Precision, ReplayConfig};
use phalanx_core::env::{EnvSpec, StepStatus};
use phalanx_core::rng::{Purpose, Rng};

fn spec() -> EnvSpec {
    EnvSpec { n_actions: 4, obs_dim: 5, state_dim: 3, ..EnvSpec::new("test", 2) }
}

fn episode(rng: &mut Rng, len: usize, agent_rewards: bool) -> Episode {
    let (spec, times) = (spec(), len + 1);
    let number = |rng: &mut Rng| [0.0, 1.0, rng.uniform()][rng.below(3)];
    Episode {
        len,
        obs: (0..times * spec.obs_len()).map(|_| number(rng)).collect(),
        state: (0..times * spec.state_dim).map(|_| number(rng)).collect(),
        avail: (0..times * spec.avail_len()).map(|_| rng.below(2) == 0).collect(),
        actions: (0..len * 2).map(|_| rng.below(4) as u16).collect(),
        reward: (0..len).map(|_| rng.uniform()).collect(),
        agent_reward: (0..len * 2 * usize::from(agent_rewards)).map(|_| rng.uniform()).collect(),
        terminated: rng.below(2) == 0,
    }
}

/// Checks every entry of the batch.
fn check(batch: &EpisodeBatch, episodes: &[Episode], windows: &[Window], inputs: InputLayout) {
    let n = episodes.len();
    assert_eq!(batch.episodes, n);
    assert_eq!(batch.time, windows.iter().map(|window| window.len).max().unwrap_or(0));
    let mut input = batch.input.chunks_exact(inputs.dim());
    let mut avail = batch.avail.chunks_exact(4);
    let mut state = batch.state.chunks_exact(3);
    for at in 0..=batch.time {
        for (column, (episode, window)) in episodes.iter().zip(windows).enumerate() {
            let t = window.start + at;
            let seen = at <= window.len;
            let acted = at < window.len;
            let expected = if seen { &episode.state[t * 3..][..3] } else { &[0.0; 3] };
            assert_eq!(state.next().expect("a state per time and episode"), expected);
            for agent in 0..2 {
                let row = (at * n + column) * 2 + agent;
                let mut expected = vec![0.0; inputs.dim()];
                let mut available = [true; 4].as_slice();
                if seen {
                    expected[..5].copy_from_slice(&episode.obs[(t * 2 + agent) * 5..][..5]);
                    if t > 0 {
                        expected[5 + usize::from(episode.actions[(t - 1) * 2 + agent])] = 1.0;
                    }
                    expected[9 + agent] = 1.0;
                    available = &episode.avail[(t * 2 + agent) * 4..][..4];
                }
                assert_eq!(input.next().expect("an input per row"), expected);
                assert_eq!(avail.next().expect("a mask per row"), available);
                let action = if acted { episode.actions[t * 2 + agent] } else { 0 };
                assert_eq!(batch.actions[row], i32::from(action));
                if at < batch.time && !batch.agent_reward.is_empty() {
                    let reward = if acted { episode.agent_reward[t * 2 + agent] } else { 0.0 };
                    assert_eq!(batch.agent_reward[row], reward);
                }
            }
            if at < batch.time {
                let reward = if acted { episode.reward[t] } else { 0.0 };
                let status = match (acted && t + 1 == episode.len, episode.terminated) {
                    (false, _) => StepStatus::Running,
                    (true, true) => StepStatus::Terminated,
                    (true, false) => StepStatus::Truncated,
                };
                let expected = EpisodeStep { reward, status, filled: acted };
                assert_eq!(batch.steps[at * n + column], expected);
            }
        }
    }
}

#[test]
fn whole_episodes_are_padded_into_one_batch() {
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    let inputs = InputLayout::new(&spec(), true, true);
    for agent_rewards in [false, true] {
        let episodes = [3, 7, 1, 4].map(|len| episode(&mut rng, len, agent_rewards));
        let packed = episodes.each_ref().map(|e| PackedEpisode::pack(e, Precision::F32));
        let sample = Sample::whole(&packed.each_ref());
        let batch = EpisodeBatch::new(&sample, inputs);
        assert_eq!(batch.agent_reward.is_empty(), !agent_rewards);
        check(&batch, &episodes, &sample.windows, inputs);
    }
}

#[test]
fn a_window_includes_the_action_before_it_and_the_observation_after_it() {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let inputs = InputLayout::new(&spec(), true, true);
    let config = ReplayConfig { batch_steps: Some(4), ..ReplayConfig::default() };
    let mut replay = EpisodeReplay::new(config);
    let mut episodes = [3, 9, 4, 12].map(|len| episode(&mut rng, len, true));
    episodes[3].terminated = true;
    for episode in &episodes {
        replay.push(episode).expect("there is no limit");
    }
    let (mut inside, mut at_the_end) = (false, false);
    for _ in 0..200 {
        let sample = replay.sample(3, &mut rng).expect("four are held");
        let batch = EpisodeBatch::new(&sample, inputs);
        let drawn: Vec<_> =
            sample.indices.iter().map(|&index| episodes[index as usize].clone()).collect();
        check(&batch, &drawn, &sample.windows, inputs);
        assert_eq!((&batch.indices, &batch.weights), (&sample.indices, &sample.weights));
        for (episode, window) in drawn.iter().zip(&sample.windows) {
            let end = window.start + window.len;
            inside |= window.start > 0 && end < episode.len;
            at_the_end |= window.start > 0 && end == episode.len && episode.terminated;
        }
    }
    assert!(inside && at_the_end, "windows of one kind are missing");
}
