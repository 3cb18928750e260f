//! `phalanx describe`.

use clap::Args;
use phalanx_core::env::{EntityLayout, Presence};
use serde_json::json;

use crate::Program;
use crate::commands::list::arguments;
use crate::commands::{env_args, print};

/// Explain an environment: its sizes, what each index means, its scripted policies and its arguments.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx describe skirmish/3m\n  \
    phalanx describe smax/3m\n  \
    phalanx describe skirmish map=configs/maps/two_ramps.toml\n  \
    phalanx describe skirmish/3m env_args.obs_last_action=true --json")]
pub(crate) struct Describe {
    /// The environment; `phalanx list envs` shows them.
    env: String,
    /// Arguments of the environment, `env_args.key=value`.
    args: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Describe {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let args = env_args(&self.args).map_err(phalanx_train::TrainError::from)?;
        let env = program.environments.make(&self.env, &args)?;
        let (spec, about) = (env.spec(), env.describe());
        let known =
            program.environments.find(&self.env, &args).map_or(&[][..], |entry| entry.arguments);
        if self.json {
            let description = json!({
                "id": spec.id,
                "summary": about.summary,
                "n_agents": spec.n_agents(),
                "n_actions": spec.n_actions,
                "obs_dim": spec.obs_dim,
                "state_dim": spec.state_dim,
                "episode_limit": spec.episode_limit,
                "timeout_is_terminal": spec.timeout_is_terminal,
                "max_reward": spec.max_reward,
                "max_return": spec.max_return,
                "arguments": arguments(known),
                "scripted_policies": env
                    .scripted_policies()
                    .iter()
                    .map(|(name, what)| json!({ "name": name, "summary": what }))
                    .collect::<Vec<_>>(),
                "agents": spec.agents,
                "info": spec.info,
                "entities": spec.entities,
                "obs": about.obs,
                "state": about.state,
                "actions": about.actions,
            });
            print(&description.to_string());
            return Ok(());
        }
        print(&format!("{}: {}", spec.id, about.summary));
        let number = |value: Option<f32>| value.map_or("unknown".to_owned(), |v| v.to_string());
        for (name, value) in [
            ("agents", spec.n_agents().to_string()),
            ("actions", spec.n_actions.to_string()),
            ("observation size", spec.obs_dim.to_string()),
            ("state size", spec.state_dim.to_string()),
            ("episode limit", format!("{} steps", spec.episode_limit)),
            ("timeout is terminal", spec.timeout_is_terminal.to_string()),
            ("largest return", number(spec.max_return)),
            ("  before scaling", number(spec.max_reward)),
        ] {
            print(&format!("  {name:<20} {value}"));
        }
        let names: Vec<&str> = spec.agents.iter().map(|agent| agent.name.as_str()).collect();
        print(&format!("\nagents: {}", names.join(", ")));
        for (title, texts) in
            [("actions", &about.actions), ("observation", &about.obs), ("state", &about.state)]
        {
            print(&format!("\n{title}:"));
            for (index, text) in texts.iter().enumerate() {
                print(&format!("  {index:>4}  {text}"));
            }
        }
        if let Some(layout) = &spec.entities {
            print("\nentities:");
            entity_lines(layout).iter().for_each(|line| print(line));
        }
        if !env.scripted_policies().is_empty() {
            print("\nscripted policies (--policy NAME):");
            for (name, what) in env.scripted_policies() {
                print(&format!("  {name:<16} {what}"));
            }
        }
        if !known.is_empty() {
            print("\narguments (env_args.KEY=VALUE):");
            for argument in known {
                print(&format!("  {:<26} {}", argument.key, argument.allowed));
            }
        }
        Ok(())
    }
}

/// Returns one line for each type of entities, and one for each entity.
fn entity_lines(layout: &EntityLayout) -> Vec<String> {
    let types = layout.types.iter().enumerate().map(|(kind, named)| {
        let n = layout.of_type(kind).len();
        format!("  {n} x {}: {}", named.name, named.features.join("; "))
    });
    let entities = layout.entities.iter().enumerate().map(|(i, entity)| {
        let mut line = format!("  {i:>4}  {}: ", layout.types[entity.kind].name);
        line += &format!("observation {}", ranges(&entity.columns));
        match entity.presence {
            Presence::Always => {}
            Presence::NonZero(column) => line += &format!("; present if {column} is not zero"),
            Presence::AnyNonZero => line += "; present if any is not zero",
        }
        if let Some([x, y]) = entity.position {
            line += &format!("; position {x}, {y}");
        }
        if let Some(action) = entity.action {
            line += &format!("; target of action {action}");
        }
        line
    });
    types.chain(entities).collect()
}

/// Writes ascending numbers as ranges: `0 to 3, 24`.
fn ranges(columns: &[usize]) -> String {
    let runs = columns.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [first, .., last] => format!("{first} to {last}"),
        _ => run[0].to_string(),
    });
    runs.collect::<Vec<_>>().join(", ")
}
