//! `phalanx list`.

use clap::{Args, ValueEnum};
use phalanx_core::nn::{Adapter, adapters, available, device};
use phalanx_envs::arguments::Argument;
use serde_json::{Value, json};

use crate::Program;
use crate::commands::print;

/// List algorithms, encoders, environments and devices.
///
/// With --json an encoder has its `settings` (encoder_args.KEY=VALUE) with their defaults, and an environment its
/// `arguments` (env_args.KEY=VALUE), each with the values it may
/// take. `phalanx describe ENV` shows the arguments and scripted policies of one environment. In a
/// build with the feature wgpu, the device `wgpu` has its `adapters`: name, kind (discrete, integrated,
/// virtual, software), interface, driver and main limits, in bytes.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx list\n  phalanx list envs --json")]
pub(crate) struct List {
    /// What to list; everything by default.
    what: Option<What>,
    /// Print a JSON array (without a choice, one object of arrays).
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Algorithms.
    Algs,
    /// Encoders of observations, for every algorithm (encoder=ID), with their settings (encoder_args.KEY=VALUE).
    Encoders,
    /// Environments.
    Envs,
    /// Devices networks can learn on, each opened once to see whether it can be used.
    Devices,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Algs => "algs",
            Self::Encoders => "encoders",
            Self::Envs => "envs",
            Self::Devices => "devices",
        }
    }

    fn entries(self, program: &Program) -> Vec<Value> {
        match self {
            Self::Algs => program
                .algorithms
                .iter()
                .map(|entry| json!({ "id": entry.id, "summary": entry.summary }))
                .collect(),
            Self::Encoders => program
                .encoders
                .iter()
                .map(|entry| {
                    let settings = entry.defaults();
                    json!({ "id": entry.id, "summary": entry.summary, "settings": settings })
                })
                .collect(),
            Self::Envs => program
                .environments
                .iter()
                .map(|entry| {
                    let arguments = arguments(entry.arguments);
                    json!({ "id": entry.id, "summary": entry.summary, "arguments": arguments })
                })
                .collect(),
            Self::Devices => available().into_iter().map(device_entry).collect(),
        }
    }
}

/// Returns the arguments of an environment, each with the values it may take.
pub(crate) fn arguments(arguments: &[Argument]) -> Value {
    let entry = |argument: &Argument| json!({ "key": argument.key, "allowed": argument.allowed });
    arguments.iter().map(entry).collect()
}

/// Describes a device, its availability or the reason against it, and the adapters of a GPU.
fn device_entry(id: &str) -> Value {
    let mut entry = match device(id) {
        Ok(_) => json!({ "id": id, "summary": device_summary(id), "usable": true }),
        Err(error) => json!({ "id": id, "summary": error.to_string(), "usable": false }),
    };
    if id == "wgpu" {
        entry["adapters"] = adapters().iter().map(adapter_entry).collect();
    }
    entry
}

fn adapter_entry(adapter: &Adapter) -> Value {
    json!({
        "device": adapter.device,
        "name": adapter.name,
        "kind": adapter.kind,
        "backend": adapter.backend,
        "driver": adapter.driver,
        "driver_info": adapter.driver_info,
        "max_buffer_size": adapter.max_buffer_size,
        "max_storage_binding": adapter.max_storage_binding,
        "max_workgroup_invocations": adapter.max_workgroup_invocations,
        "max_workgroups": adapter.max_workgroups,
    })
}

/// Describes an adapter in two lines.
fn show_adapter(adapter: &Adapter) {
    let mebibytes = |bytes: u64| bytes >> 20;
    print(&format!(
        "    {}: {} ({}, {}), driver {} {}",
        adapter.device.as_deref().unwrap_or("adapter"),
        adapter.name,
        adapter.kind,
        adapter.backend,
        adapter.driver,
        adapter.driver_info,
    ));
    print(&format!(
        "      buffers of {} MiB, tensors of {} MiB, workgroups of {} invocations, {} of them along a \
         dimension",
        mebibytes(adapter.max_buffer_size),
        mebibytes(adapter.max_storage_binding),
        adapter.max_workgroup_invocations,
        adapter.max_workgroups,
    ));
}

fn device_summary(id: &str) -> &'static str {
    match id {
        "cpu" => "this machine's processor, with fused kernels",
        "ndarray" => "this machine's processor, through burn's older backend",
        _ => "a GPU, over Vulkan, Metal or DX12",
    }
}

impl List {
    pub(crate) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let chosen = match self.what {
            Some(what) => vec![what],
            None => vec![What::Algs, What::Encoders, What::Envs, What::Devices],
        };
        if self.json {
            let mut lists = serde_json::Map::new();
            for what in &chosen {
                lists.insert(what.name().to_owned(), Value::Array(what.entries(program)));
            }
            let single = self.what.and_then(|what| lists.remove(what.name()));
            print(&single.unwrap_or(Value::Object(lists)).to_string());
            return Ok(());
        }
        for what in chosen {
            if self.what.is_none() {
                print(&format!("{}:", what.name()));
            }
            for entry in what.entries(program) {
                let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
                print(&format!("  {:<26} {}", text("id"), text("summary")));
                for (key, value) in entry["settings"].as_object().into_iter().flatten() {
                    print(&format!("    encoder_args.{key}={value}"));
                }
            }
            if what == What::Devices {
                adapters().iter().for_each(show_adapter);
            }
        }
        Ok(())
    }
}
