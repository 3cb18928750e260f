//! Small finished runs, which inputs damage.

use std::fs;
use std::path::{Path, PathBuf};

use phalanx::cli::Program;

/// A run to damage.
pub struct Run {
    /// Its name in inputs.
    pub name: &'static str,
    /// The command line that trains it; it is resumed with `more` as its `t_max`.
    words: &'static str,
    /// A `t_max` a few iterations beyond its own.
    pub more: &'static str,
}

/// The runs. Together they have every kind of state: replay buffers of episodes and of transitions, rollouts,
/// prioritised replay, recurrent and feed-forward agents, an encoder, and simulators with much state.
pub const RUNS: &[Run] = &[
    Run {
        name: "vdn_two_step",
        words: "vdn two_step t_max=40 batch_size=2 buffer_size=8 batch_size_run=2 rnn_hidden_dim=4",
        more: "t_max=60",
    },
    Run {
        name: "qmix_skirmish",
        words: "qmix skirmish/3m t_max=60 batch_size=2 buffer_size=4 batch_size_run=1 rnn_hidden_dim=4 \
                prioritised_replay=true mixing_embed_dim=4 hypernet_embed=4 env_args.episode_limit=20",
        more: "t_max=100",
    },
    Run {
        name: "ippo_predator_prey",
        words: "ippo predator_prey t_max=40 rollout_steps=8 batch_size_run=2 epochs=1 rnn_hidden_dim=4",
        more: "t_max=60",
    },
    Run {
        name: "mappo_football",
        words: "mappo football/academy_3_vs_1_with_keeper t_max=40 rollout_steps=8 data_chunk_length=4 \
                batch_size_run=2 epochs=1 rnn_hidden_dim=4 env_args.episode_limit=20",
        more: "t_max=60",
    },
    Run {
        name: "pqn_smax",
        words: "pqn_vdn smax/3m t_max=40 rollout_steps=8 batch_size_run=2 num_mini_batch=1 epochs=1 \
                rnn_hidden_dim=4",
        more: "t_max=60",
    },
    Run {
        name: "dqn_smax",
        words: "dqn smax/2s3z t_max=60 hidden_dim=4 batch_size=4 buffer_size=40 learning_starts=10",
        more: "t_max=80",
    },
    Run {
        name: "qmix_entities",
        words: "qmix skirmish/terran_5_vs_5 t_max=40 batch_size=2 buffer_size=4 batch_size_run=1 \
                rnn_hidden_dim=4 mixing_embed_dim=4 hypernet_embed=4 encoder=gat encoder_args.width=4 \
                encoder_args.heads=2 env_args.episode_limit=20",
        more: "t_max=60",
    },
];

/// Trains all runs, each in a folder of its name in `folder`.
///
/// # Panics
///
/// Panics if a run cannot be trained.
pub fn train_all(folder: &Path) {
    for run in RUNS {
        let results = folder.join("results");
        let results_dir = format!("results_dir={}", results.display());
        let words = format!("phalanx train {} {results_dir}", run.words);
        let fixed = ["test_nepisode=1", "keep_state=true", "threads=1", "--json"];
        let words: Vec<&str> = words.split_whitespace().chain(fixed).collect();
        let status = Program::builtin().run(words);
        assert!(status == std::process::ExitCode::SUCCESS, "{} cannot be trained", run.name);
        let mut found = results.clone();
        while !found.join("config.toml").exists() {
            let entry = fs::read_dir(&found).expect("a folder").next().expect("an entry");
            found = entry.expect("an entry").path();
        }
        fs::rename(&found, folder.join(run.name)).expect("the run can be moved");
        fs::remove_dir_all(&results).expect("the folder can be removed");
    }
}

/// The files of a run, by their paths in its folder, in order.
pub type Files = Vec<(PathBuf, Vec<u8>)>;

/// Reads all files of a run.
///
/// # Panics
///
/// Panics if a file cannot be read.
pub fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(folder.join(&inner)).expect("a folder of the run") {
            let entry = entry.expect("an entry of the run");
            let path = inner.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                files.push((path, fs::read(entry.path()).expect("a file of the run")));
            }
        }
    }
    files.sort();
    files
}

/// Writes files into a folder.
///
/// # Panics
///
/// Panics if a file cannot be written.
pub fn write(folder: &Path, files: &Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a new folder");
        fs::write(path, bytes).expect("a new file");
    }
}
