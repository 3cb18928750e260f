//! Takes away what a run stands on: disk, memory, descriptors, terminal, standard error, and the clock.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use phalanx::prelude::*;

use super::calls::which;
use super::case::{Case, Next, last_line, resume};
use super::findings::Findings;
use super::kills::{compare, references};
use super::outcome::Outcome;
use super::shared_work::{Options, share};

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The file system fills up; later there is space again.
    FullDisk,
    /// Every change of a file fails, as when a disk turned read-only.
    ReadOnlyDisk,
    /// No file can be opened any more.
    NoDescriptors,
    /// No memory can be had any more.
    NoMemory,
    /// The terminal window is closed.
    LostTerminal,
    /// Whatever read standard error has ended.
    LostStandardError,
    /// SIGHUP.
    Hangup,
    /// SIGTERM, in any phase.
    Terminate,
    /// The clock jumps by a year, forwards or backwards.
    ClockJump,
}

use Trouble::{
    ClockJump, FullDisk, Hangup, LostStandardError, LostTerminal, NoDescriptors, NoMemory,
    ReadOnlyDisk, Terminate,
};

const ALL: [Trouble; 9] = [
    FullDisk,
    ReadOnlyDisk,
    NoDescriptors,
    NoMemory,
    LostTerminal,
    LostStandardError,
    Hangup,
    Terminate,
    ClockJump,
];

impl Trouble {
    /// Returns what is missing to cause it, if anything.
    fn missing(self, options: &Options) -> Option<String> {
        let tool = |name: &str| which(name).is_none().then(|| format!("`{name}` is not installed"));
        match self {
            FullDisk => {
                Disk::mount(&options.folder.join("probe")).err().map(|error| error.to_string())
            }
            ReadOnlyDisk => tool("strace"),
            NoDescriptors | NoMemory => tool("prlimit"),
            LostTerminal => tool("script"),
            ClockJump => faketime().is_none().then(|| "`libfaketime` is not installed".to_owned()),
            LostStandardError | Hangup | Terminate => None,
        }
    }
}

/// Causes every kind of trouble `count` times for each of three algorithms, at random moments of a short run. The run
/// may go on or end; resumed once the trouble is over, it must leave what an undisturbed run leaves. Trouble that
/// this machine cannot cause is named and left out.
///
/// # Errors
///
/// Returns an error if an undisturbed run fails or a process cannot be started.
pub fn run(options: &Options, count: u64) -> io::Result<Findings> {
    let cases = [
        ("qmix", "skirmish/3m"),
        ("concaveq", "predator_prey"),
        ("ippo", "football/academy_empty_goal"),
    ];
    let references = references(options, &cases.map(|(alg, env)| Case::new(alg, env)))?;
    let mut work = Vec::new();
    for trouble in ALL {
        if let Some(reason) = trouble.missing(options) {
            phalanx::train::note(format!("{trouble:?} is left out: {reason}"));
            continue;
        }
        (0..count).for_each(|_| (0..references.len()).for_each(|case| work.push((trouble, case))));
    }
    share(
        options,
        |number, _| number as usize >= work.len(),
        |number, folder, findings| {
            let (trouble, case) = work[number as usize];
            let (case, expected, takes) = &references[case];
            let mut rng = Rng::stream(options.seed, Purpose::Check, number as u32);
            let moment = takes.mul_f32(rng.range(0.0, 0.9));
            let subject = Subject { options, case, expected, trouble, moment };
            subject.disturb(&folder.join("disturbed"), rng.below(2) == 0, findings)
        },
    )
}

struct Subject<'a> {
    options: &'a Options,
    case: &'a Case,
    expected: &'a Outcome,
    trouble: Trouble,
    /// When the trouble comes, after the start of the process.
    moment: Duration,
}

