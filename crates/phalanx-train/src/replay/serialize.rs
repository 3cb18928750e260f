//! The binary form of the replay buffer.
//!
//! A sequence of records, each preceded by its length in bytes: a header and then one record per
//! episode. No intermediate value is as large as the whole buffer.

use phalanx_core::env::{EnvError, pack, unpack};
use serde::{Deserialize, Serialize};

use super::episode_replay::EpisodeReplay;
use super::packed_episode::PackedEpisode;
use super::priorities::Priorities;
use super::replay_config::ReplayConfig;

const WHAT: &str = "the replay buffer";

/// The header.
#[derive(Serialize, Deserialize)]
struct Header {
    config: ReplayConfig,
    held: u64,
    added: u64,
    steps: u64,
    priorities: Option<Priorities>,
}

/// Appends the serialised buffer to `out`.
pub(super) fn save(replay: &EpisodeReplay, out: &mut Vec<u8>) {
    let header = Header {
        config: replay.config,
        held: replay.len() as u64,
        added: replay.added,
        steps: replay.steps,
        priorities: replay.priorities.clone(),
    };
    save_piece(&header, out);
    // A serialised episode is about as large as the episode.
    out.reserve(replay.bytes() as usize);
    for episode in replay.episodes() {
        save_piece(episode, out);
    }
}

fn save_piece(piece: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len() + size_of::<u64>();
    out.resize(start, 0);
    pack(piece, out);
    let bytes = (out.len() - start) as u64;
    out[start - size_of::<u64>()..start].copy_from_slice(&bytes.to_le_bytes());
}

/// Reads a buffer from `bytes`, which must hold nothing else.
pub(super) fn load(mut bytes: &[u8]) -> Result<EpisodeReplay, EnvError> {
    let header: Header = unpack(WHAT, piece(&mut bytes)?)?;
    let mut replay = EpisodeReplay {
        config: header.config,
        episodes: Default::default(),
        added: header.added,
        steps: header.steps,
        bytes: 0,
        priorities: header.priorities,
    };
    for _ in 0..header.held {
        let episode: PackedEpisode = unpack(WHAT, piece(&mut bytes)?)?;
        if !episode.is_sound() {
            return Err(bad("the parts of an episode are inconsistent"));
        }
        replay.bytes += episode.bytes();
        replay.episodes.push_back(episode);
    }
    let config = &replay.config;
    let fits = config.capacity >= replay.len().max(1)
        && header.held <= replay.added
        && config.batch_steps != Some(0)
        && replay.priorities.is_some() == config.prioritised.is_some()
        && replay.priorities.as_ref().is_none_or(|found| {
            let oldest = replay.added - replay.len() as u64;
            let stored = (oldest..replay.added).map(|index| replay.slot(index)).collect();
            found.is_sound(config.capacity, &stored)
        });
    match (fits, bytes.len()) {
        (true, 0) => Ok(replay),
        (false, _) => Err(bad("its episodes do not match its settings")),
        (true, rest) => Err(bad(&format!("{rest} bytes follow its end"))),
    }
}

/// Takes the next record from the front of `bytes`.
fn piece<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], EnvError> {
    let split = || {
        let (len, rest) = bytes.split_first_chunk()?;
        rest.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)
    };
    let (piece, rest) = split().ok_or_else(|| bad("it ends too early"))?;
    *bytes = rest;
    Ok(piece)
}

fn bad(reason: &str) -> EnvError {
    EnvError::BadState { what: WHAT.to_owned(), reason: reason.to_owned() }
}
