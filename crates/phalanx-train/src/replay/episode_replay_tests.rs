use super::*;
use crate::replay::Precision;
use phalanx_core::rl::LinearSchedule;
use phalanx_core::rng::Purpose;

/// Returns an episode that its reward identifies.
fn episode(mark: f32, len: usize) -> Episode {
    Episode {
        len,
        obs: vec![mark; 2 * (len + 1)],
        state: vec![mark; 2 * (len + 1)],
        avail: vec![true; 2 * (len + 1)],
        actions: vec![0; len],
        reward: vec![mark; len],
        agent_reward: Vec::new(),
        terminated: true,
    }
}

fn filled(config: ReplayConfig, episodes: usize) -> EpisodeReplay {
    let mut replay = EpisodeReplay::new(config);
    for mark in 0..episodes {
        replay.push(&episode(mark as f32, 1)).expect("it fits");
    }
    replay
}

fn prioritised(capacity: usize) -> ReplayConfig {
    let beta = LinearSchedule { start: 0.4, finish: 1.0, anneal_time: 100 };
    let prioritised = Some(Prioritised { alpha: 0.6, beta });
    ReplayConfig { capacity, prioritised, ..ReplayConfig::default() }
}

fn marks(replay: &EpisodeReplay) -> Vec<f32> {
    replay.episodes().map(|episode| episode.reward[0]).collect()
}

#[test]
fn the_oldest_episode_is_evicted() {
    let replay = filled(ReplayConfig { capacity: 3, ..ReplayConfig::default() }, 5);
    assert_eq!(marks(&replay), [2.0, 3.0, 4.0]);
}

#[test]
fn the_oldest_episodes_are_evicted_until_a_new_one_fits() {
    let small = PackedEpisode::pack(&episode(5.0, 1), Precision::F32).bytes();
    let large = PackedEpisode::pack(&episode(5.0, 40), Precision::F32).bytes();
    let limit = large + small;
    let config = ReplayConfig { bytes: Some(limit), ..prioritised(1000) };
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    let mut replay = EpisodeReplay::new(config);
    let mut added = Vec::new();
    for mark in 2..300 {
        let episode = episode(mark as f32, 1 + rng.below(40));
        replay.push(&episode).expect("it is smaller than the limit");
        added.push(episode);
        let held: u64 = replay.episodes().map(PackedEpisode::bytes).sum();
        assert_eq!(replay.bytes(), held);
        assert!(held <= limit);
        // With one episode less evicted, the new one would not have fitted.
        let oldest = added.len() - replay.len();
        let before = oldest.checked_sub(1).map(|last| &added[last]);
        let more = before.map_or(u64::MAX, |e| PackedEpisode::pack(e, Precision::F32).bytes());
        assert!(held.saturating_add(more) > limit);
        let expected: Vec<f32> = added[oldest..].iter().map(|episode| episode.reward[0]).collect();
        assert_eq!(marks(&replay), expected);
    }
}

#[test]
fn an_episode_larger_than_the_buffer_is_rejected() {
    let bytes = PackedEpisode::pack(&episode(5.0, 1), Precision::F32).bytes();
    let config = ReplayConfig { bytes: Some(bytes), ..ReplayConfig::default() };
    let mut replay = EpisodeReplay::new(config);
    replay.push(&episode(5.0, 1)).expect("it fits exactly");
    let before = replay.clone();
    let error = replay.push(&episode(5.0, 30)).expect_err("it is too large");
    let ReplayError::EpisodeTooLarge { steps, bytes: needed, limit } = error;
    assert!(steps == 30 && limit == bytes && needed > limit);
    assert_eq!(replay, before);
}

