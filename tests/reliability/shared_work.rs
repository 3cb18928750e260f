//! Work shared by several threads that start processes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::findings::Findings;

/// How a harness works.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program under test.
    pub program: PathBuf,
    /// The seed of all random choices of the harness.
    pub seed: u64,
    /// The number of runs at the same time.
    pub jobs: usize,
    /// A folder for runs, which a file system in memory makes fast.
    pub folder: PathBuf,
}

/// Does pieces of work with the numbers 0, 1, 2, … in several threads, each with a folder of its own, until `done`
/// says so. Prints the progress every ten seconds.
///
/// # Errors
///
/// Returns the first error of a piece. The others then stop.
pub fn share(
    options: &Options,
    done: impl Fn(u64, &Findings) -> bool + Sync,
    piece: impl Fn(u64, &Path, &mut Findings) -> io::Result<()> + Sync,
) -> io::Result<Findings> {
    let next = AtomicU64::new(0);
    let all = Mutex::new((Findings::default(), Instant::now(), None));
    std::thread::scope(|scope| {
        for job in 0..options.jobs.max(1) {
            let (next, all, done, piece) = (&next, &all, &done, &piece);
            scope.spawn(move || {
                let folder = options.folder.join(format!("job_{job}"));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let stop = {
                        let state = all.lock().expect("no thread panics");
                        state.2.is_some() || done(number, &state.0)
                    };
                    if stop {
                        return;
                    }
                    let mut findings = Findings::default();
                    let result = piece(number, &folder, &mut findings);
                    let mut state = all.lock().expect("no thread panics");
                    state.0.add(findings);
                    if let Err(error) = result {
                        state.2.get_or_insert(error);
                    }
                    if state.1.elapsed() > Duration::from_secs(10) {
                        state.1 = Instant::now();
                        let faults = state.0.faults();
                        phalanx::train::note(format!("piece {number}, {faults} faults"));
                    }
                }
            });
        }
    });
    let (findings, _, error) = all.into_inner().expect("no thread panics");
    error.map_or(Ok(findings), Err)
}
