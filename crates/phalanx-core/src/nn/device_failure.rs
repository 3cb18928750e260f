//! A device that fails in the middle of its work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

use super::device::{Device, DeviceError};
use super::kernels::on_host;

/// What panics said while devices were watched.
struct Watch {
    /// The number of calls of [`watched`] that are under way.
    depth: usize,
    lines: Vec<String>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { depth: 0, lines: Vec::new() });

/// Does `work` on a device called `name`, and says of a panic whether it was the device that failed.
///
/// burn's operations return tensors, not results: a device that is lost or has no memory left panics, on
/// this thread and maybe on others. While `work` is under way, panics are not printed; those that were
/// no failure of the device are printed afterwards, and one that unwinds goes on.
///
/// # Errors
///
/// [`DeviceError::OutOfMemory`] and [`DeviceError::Lost`].
pub fn watched<T>(name: &str, device: &Device, work: impl FnOnce() -> T) -> Result<T, DeviceError> {
    if on_host(device) {
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
        eprintln!("{line}");
    }
    done.map_err(|panic| resume_unwind(panic))
}

/// The device's failure, if that is what the panic came from.
fn failure(name: &str, device: &Device, panic: &(dyn Any + Send)) -> Option<DeviceError> {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    let mut said: Vec<String> = text.into_iter().collect();
    said.extend(WATCH.lock().unwrap_or_else(PoisonError::into_inner).lines.iter().cloned());
    let says = |words: &[&str]| {
        said.iter()
            .find(|text| words.iter().any(|word| text.contains(word)))
            .map(|text| sentence(text))
    };
    let name = name.to_owned();
    if let Some(reason) = says(&["OutOfMemory", "out of memory", "Out of memory", "BufferTooBig"]) {
        return Some(DeviceError::OutOfMemory { name, reason });
    }
    // One that is lost says so whenever it is waited for.
    let answer = catch_unwind(AssertUnwindSafe(|| device.sync()));
    let reason = match answer {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => sentence(&error.to_string()),
        Err(_) => "it does not answer".to_owned(),
    };
    Some(DeviceError::Lost { name, reason })
}

/// What was said as one line, without what a debugger would want to know.
fn sentence(text: &str) -> String {
    let text = text.replace("\\n", "\n");
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Backtrace"));
    let lines: Vec<&str> = lines
        .map(|line| line.trim_end_matches([':', ' ']))
        .filter(|line| !matches!(*line, "" | "Caused by"))
        .collect();
    lines.join(": ").chars().take(300).collect()
}