#[test]
fn a_sample_has_distinct_episodes_and_draws_them_uniformly() {
    let replay = filled(ReplayConfig { capacity: 10, ..ReplayConfig::default() }, 13);
    let mut rng = Rng::stream(0, Purpose::Replay, 0);
    assert!(replay.sample(11, &mut rng).is_none());
    let mut counts = [0_u32; 10];
    for _ in 0..10_000 {
        let sample = replay.sample(4, &mut rng).expect("ten are held");
        assert_eq!(sample.weights, [1.0; 4]);
        let mut seen = [false; 10];
        for (episode, &index) in sample.episodes.iter().zip(&sample.indices) {
            assert_eq!(episode.reward[0], index as f32);
            let held = index as usize - 3;
            assert!(!seen[held]);
            seen[held] = true;
            counts[held] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count.abs_diff(4000) < 250), "{counts:?}");
}

#[test]
fn windows_start_anywhere_and_short_episodes_stay_whole() {
    let config = ReplayConfig { batch_steps: Some(3), ..ReplayConfig::default() };
    let mut replay = EpisodeReplay::new(config);
    for len in [2, 3, 7] {
        replay.push(&episode(len as f32, len)).expect("there is no limit");
    }
    let mut rng = Rng::stream(0, Purpose::Replay, 0);
    let mut starts = [0_u32; 5];
    for _ in 0..10_000 {
        let sample = replay.sample(3, &mut rng).expect("three are held");
        for (episode, window) in sample.episodes.iter().zip(&sample.windows) {
            if episode.len == 7 {
                assert_eq!(window.len, 3);
                starts[window.start] += 1;
            } else {
                assert_eq!(*window, Window::whole(episode.len));
            }
        }
    }
    assert!(starts.iter().all(|&count| count.abs_diff(2000) < 200), "{starts:?}");
}

#[test]
fn priorities_stay_with_their_episodes_after_evictions() {
    let mut replay = filled(prioritised(5), 7);
    // Episodes 2 to 6 are held; 0 and 1 were evicted.
    replay.update_priorities(&[0, 1, 2, 3, 4, 5, 6], &[9e9, 9e9, 8.0, 0.0, 2.0, 0.0, 4.0]);
    replay.push(&episode(7.0, 1)).expect("there is no limit");
    let draws = 100_000_usize;
    let mut counts = [0_usize; 8];
    let mut rng = Rng::stream(0, Purpose::Replay, 0);
    for _ in 0..draws / 5 {
        let sample = replay.sample(5, &mut rng).expect("five are held");
        for (episode, &index) in sample.episodes.iter().zip(&sample.indices) {
            assert_eq!(episode.reward[0], index as f32);
            counts[index as usize] += 1;
        }
        let largest = sample.weights.iter().copied().fold(0.0, f32::max);
        assert_eq!(largest, 1.0);
    }
    // Episode 7 was added last and got the largest priority so far, that of episode 2.
    let powers = [0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 4.0, 8.0].map(|p: f64| (p + 1e-6).powf(0.6));
    let total: f64 = powers[3..].iter().sum();
    for index in 0..8 {
        let expected = if index < 3 { 0.0 } else { powers[index] / total };
        let share = counts[index] as f64 / draws as f64;
        let allowed = 5.0 * (expected * (1.0 - expected) / draws as f64).sqrt();
        assert!((share - expected).abs() <= allowed, "{counts:?}");
    }
}

#[test]
fn beta_grows_with_the_steps_stored() {
    let mut rng = Rng::stream(0, Purpose::Replay, 0);
    for (len, beta) in [(0, 0.4), (25, 0.7), (50, 1.0), (75, 1.0)] {
        let mut replay = EpisodeReplay::new(prioritised(2));
        for mark in 0..2 {
            replay.push(&episode(mark as f32, len)).expect("there is no limit");
        }
        replay.update_priorities(&[0, 1], &[0.1, 1.0]);
        let ratio = ((1.0 + 1e-6) / (0.1 + 1e-6_f64)).powf(0.6);
        let mut both = 0;
        for _ in 0..100 {
            let sample = replay.sample(2, &mut rng).expect("two are held");
            if sample.indices == [0, 1] {
                both += 1;
                let weight = f64::from(sample.weights[1]);
                assert!((weight - ratio.powf(-beta)).abs() < 1e-6, "{weight} at {len}");
            }
        }
        assert!(both > 0, "no sample had both episodes");
    }
}

