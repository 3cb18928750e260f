//! Operations of our own for the devices that burn reaches through cubecl: GPUs.
//!
//! burn would compute a GRU step by two dozen kernels forward and more than twice as many back, and for small
//! networks a GPU is as fast as kernels are launched. Here a step is a product and one kernel, in both directions.

mod gru;
mod gru_op;

use burn::backend::DispatchDevice;
use burn::tensor::Device;

pub(super) use self::gru_op::gru_recurrence;

/// Whether these operations apply.
pub(super) fn on_cube(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Cube(_) => true,
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Cube(_)),
        #[allow(unreachable_patterns)] // Other devices exist with other features.
        _ => false,
    }
}
