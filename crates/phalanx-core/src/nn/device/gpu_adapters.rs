//! Graphics adapters that the device `wgpu` can run on.

/// A graphics adapter of this machine, as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The name under which [`device()`](super::device()) opens it, `wgpu:1` for example, if it is
    /// a discrete GPU. Other adapters have none; `wgpu` opens the best adapter of all.
    pub device: Option<String>,
    /// The adapter's name, such as `llvmpipe (LLVM 15.0.6, 256 bits)`.
    pub name: String,
    /// The kind: `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// The graphics API: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The name of the driver.
    pub driver: String,
    /// The driver's version and further information.
    pub driver_info: String,
    /// The largest buffer, in bytes.
    pub max_buffer_size: u64,
    /// The largest part of a buffer that a kernel can access, in bytes, which bounds the size of a
    /// tensor.
    pub max_storage_binding: u64,
    /// The largest number of invocations in a workgroup.
    pub max_workgroup_invocations: u32,
    /// The largest number of workgroups along one dimension.
    pub max_workgroups: u32,
}

/// Returns all graphics adapters of this machine, or none in a build without the feature `wgpu`.
#[cfg(not(feature = "wgpu"))]
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

/// Returns all graphics adapters of this machine, or none in a build without the feature `wgpu`.
#[cfg(feature = "wgpu")]
pub fn adapters() -> Vec<Adapter> {
    use burn::tensor::wgpu::wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};

    let instance = Instance::new(InstanceDescriptor {
        backends: Backends::PRIMARY,
        ..InstanceDescriptor::new_without_display_handle()
    });
    let found = burn::tensor::try_read_sync(instance.enumerate_adapters(Backends::PRIMARY));
    let mut discrete = 0..;
    let describe = |adapter: burn::tensor::wgpu::wgpu::Adapter| {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        let kind = match info.device_type {
            DeviceType::DiscreteGpu => "discrete",
            DeviceType::IntegratedGpu => "integrated",
            DeviceType::VirtualGpu => "virtual",
            DeviceType::Cpu => "software",
            DeviceType::Other => "other",
        };
        let numbered = info.device_type == DeviceType::DiscreteGpu;
        Adapter {
            device: numbered
                .then(|| discrete.next().map(|index: usize| format!("wgpu:{index}")))
                .flatten(),
            name: info.name,
            kind,
            backend: info.backend.to_string(),
            driver: info.driver,
            driver_info: info.driver_info,
            max_buffer_size: limits.max_buffer_size,
            max_storage_binding: limits.max_storage_buffer_binding_size,
            max_workgroup_invocations: limits.max_compute_invocations_per_workgroup,
            max_workgroups: limits.max_compute_workgroups_per_dimension,
        }
    };
    found.unwrap_or_default().into_iter().map(describe).collect()
}

/// Opens the best adapter, or the discrete GPU with this index. It is opened once and shared by all
/// callers.
///
/// # Errors
///
/// Returns the driver's message if there is no such adapter or it cannot be used.
#[cfg(feature = "wgpu")]
pub(super) fn open(index: Option<usize>) -> Result<burn::tensor::Device, String> {
    use std::sync::{Mutex, PoisonError};

    use burn::tensor::wgpu::WgpuBackend;
    use burn::tensor::{Device, DeviceKind, Tensor};

    /// By default, burn also tries OpenGL, which needs a window system and prints errors without
    /// one.
    const INTERFACE: WgpuBackend =
        if cfg!(target_os = "linux") { WgpuBackend::Vulkan } else { WgpuBackend::Auto };
    static OPEN: Mutex<Vec<(Option<usize>, Device)>> = Mutex::new(Vec::new());

    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, device)) = open.iter().find(|(known, _)| *known == index) {
        return Ok(device.clone());
    }
    let kind = index.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu);
    let device = Device::wgpu_options()
        .device_kind(kind)
        .graphics_api(INTERFACE)
        .init()
        .map_err(|error| first_line(&error.to_string()))?;
    // A driver may offer a device that does not work.
    let answer = Tensor::<1>::zeros([1], &device).try_into_data();
    answer.map_err(|error| first_line(&error.to_string()))?;
    open.push((index, device.clone()));
    Ok(device)
}

#[cfg(feature = "wgpu")]
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