#[test]
fn a_buffer_is_unchanged_by_saving_and_loading() {
    for precision in [Precision::F32, Precision::F16] {
        let replay = filled(ReplayConfig { precision, ..prioritised(2) }, 3);
        let mut bytes = Vec::new();
        replay.save(&mut bytes);
        assert_eq!(EpisodeReplay::load(&bytes).expect("just written"), replay);
        for end in 0..bytes.len() {
            assert!(EpisodeReplay::load(&bytes[..end]).is_err(), "{end} bytes are too few");
        }
        bytes.push(0);
        assert!(EpisodeReplay::load(&bytes).is_err());
    }
}

#[test]
fn a_loaded_buffer_continues_draw_for_draw() {
    let mut straight = filled(prioritised(20), 33);
    let mut rng = Rng::stream(5, Purpose::Replay, 0);
    for round in 0..50 {
        if round == 20 {
            let mut bytes = Vec::new();
            straight.save(&mut bytes);
            let mut again = EpisodeReplay::load(&bytes).expect("just written");
            let mut same = rng.clone();
            for mark in 0..30 {
                let ours = play(&mut again, mark as f32, &mut same);
                let theirs = play(&mut straight, mark as f32, &mut rng);
                assert_eq!(ours, theirs);
            }
            assert_eq!(again, straight);
        }
        play(&mut straight, round as f32, &mut rng);
    }

    fn play(replay: &mut EpisodeReplay, mark: f32, rng: &mut Rng) -> (Vec<u64>, Vec<u32>) {
        replay.push(&episode(mark, 2)).expect("there is no limit");
        let sample = replay.sample(6, rng).expect("twenty are held");
        let weights = sample.weights.iter().map(|weight| weight.to_bits()).collect();
        let indices = sample.indices;
        let errors: Vec<f32> = indices.iter().map(|_| rng.uniform()).collect();
        replay.update_priorities(&indices, &errors);
        (indices, weights)
    }
}

#[test]
fn a_buffer_with_inconsistent_parts_is_not_loaded() {
    let mut replay = filled(prioritised(2), 2);
    replay.episodes[1].len = 2;
    let mut bytes = Vec::new();
    replay.save(&mut bytes);
    let error = EpisodeReplay::load(&bytes).expect_err("the episode is too short");
    assert!(error.to_string().contains("are inconsistent"), "{error}");
}

#[test]
fn a_buffer_of_another_environment_or_with_other_settings_is_recognised() {
    let config = prioritised(2);
    let spec = EnvSpec {
        n_actions: 2,
        obs_dim: 2,
        state_dim: 2,
        episode_limit: 3,
        ..EnvSpec::new("test", 1)
    };
    let mut replay = EpisodeReplay::new(config);
    replay.push(&episode(1.0, 3)).expect("there is no limit");
    assert!(replay.belongs_to(&config, &spec));
    assert!(!replay.belongs_to(&ReplayConfig { capacity: 1 << 60, ..config }, &spec));
    for other in [
        EnvSpec { state_dim: 3, ..spec.clone() },
        EnvSpec { obs_dim: 1, ..spec.clone() },
        EnvSpec { n_actions: 3, ..spec.clone() },
        EnvSpec { episode_limit: 2, ..spec.clone() },
    ] {
        assert!(!replay.belongs_to(&config, &other), "{other:?}");
    }
    let missing = Episode { actions: vec![0, 2, 0], ..episode(1.0, 3) };
    replay.push(&missing).expect("there is no limit");
    assert!(!replay.belongs_to(&config, &spec), "there is no action 2");
}
