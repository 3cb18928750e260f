//! Failures of devices while they compute.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

use burn::tensor::Tensor;

use super::{Device, DeviceError, is_cpu};
use crate::terminal::note;

/// Panic messages captured while a device call is running.
struct Watch {
    /// The number of calls of [`catch_device_failure`] in progress.
    depth: usize,
    lines: Vec<String>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { depth: 0, lines: Vec::new() });

/// Runs `work` on a device called `name` and turns a panic caused by the device into an error.
///
/// burn's operations return tensors, not results. If a device is lost or out of memory, they panic,
/// on this thread and possibly on others. While `work` runs, panics are not printed. Those that the
/// device did not cause are printed afterwards, and one that unwinds `work` continues.
///
/// # Errors
///
/// Returns [`DeviceError::OutOfMemory`] or [`DeviceError::Lost`] if the device fails.
pub fn catch_device_failure<T>(
    name: &str,
    device: &Device,
    work: impl FnOnce() -> T,
) -> Result<T, DeviceError> {
    if is_cpu(device) {
        return Ok(work());
    }
    static LISTEN: Once = Once::new();
    LISTEN.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            let mut watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
            if watch.depth > 0 {
                watch.lines.push(panic.to_string());
            } else {
                drop(watch);
                print(panic);
            }
        }));
    });
    WATCH.lock().unwrap_or_else(PoisonError::into_inner).depth += 1;
    let done = catch_unwind(AssertUnwindSafe(work));
    let failure = match &done {
        Ok(_) => None,
        Err(panic) => failure(name, device, &**panic),
    };
    let lines = {
        let mut watch = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
        watch.depth -= 1;
        if watch.depth == 0 { std::mem::take(&mut watch.lines) } else { Vec::new() }
    };
    if let Some(failure) = failure {
        return Err(failure);
    }
    for line in lines {
        note(line);
    }
    done.map_err(|panic| resume_unwind(panic))
}

/// Returns the device's failure if it caused the panic.
fn failure(name: &str, device: &Device, panic: &(dyn Any + Send)) -> Option<DeviceError> {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    // A panic may quote an error's text with escaped line breaks.
    let mut said: Vec<String> = text.into_iter().map(|text| text.replace("\\n", "\n")).collect();
    said.extend(WATCH.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned());
    let name = name.to_owned();
    let told = |words: &[&str]| {
        let named = |line: &&str| {
            let line = line.to_lowercase();
            words.iter().any(|words| line.contains(words))
        };
        said.iter().find_map(|text| causes(text).into_iter().rfind(named)).map(str::to_owned)
    };
    let memory = ["allocate buffer", "out of memory", "out of device memory", "not enough memory"];
    if let Some(reason) = told(&memory) {
        return Some(DeviceError::OutOfMemory { name, reason });
    }
    let lost = ["device is poisoned", "device is lost", "device lost", "could not be mapped"];
    if let Some(reason) = told(&lost) {
        return Some(DeviceError::Lost { name, reason });
    }
    // A lost device no longer answers, which may not have been noticed yet.
    let answer = catch_unwind(AssertUnwindSafe(|| {
        device.sync()?;
        Tensor::<1>::ones([1], device).try_into_data().map(|_| ())
    }));
    let reason = match &answer {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(_) => said.first().cloned().unwrap_or_default(),
    };
    let reason = causes(&reason).last().copied().unwrap_or("it does not answer").to_owned();
    Some(DeviceError::Lost { name, reason })
}

/// Returns the messages of an error and of its causes, without backtraces.
fn causes(text: &str) -> Vec<&str> {
    let told = |line: &&str| !matches!(*line, "" | "Caused by" | "No backtrace available");
    text.lines()
        .take_while(|line| !line.starts_with("Backtrace") && !line.starts_with("Asked at"))
        .map(|line| line.trim().trim_end_matches(':'))
        .filter(told)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_chain_of_causes_the_last_is_reported() {
        let text = "An error happened during execution\nCaused by:\n  Several failures at once\nCaused \
                    by:\n  can't allocate buffer of size: 8589934592\nNo backtrace available\nAsked \
                    at:\nNo backtrace available)";
        let last = causes(text).last().copied();
        assert_eq!(last, Some("can't allocate buffer of size: 8589934592"));
        assert_eq!(
            causes("poisoned\nCaused by:\n  Destroyed: \nBacktrace:\n"),
            ["poisoned", "Destroyed"]
        );
        assert_eq!(causes(""), Vec::<&str>::new());
    }
}
