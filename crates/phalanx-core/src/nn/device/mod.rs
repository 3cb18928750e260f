//! Devices: selection by name, failures, and transfers to and from them.

mod failure;
mod gpu_adapters;
mod transfer;

pub use burn::tensor::Device;
pub use phalanx_kernels::is_cpu;

pub use self::failure::catch_device_failure;
pub use self::gpu_adapters::{Adapter, adapters};
pub use self::transfer::{Transfers, download, upload};

/// An error of selecting or using a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The device exists, but this build does not include it.
    #[error(
        "the device `{name}` needs a build with the cargo feature `{feature}`; this build has: {}",
        available().join(", ")
    )]
    NotBuilt {
        /// The requested name.
        name: String,
        /// The cargo feature that adds it.
        feature: &'static str,
    },
    /// The machine has no such device, or no driver for it.
    #[error(
        "the device `{name}` cannot be used here: {reason}; a GPU needs a driver for Vulkan, Metal or \
         DX12, and device=cpu needs none"
    )]
    Unusable {
        /// The requested name.
        name: String,
        /// The driver's message.
        reason: String,
    },
    /// The device has too little memory for an update.
    #[error(
        "the device `{name}` has too little memory ({reason}): use fewer environments (batch_size_run), \
         smaller minibatches (batch_size), more minibatches (num_mini_batch), or device=cpu"
    )]
    OutOfMemory {
        /// The requested name.
        name: String,
        /// The driver's message.
        reason: String,
    },
    /// The device no longer responds: its driver failed, or it was removed.
    #[error(
        "the device `{name}` was lost ({reason}): resume the run with `phalanx train --resume RUN`, and add \
         device=cpu if it is lost again"
    )]
    Lost {
        /// The requested name.
        name: String,
        /// The driver's message.
        reason: String,
    },
    /// There is no device of this name.
    #[error("there is no device `{name}`; this build has: {}", available().join(", "))]
    Unknown {
        /// The requested name.
        name: String,
    },
}

/// Returns the names of the devices in this build: `cpu` (feature `flex`), `ndarray` (feature
/// `ndarray`) and `wgpu` (feature `wgpu`).
pub fn available() -> Vec<&'static str> {
    [
        ("cpu", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
        ("wgpu", cfg!(feature = "wgpu")),
    ]
    .into_iter()
    .filter_map(|(name, built)| built.then_some(name))
    .collect()
}

/// Returns the device called `name`, without automatic differentiation.
///
/// | name | device |
/// |---|---|
/// | `cpu` | one CPU core, burn-flex with our fused kernels |
/// | `ndarray` | burn's older CPU device |
/// | `wgpu` | the best GPU, over Vulkan, Metal or DX12 |
/// | `wgpu:1` | the discrete GPU of that index, counted from zero |
///
/// Networks that are trained need `device(name)?.autodiff()`; target networks, actors and
/// evaluation use the plain device.
///
/// # Errors
///
/// Returns an error if there is no such device or this build does not include it; its message lists
/// the devices of this build.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    match name {
        "cpu" => cpu(name),
        "ndarray" => ndarray(name),
        "wgpu" => wgpu(name, None),
        _ => match name.strip_prefix("wgpu:").map(str::parse) {
            Some(Ok(index)) => wgpu(name, Some(index)),
            _ => Err(DeviceError::Unknown { name: name.to_owned() }),
        },
    }
}

#[cfg(feature = "flex")]
fn cpu(_: &str) -> Result<Device, DeviceError> {
    Ok(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn cpu(name: &str) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { name: name.to_owned(), feature: "flex" })
}

#[cfg(feature = "ndarray")]
fn ndarray(_: &str) -> Result<Device, DeviceError> {
    // Deprecated by burn; offered for existing users.
    #[allow(deprecated)]
    Ok(Device::ndarray())
}

#[cfg(not(feature = "ndarray"))]
fn ndarray(name: &str) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { name: name.to_owned(), feature: "ndarray" })
}

#[cfg(feature = "wgpu")]
fn wgpu(name: &str, index: Option<usize>) -> Result<Device, DeviceError> {
    gpu_adapters::open(index)
        .map_err(|reason| DeviceError::Unusable { name: name.to_owned(), reason })
}

#[cfg(not(feature = "wgpu"))]
fn wgpu(name: &str, _: Option<usize>) -> Result<Device, DeviceError> {
    Err(DeviceError::NotBuilt { name: name.to_owned(), feature: "wgpu" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_device_can_be_had_by_its_name() {
        for name in available() {
            // A GPU may be absent; then the error must report that.
            let found = device(name);
            let absent = matches!(found, Err(DeviceError::Unusable { .. }));
            assert!(found.is_ok() || absent && name == "wgpu", "{found:?}");
        }
    }

    #[test]
    fn a_missing_device_is_explained() {
        let unknown = device("tpu").expect_err("there is no such device").to_string();
        assert!(unknown.contains("`tpu`"), "{unknown}");
        for name in available() {
            assert!(unknown.contains(name), "{unknown}");
        }
        if !cfg!(feature = "wgpu") {
            let error = device("wgpu:1").expect_err("this build has no wgpu").to_string();
            assert!(error.contains("feature `wgpu`"), "{error}");
        }
        assert_eq!(
            device("wgpu:x"),
            Err(DeviceError::Unknown { name: "wgpu:x".to_owned() }),
            "an index is a number"
        );
    }
}
