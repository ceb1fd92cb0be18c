//! The watch: how much CPU time a thread or process has used.
//!
//! Wall time says little on a machine that others use too; CPU time is theirs to disturb only through the
//! caches.

#![allow(unsafe_code, reason = "clocks have no safe form")]

use std::io;
use std::mem::MaybeUninit;

use crate::histogram::Histogram;

/// What one measurement has found.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time of the thread or latency in nanoseconds, bytes of memory, or system calls, as the cell says.
    pub amount: u64,
    /// How many operations it was for; none if the operating system would not count.
    pub ops: u64,
}

impl Sample {
    /// The median of latencies.
    pub fn median(latencies: &Histogram) -> Self {
        Self {
            amount: latencies.quantile(0.5) as u64,
            ops: 1,
        }
    }
}

/// CPU time of the calling thread, from when it was started.
#[derive(Debug)]
pub struct Watch(u64);

impl Watch {
    /// Starts now.
    pub fn start() -> Self {
        Self(thread_ns())
    }

    /// Stops now.
    pub fn stop(self, ops: u64) -> Sample {
        Sample {
            amount: thread_ns() - self.0,
            ops,
        }
    }
}

fn thread_ns() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock")
}

/// Reads a clock, not by `rustix`, which does not run under older valgrinds.
fn read(clock: libc::clockid_t) -> io::Result<u64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the call writes one time to where it may.
    let code = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the time is written.
    let time = unsafe { time.assume_init() };
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// How much memory this process has in use, as the operating system sees it.
pub fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok());
    pages.unwrap_or(0) * PAGE
}

/// Ends this process by a signal when it is still there after so many seconds of wall time.
pub fn end_after(seconds: u32) {
    // SAFETY: the call has no preconditions; nobody here handles its signal.
    unsafe { libc::alarm(seconds) };
}

/// How long a processor has been idle while something waited for a disk or the like, in milliseconds.
pub fn iowait_ms(processor: usize) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let name = format!("cpu{processor} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name))?;
    let ticks: u64 = line.split_whitespace().nth(4)?.parse().ok()?;
    Some(ticks * 10)
}

/// The CPU time that all threads of a child have used so far.
pub fn process_ns(pid: u32) -> io::Result<u64> {
    let mut clock = 0;
    let pid = pid.try_into().map_err(io::Error::other)?;
    // SAFETY: the call writes one clock id to where it may.
    let code = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code));
    }
    read(clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time() {
        let watch = Watch::start();
        let before = process_ns(std::process::id()).unwrap();
        let mut sum = 0_u64;
        for i in 0..1_000_000 {
            sum = std::hint::black_box(sum + i);
        }
        assert!(watch.stop(1).amount > 0);
        assert!(process_ns(std::process::id()).unwrap() > before);
    }
}