impl Subject<'_> {
    fn disturb(&self, folder: &Path, forwards: bool, findings: &mut Findings) -> io::Result<()> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        let disk =
            (self.trouble == FullDisk).then(|| Disk::mount(&folder.join("disk"))).transpose()?;
        let results = disk.as_ref().map_or(folder.join("results"), |disk| disk.0.join("results"));
        let mut child = self.start(&results, folder)?;
        let began = Instant::now();
        while began.elapsed() < self.moment && child.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_micros(500));
        }
        let came_in_time = child.try_wait()?.is_none();
        if came_in_time {
            self.cause(&mut child, &results, folder, forwards)?;
        }
        let stderr = child.stderr.take();
        let (status, messages) = wait(child, stderr)?;
        findings.count(match (came_in_time, status.success()) {
            (false, _) => format!("{:?}: the run had ended before", self.trouble),
            (true, true) => format!("{:?}: the run went on", self.trouble),
            (true, false) => format!("{:?}: the run ended", self.trouble),
        });
        let place = format!(
            "{} under {:?} after {} ms",
            self.case.name(),
            self.trouble,
            self.moment.as_millis()
        );
        // Without memory a process may only abort.
        if messages.contains("panicked at") && self.trouble != NoMemory {
            findings.fault(format!("{place}: {}", last_line(messages.as_bytes())));
        }
        if let Some(disk) = &disk {
            let _ = fs::remove_file(disk.0.join("filler"));
        }
        self.resume_and_compare(&results, &place, findings)
    }

    /// Begins the run in the way that this kind of trouble needs.
    fn start(&self, results: &Path, folder: &Path) -> io::Result<Child> {
        let train = self.case.train(&self.options.program, results);
        let mut command = match self.trouble {
            LostTerminal => {
                // `script` runs it in a terminal of its own, which closes when `script` is killed.
                let words = std::iter::once(train.get_program()).chain(train.get_args());
                let words: Vec<String> =
                    words.map(|word| phalanx::train::shell_word(Path::new(word))).collect();
                let mut script = Command::new("script");
                script.args(["-qec", &format!("exec {}", words.join(" ")), "/dev/null"]);
                script
            }
            ClockJump => {
                let mut command = Command::new(train.get_program());
                command.args(train.get_args());
                fs::write(folder.join("clock"), "+0")?;
                let library = faketime().expect("it was found before");
                command
                    .env("LD_PRELOAD", library)
                    .env("FAKETIME_TIMESTAMP_FILE", folder.join("clock"));
                command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
                command
            }
            Hangup => {
                // Where the harness itself was started by nohup, SIGHUP would be ignored.
                let mut command = Command::new("env");
                command.arg("--default-signal=HUP").arg(train.get_program()).args(train.get_args());
                command
            }
            _ => train,
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn()
    }

    fn cause(
        &self,
        child: &mut Child,
        results: &Path,
        folder: &Path,
        forwards: bool,
    ) -> io::Result<()> {
        let id = child.id().to_string();
        let limit = |limits: &[&str]| {
            Command::new("prlimit").args(["--pid", &id]).args(limits).status().map(drop)
        };
        let signal = |name: &str| {
            Command::new("kill").args([name, &id]).stderr(Stdio::null()).status().map(drop)
        };
        match self.trouble {
            FullDisk => fill(results.parent().expect("it is on the disk")),
            ReadOnlyDisk => {
                let inject = "inject=write,pwrite64,fsync,rename,renameat2,mkdir,unlink,unlinkat,rmdir,ftruncate:error=EROFS";
                let mut strace = Command::new("strace");
                strace.args(["-f", "-qq", "-o", "/dev/null", "-e", inject, "-p", &id]);
                strace
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .map(|strace| reap(strace, child))?
            }
            NoDescriptors => limit(&["--nofile=0:0"]),
            // What it has stays; nothing can be added.
            NoMemory => limit(&["--as=1:1"]),
            LostTerminal => child.kill(),
            LostStandardError => {
                child.stderr.take();
                Ok(())
            }
            Hangup => signal("-HUP"),
            Terminate => signal("-TERM"),
            ClockJump => fs::write(folder.join("clock"), if forwards { "+365d" } else { "-365d" }),
        }
    }

    /// Resumes the run until it has finished, as a user would, and compares what it leaves.
    fn resume_and_compare(
        &self,
        results: &Path,
        place: &str,
        findings: &mut Findings,
    ) -> io::Result<()> {
        let run = self.case.folder(results);
        // A terminal that closed leaves a process behind that saves its state.
        let deadline = Instant::now() + Duration::from_secs(5);
        let output = loop {
            let output = match self.case.next(results) {
                Next::Begin => self.case.train(&self.options.program, results).output()?,
                // Of a finished run it completes what was interrupted at the very end.
                Next::Resume { .. } | Next::Finished => {
                    resume(&self.options.program, &run).output()?
                }
            };
            let busy = String::from_utf8_lossy(&output.stderr).contains("another process");
            if !busy || Instant::now() > deadline {
                break output;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let finished = String::from_utf8_lossy(&output.stderr).contains("has finished");
        if !output.status.success() && !finished {
            findings.fault(format!("{place}: refused: {}", last_line(&output.stderr)));
            return Ok(());
        }
        let mut compared = Findings::default();
        compare(self.case, &run, self.expected, &mut compared);
        if compared.faults() > 0 {
            findings.fault(format!("{place}: see above"));
        }
        findings.add(compared);
        Ok(())
    }
}

/// A small file system in memory, unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(path)
            .output()?;
        match mount.status.success() {
            true => Ok(Self(path.to_owned())),
            false => Err(io::Error::other(format!(
                "no disk can be mounted: {}",
                last_line(&mount.stderr)
            ))),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that is still ending may have it open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Fills a disk to the last byte.
fn fill(disk: &Path) -> io::Result<()> {
    let mut filler = fs::File::create(disk.join("filler"))?;
    for size in [1 << 16, 1 << 12, 1 << 8, 1] {
        let block = vec![0; size];
        while filler.write_all(&block).is_ok() {}
    }
    Ok(())
}

/// Waits for a process that another one traces, then ends the tracer. SIGKILL would leave the processes behind with
/// which strace tries out what the system can do.
fn reap(mut strace: Child, child: &mut Child) -> io::Result<()> {
    child.wait()?;
    let id = strace.id().to_string();
    Command::new("kill").args(["-TERM", &id]).stderr(Stdio::null()).status()?;
    strace.wait().map(drop)
}

/// Waits for a process, and returns its messages.
fn wait(
    mut child: Child,
    stderr: Option<std::process::ChildStderr>,
) -> io::Result<(std::process::ExitStatus, String)> {
    let mut messages = String::new();
    if let Some(mut stderr) = stderr {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut stderr, &mut bytes)?;
        messages = String::from_utf8_lossy(&bytes).into_owned();
    }
    Ok((child.wait()?, messages))
}

/// Returns the library that moves the clock of a process.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|path| path.is_file())
}
