//! `phalanx trace`.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use phalanx_core::env::{Env, StepResult, StepRows, StepStatus};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_train::TrainError;
use serde_json::{Value, json};

use crate::Program;
use crate::commands::policy_argument::ActionSource;
use crate::commands::{env_args, print};

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
    /// The file to write.
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
        let args = env_args(&self.args).map_err(TrainError::from)?;
        let mut env = program.environments.make(&self.env, &args)?;
        let mut policy = ActionSource::new(program, &self.policy, self.seed, &*env)?;
        // The file appears when it is complete.
        let mut name = self.out.file_name().context("--out must name a file")?.to_owned();
        name.push(".tmp");
        let temporary = self.out.with_file_name(name);
        let written = self.write(&mut *env, &mut policy, &temporary, &args);
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        let (episodes, steps) = written?;
        fs::rename(&temporary, &self.out)
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        print(&format!("{episodes} episodes, {steps} steps in {}", self.out.display()));
        Ok(())
    }

    fn write(
        &self,
        env: &mut dyn Env,
        policy: &mut ActionSource,
        path: &Path,
        args: &toml::Table,
    ) -> anyhow::Result<(u64, u64)> {
        let file =
            fs::File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let mut out = BufWriter::new(file);
        let spec = env.spec().clone();
        let header = json!({
            "env": spec.id,
            "env_args": args,
            "seed": self.seed,
            "version": env!("CARGO_PKG_VERSION"),
            "n_agents": spec.n_agents(),
            "n_actions": spec.n_actions,
            "episode_limit": spec.episode_limit,
        });
        writeln!(out, "{header}")?;
        let mut rng = Rng::stream(self.seed, Purpose::Environment, 0);
        let mut rows = StepRows::new(&spec, 1, 1);
        let (mut episodes, mut steps) = (0, 0);
        'episodes: while episodes < self.episodes {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            policy.reset();
            let start = StepResult { reward: 0.0, status: StepStatus::Running };
            self.put(&mut out, &self.line(env, &rows, episodes, 0, &[], start))?;
            for t in 1_u64.. {
                let Some(actions) = policy.act(env, &rows)? else { break 'episodes };
                let result = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
                self.put(&mut out, &self.line(env, &rows, episodes, t, &actions, result))?;
                steps += 1;
                if result.status.is_over() {
                    break;
                }
            }
            episodes += 1;
        }
        out.flush()?;
        Ok((episodes, steps))
    }

    /// Writes a line, and prints its drawing with `--show`.
    fn put(&self, out: &mut impl Write, line: &Value) -> anyhow::Result<()> {
        writeln!(out, "{line}")?;
        if let Some(text) = line["text"].as_str().filter(|_| self.show) {
            let (episode, t, reward) = (&line["episode"], &line["t"], &line["reward"]);
            print(&format!("episode {episode}, t = {t}, reward {reward}\n{text}"));
        }
        Ok(())
    }

    fn line(
        &self,
        env: &dyn Env,
        rows: &StepRows,
        episode: u64,
        t: u64,
        actions: &[u16],
        result: StepResult,
    ) -> Value {
        let spec = env.spec();
        let terminated = result.status.with_timeout(spec.timeout_is_terminal).is_terminal();
        let mut line = json!({
            "episode": episode,
            "t": t,
            "actions": actions,
            "reward": result.reward,
            "terminated": terminated,
            "truncated": result.status == StepStatus::Truncated,
        });
        if spec.agent_rewards {
            line["agent_rewards"] = json!(rows.agent_rewards);
        }
        for (key, value) in env.frame() {
            line[key] = value;
        }
        if result.status.is_over() {
            let info = spec.info.iter().zip(&rows.info);
            line["info"] = info.map(|(name, value)| (name.clone(), json!(value))).collect();
        }
        if self.full {
            line["obs"] = rows.obs.chunks_exact(spec.obs_dim).map(|agent| json!(agent)).collect();
            line["state"] = json!(rows.state);
            line["avail_actions"] =
                rows.avail.chunks_exact(spec.n_actions).map(|mask| json!(mask)).collect();
        }
        line
    }
}
