//! `phalanx list`.

use clap::{Args, ValueEnum};
use phalanx_envs::registry::RuleSet;
use serde_json::{Value, json};

use crate::commands::print;

/// Show what there is.
///
/// With --json an environment has its `rules`: the sets of rules it can be played by
/// (env_args.rules=NAME), the default first, each with its arguments. `phalanx describe ENV` shows
/// the arguments and scripted players of one environment.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx list\n  phalanx list envs --json")]
pub(crate) struct List {
    /// What to show; everything by default.
    what: Option<What>,
    /// Print a JSON array (without a choice, one object of arrays).
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Algorithms.
    Algs,
    /// Environments.
    Envs,
    /// Devices networks can learn on, each opened once to see whether it can be used.
    Devices,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Algs => "algs",
            Self::Envs => "envs",
            Self::Devices => "devices",
        }
    }

    fn entries(self) -> Vec<Value> {
        match self {
            Self::Algs => phalanx_train::learn::ALGORITHMS
                .iter()
                .map(|entry| json!({ "id": entry.id, "summary": entry.summary }))
                .collect(),
            Self::Envs => phalanx_envs::registry::list()
                .into_iter()
                .map(|entry| {
                    let rules: Vec<_> = entry.rules.iter().map(rule_set).collect();
                    json!({ "id": entry.id, "summary": entry.summary, "rules": rules })
                })
                .collect(),
            Self::Devices => phalanx_core::nn::available().into_iter().map(device_entry).collect(),
        }
    }
}

/// A set of rules with its arguments.
pub(crate) fn rule_set(rules: &RuleSet) -> Value {
    let arguments: Vec<_> = rules
        .arguments
        .iter()
        .map(|argument| json!({ "key": argument.key, "allowed": argument.allowed }))
        .collect();
    json!({ "name": rules.name, "arguments": arguments })
}

/// A device, whether it can be used here, and if not, why.
fn device_entry(id: &str) -> Value {
    match phalanx_core::nn::device(id) {
        Ok(_) => json!({ "id": id, "summary": device_summary(id), "usable": true }),
        Err(error) => json!({ "id": id, "summary": error.to_string(), "usable": false }),
    }
}

fn device_summary(id: &str) -> &'static str {
    match id {
        "cpu" => "this machine's processor, with fused kernels",
        "ndarray" => "this machine's processor, through burn's older backend",
        _ => "a GPU, over Vulkan, Metal or DX12",
    }
}

impl List {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let chosen = match self.what {
            Some(what) => vec![what],
            None => vec![What::Algs, What::Envs, What::Devices],
        };
        if self.json {
            let mut lists = serde_json::Map::new();
            for what in &chosen {
                lists.insert(what.name().to_owned(), Value::Array(what.entries()));
            }
            let single = self.what.and_then(|what| lists.remove(what.name()));
            print(&single.unwrap_or(Value::Object(lists)).to_string());
            return Ok(());
        }
        for what in chosen {
            if self.what.is_none() {
                print(&format!("{}:", what.name()));
            }
            for entry in what.entries() {
                let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
                print(&format!("  {:<24} {}", text("id"), text("summary")));
            }
        }
        Ok(())
    }
}
