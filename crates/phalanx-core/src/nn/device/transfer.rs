//! Transfers between vectors on the host and tensors on a device.

use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::is_cpu;

static UPLOADS: AtomicU64 = AtomicU64::new(0);
static DOWNLOADS: AtomicU64 = AtomicU64::new(0);

/// Uploads vectors in a single transfer. The tensors do not require gradients.
///
/// Integers are uploaded as `f32` and converted on the device, so they must be below `2^24`.
pub fn upload(
    floats: Vec<Vec<f32>>,
    ints: Vec<Vec<i32>>,
    device: &Device,
) -> (Vec<Tensor<1>>, Vec<Tensor<1, Int>>) {
    if device.is_autodiff() {
        let (floats, ints) = upload(floats, ints, &device.clone().inner());
        let floats = floats.into_iter().map(Tensor::from_inner).collect();
        return (floats, ints.into_iter().map(Tensor::from_inner).collect());
    }
    if is_cpu(device) {
        let floats = floats.into_iter().map(|values| {
            let len = values.len();
            Tensor::from_data(TensorData::new(values, [len]), device)
        });
        let ints = ints.into_iter().map(|values| {
            let len = values.len();
            Tensor::from_data(TensorData::new(values, [len]), device)
        });
        return (floats.collect(), ints.collect());
    }
    let lens: Vec<usize> = floats.iter().map(Vec::len).collect();
    let int_lens: Vec<usize> = ints.iter().map(Vec::len).collect();
    let ints = ints.into_iter().flatten().map(|value| value as f32);
    let all: Vec<f32> = floats.into_iter().flatten().chain(ints).collect();
    UPLOADS.fetch_add(1, Ordering::Relaxed);
    let len = all.len();
    let all: Tensor<1> = Tensor::from_data(TensorData::new(all, [len]), device);
    let mut start = 0;
    let mut part = |len| {
        start += len;
        if len == 0 { Tensor::empty([0], device) } else { all.clone().narrow(0, start - len, len) }
    };
    let floats = lens.into_iter().map(&mut part).collect();
    (floats, int_lens.into_iter().map(|len| part(len).int()).collect())
}

/// Downloads the values of tensors in a single transfer, which waits for all computations they
/// depend on.
///
/// # Errors
///
/// Returns the device's message if it fails to return them.
pub fn download(tensors: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>, String> {
    let Some(first) = tensors.first() else { return Ok(Vec::new()) };
    if is_cpu(&first.device()) {
        return tensors.into_iter().map(read).collect();
    }
    DOWNLOADS.fetch_add(1, Ordering::Relaxed);
    let lens: Vec<usize> = tensors.iter().map(|tensor| tensor.dims()[0]).collect();
    let mut all = read(Tensor::cat(tensors, 0))?;
    let mut parts: Vec<Vec<f32>> = Vec::with_capacity(lens.len());
    for len in lens.into_iter().rev() {
        parts.push(all.split_off(all.len() - len));
    }
    parts.reverse();
    Ok(parts)
}

fn read(tensor: Tensor<1>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|error| error.to_string())?;
    data.try_into_vec::<f32>().map_err(|error| format!("{error:?}"))
}

/// Counts transfers to and from devices other than the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Calls of [`upload`].
    pub uploads: u64,
    /// Calls of [`download`], each of which waits for the device.
    pub downloads: u64,
}

impl Transfers {
    /// Returns the transfers of the whole process so far.
    pub fn so_far() -> Self {
        Self {
            uploads: UPLOADS.load(Ordering::Relaxed),
            downloads: DOWNLOADS.load(Ordering::Relaxed),
        }
    }
}
