//! `phalanx trace`.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use phalanx_core::env::{End, Env, Outcome, Rows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_train::TrainError;
use phalanx_train::checkpoint::{Choice, RunCheckpoints, load_policy};
use phalanx_train::collect::{Policy, Team, greedy};
use serde_json::{Value, json};

use crate::commands::{Misuse, env_args, print};

/// Record episodes, one JSON object per line.
///
/// The first line is a header; then every episode begins with its state before any action (t = 0),
/// and every step adds a line with actions, reward, terminated, truncated and, for battles, the
/// units. The same seed and actions give the same bytes.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    phalanx trace skirmish/3m --seed 1 --policy heuristic --out battle.jsonl\n  \
    phalanx trace skirmish/3m --policy results/qmix/skirmish/3m/seed_1 --out won.jsonl\n  \
    phalanx trace skirmish/3m --policy actions.jsonl --out again.jsonl env_args.deterministic=true")]
pub(crate) struct Trace {
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Arguments of the environment, `env_args.key=value`.
    args: Vec<String>,
    /// The seed of the environment and of the random player.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of episodes.
    #[arg(long, default_value_t = 1)]
    episodes: u64,
    /// `random`, `heuristic`, a run's folder (its best policy, greedily), or a file of joint
    /// actions, one JSON array of action numbers per line.
    #[arg(long, default_value = "random")]
    policy: String,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
    /// Add observations, state and available actions to every line.
    #[arg(long)]
    full: bool,
}

/// Who chooses the actions.
enum Player {
    Random(Box<Rng>),
    Heuristic,
    Trained(Box<(Policy, Team)>),
    Recorded { path: String, lines: std::vec::IntoIter<Vec<u16>>, line: usize },
}

impl Player {
    fn new(policy: &str, seed: u64) -> anyhow::Result<Self> {
        match policy {
            "random" => return Ok(Self::Random(Box::new(Rng::stream(seed, Purpose::Player, 0)))),
            "heuristic" => return Ok(Self::Heuristic),
            _ => {}
        }
        let path = Path::new(policy);
        if path.is_dir() {
            let (_, files) = RunCheckpoints::of(path).load(Choice::Best)?;
            let policy = load_policy(&files)?;
            let team = Team::new(policy.inputs, policy.actor.hidden_dim(), 1);
            return Ok(Self::Trained(Box::new((policy, team))));
        }
        if !path.is_file() {
            let known = "`random`, `heuristic`, a run's folder or a file of actions";
            return Err(Misuse(format!("--policy {policy}: this is not {known}")).into());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {policy}"))?;
        let lines: Vec<Vec<u16>> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line)
                    .map_err(|error| Misuse(format!("{policy}, line {}: {error}", number + 1)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::Recorded { path: policy.to_owned(), lines: lines.into_iter(), line: 0 })
    }

    fn begin(&mut self) {
        if let Self::Trained(trained) = self {
            trained.1.begin(0);
        }
    }

    /// The next joint action; `None` when a recording is at its end.
    fn act(&mut self, env: &mut dyn Env, rows: &Rows) -> anyhow::Result<Option<Vec<u16>>> {
        let n_actions = env.spec().n_actions;
        let n_agents = env.spec().n_agents();
        let mut actions = vec![0; n_agents];
        let masks = rows.avail.chunks_exact(n_actions);
        match self {
            Self::Random(rng) => {
                for (action, mask) in actions.iter_mut().zip(masks) {
                    *action = rng.choose(mask).context("an agent has no legal action")? as u16;
                }
            }
            Self::Heuristic => {
                if !env.heuristic(&mut actions) {
                    let id = &env.spec().id;
                    return Err(Misuse(format!("`{id}` has no scripted player")).into());
                }
            }
            Self::Trained(trained) => {
                let (policy, team) = &mut **trained;
                if policy.inputs.obs_dim != env.spec().obs_dim
                    || policy.inputs.n_actions != n_actions
                    || policy.inputs.n_agents != n_agents
                {
                    let id = &env.spec().id;
                    return Err(Misuse(format!("the policy was not trained for `{id}`")).into());
                }
                let outputs = team.think(&policy.actor, &rows.obs).chunks_exact(n_actions);
                for (action, (values, mask)) in actions.iter_mut().zip(outputs.zip(masks)) {
                    *action = greedy(values, mask);
                }
                team.remember(0, &actions);
            }
            Self::Recorded { path, lines, line } => {
                let Some(next) = lines.next() else { return Ok(None) };
                *line += 1;
                let legal = |(action, mask): (&u16, &[bool])| {
                    mask.get(usize::from(*action)).copied().unwrap_or(false)
                };
                if next.len() != n_agents || !next.iter().zip(masks).all(legal) {
                    let reason = format!("{path}: joint action {line}, {next:?}, is not legal");
                    return Err(Misuse(reason).into());
                }
                actions = next;
            }
        }
        Ok(Some(actions))
    }
}

impl Trace {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let args = env_args(&self.args).map_err(TrainError::from)?;
        let mut env = phalanx_envs::registry::make(&self.env, &args)?;
        let mut player = Player::new(&self.policy, self.seed)?;
        // The file appears when it is complete.
        let mut name = self.out.file_name().context("--out must name a file")?.to_owned();
        name.push(".tmp");
        let temporary = self.out.with_file_name(name);
        let written = self.write(&mut *env, &mut player, &temporary, &args);
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
        player: &mut Player,
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
        let mut rows = Rows::new(&spec, 1, 1);
        let (mut episodes, mut steps) = (0, 0);
        'episodes: while episodes < self.episodes {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            player.begin();
            let none = Outcome { reward: 0.0, end: End::Running };
            writeln!(out, "{}", self.line(env, &rows, episodes, 0, &[], none))?;
            for t in 1_u64.. {
                let Some(actions) = player.act(env, &rows)? else { break 'episodes };
                let outcome = env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
                writeln!(out, "{}", self.line(env, &rows, episodes, t, &actions, outcome))?;
                steps += 1;
                if outcome.end.is_over() {
                    break;
                }
            }
            episodes += 1;
        }
        out.flush()?;
        Ok((episodes, steps))
    }

    fn line(
        &self,
        env: &dyn Env,
        rows: &Rows,
        episode: u64,
        t: u64,
        actions: &[u16],
        outcome: Outcome,
    ) -> Value {
        let spec = env.spec();
        let truncated = outcome.end == End::Truncated;
        let mut line = json!({
            "episode": episode,
            "t": t,
            "actions": actions,
            "reward": outcome.reward,
            "terminated": outcome.end == End::Terminated || truncated && spec.timeout_is_terminal,
            "truncated": truncated,
        });
        for (key, value) in env.frame() {
            line[key] = value;
        }
        if outcome.end.is_over() {
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
