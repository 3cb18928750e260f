//! Kinds of devices.

#[cfg(any(feature = "flex", feature = "wgpu"))]
use burn::backend::DispatchDevice;
use burn::tensor::Device;

/// Returns whether a device computes on the calling cores and in their memory, as the device `cpu`
/// does.
pub fn is_cpu(device: &Device) -> bool {
    #[cfg(feature = "flex")]
    if is_flex(device) {
        return true;
    }
    let _ = device;
    false
}

/// Returns whether the fused operations of [`cpu`](crate::cpu) can be used.
#[cfg(feature = "flex")]
pub(crate) fn is_flex(device: &Device) -> bool {
    has_backend(device, |device| matches!(device, DispatchDevice::Flex(_)))
}

/// Returns whether the operations of [`gpu`](crate::gpu) can be used.
#[cfg(feature = "wgpu")]
pub(crate) fn is_cubecl(device: &Device) -> bool {
    has_backend(device, |device| matches!(device, DispatchDevice::Cube(_)))
}

/// Applies `test` to the device without automatic differentiation.
#[cfg(any(feature = "flex", feature = "wgpu"))]
fn has_backend(device: &Device, test: impl Fn(&DispatchDevice) -> bool) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => test(device),
        device => test(device),
    }
}
