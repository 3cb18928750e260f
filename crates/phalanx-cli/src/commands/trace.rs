//! `phalanx trace`.

use std::io::{self, BufWriter, ErrorKind, Write, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use phalanx_core::env::Env;
use phalanx_train::trace::{self, Recorded, TraceError, TracePolicy};
use phalanx_train::{OutputFile, TrainError, note};

use crate::Program;
use crate::commands::policy_argument::trace_policy;
use crate::commands::{UsageError, env_args, print};

/// Record episodes, one JSON object per line.
///
/// The first line is a header. Every episode starts with its state before any action (t = 0), and
/// every step adds a line with actions, reward, terminated, truncated and, for battles, the units.
/// If the enemies also choose from a set of actions (`smax/…`, or a scripted opponent), a line
/// also holds enemy_actions; in self-play they are among the actions. The same seed and actions
/// give the same bytes.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx trace skirmish/3m --seed 1 --policy heuristic --out battle.jsonl\n  \
    phalanx trace skirmish/3s_vs_5z --policy kiting --episodes 5 --out kiting.jsonl\n  \
    phalanx trace skirmish/8m --policy focus_fire --out duel.jsonl env_args.opponent=kiting\n  \
    phalanx trace smax/3m --policy heuristic --out smax.jsonl\n  \
    phalanx trace skirmish/3m --policy results/qmix/skirmish/3m/seed_1 --out won.jsonl\n  \
    phalanx trace predator_prey --policy greedy_hunt --show --out hunt.jsonl\n  \
    phalanx trace skirmish/3m --policy actions.jsonl --out again.jsonl env_args.deterministic=true")]
pub(crate) struct Trace {
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Arguments of the environment, `env_args.key=value`.
    args: Vec<String>,
    /// The seed of the environment and of the random policy.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of episodes.
    #[arg(long, default_value_t = 1)]
    episodes: u64,
    /// Policy to run: `random`, `heuristic`, another scripted policy of the environment (`phalanx
    /// describe` lists them), the folder of a run (its best policy, greedily), or a file of joint
    /// actions, one JSON array of action indices per line.
    #[arg(long, default_value = "random")]
    policy: String,
    /// The file to write; `-` is standard output. An ordinary file appears when it is complete; pipes, devices and the
    /// targets of links are written directly.
    #[arg(long)]
    out: PathBuf,
    /// Add observations, state and available actions to each line.
    #[arg(long)]
    full: bool,
    /// Also print every step, if the environment can be drawn as text.
    #[arg(long)]
    show: bool,
}

impl Trace {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let to_stdout = self.out.as_os_str() == "-";
        if to_stdout && self.show {
            let reason = "--show prints to standard output as well; choose a file with --out";
            return Err(UsageError(reason.to_owned()).into());
        }
        let args = env_args(&self.args).map_err(TrainError::from)?;
        let mut env = program.environments.make(&self.env, &args)?;
        let mut policy = trace_policy(program, &self.policy, &*env, &args)?;
        let trace = trace::Trace {
            seed: self.seed,
            episodes: self.episodes,
            full: self.full,
            env_args: args,
        };
        let recorded = if to_stdout {
            let mut out = BufWriter::new(stdout().lock());
            let recorded = self.record(&trace, &mut *env, &mut policy, &mut out);
            let recorded =
                recorded.and_then(|recorded| out.flush().map(|()| recorded).map_err(cannot_write));
            // A reader that has seen enough is no error.
            let recorded = match recorded {
                Err(error) if is_closed_pipe(&error) => return Ok(()),
                recorded => recorded?,
            };
            drop(out);
            recorded
        } else {
            let created = OutputFile::create(&self.out);
            let mut out =
                created.with_context(|| format!("cannot write {}", self.out.display()))?;
            let recorded = self.record(&trace, &mut *env, &mut policy, &mut out)?;
            out.finish().with_context(|| format!("cannot write {}", self.out.display()))?;
            recorded
        };
        let Recorded { episodes, steps } = recorded;
        let summary = format!("{episodes} episodes, {steps} steps");
        match to_stdout {
            true => note(summary),
            false => print(&format!("{summary} in {}", self.out.display())),
        }
        Ok(())
    }

    /// Writes the trace, and prints the drawing of every step with `--show`.
    fn record(
        &self,
        trace: &trace::Trace,
        env: &mut dyn Env,
        policy: &mut TracePolicy,
        out: &mut dyn Write,
    ) -> anyhow::Result<Recorded> {
        let recorded = trace.for_each_line(env, policy, |line| {
            if let Some(text) = line["text"].as_str().filter(|_| self.show) {
                let (episode, t, reward) = (&line["episode"], &line["t"], &line["reward"]);
                print(&format!("episode {episode}, t = {t}, reward {reward}\n{text}"));
            }
            writeln!(out, "{line}")
        });
        recorded.map_err(|error| match error {
            TraceError::Unavailable { .. } => {
                UsageError(format!("{}: {error}", self.policy)).into()
            }
            TraceError::Io(cause) => match self.out.as_os_str() == "-" {
                true => cannot_write(cause),
                false => anyhow::Error::from(cause)
                    .context(format!("cannot write {}", self.out.display())),
            },
            error => error.into(),
        })
    }
}

fn cannot_write(cause: io::Error) -> anyhow::Error {
    anyhow::Error::from(cause).context("cannot write to standard output")
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
