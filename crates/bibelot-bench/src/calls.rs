//! The count of system calls: the same for every contender, by the operating system's own tracepoint.
//!
//! Counting slows every system call down, so it has a run of its own. Without the right to use the
//! tracepoint nothing is counted.

#![allow(unsafe_code, reason = "performance events have no safe form")]

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The start of `perf_event_attr`, which the operating system reads by its `size`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    bp_type: u32,
    bp_address: u64,
}

/// `PERF_TYPE_TRACEPOINT`.
const TRACEPOINT: u32 = 2;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOSE_ON_EXEC: libc::c_ulong = 8;

const IDS: [&str; 2] = [
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
];

/// Counts the system calls of all threads that a process has, or, for process 0, of the calling thread.
#[derive(Debug)]
pub struct Calls(Vec<OwnedFd>);

impl Calls {
    /// Counts from now on.
    pub fn of(pid: u32) -> io::Result<Self> {
        let id = IDS.iter().find_map(|path| fs::read_to_string(path).ok());
        let id = id.ok_or(io::ErrorKind::NotFound)?;
        let id = id.trim().parse().map_err(io::Error::other)?;
        let counts = threads(pid)?.into_iter().map(|thread| count(id, thread));
        counts.collect::<io::Result<_>>().map(Self)
    }

    /// How many there were.
    pub fn read(&self) -> io::Result<u64> {
        self.0.iter().map(read).sum()
    }
}

fn threads(pid: u32) -> io::Result<Vec<u32>> {
    if pid == 0 {
        return Ok(vec![0]);
    }
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    let numbers = entries.map(|entry| {
        entry?
            .file_name()
            .to_string_lossy()
            .parse()
            .map_err(io::Error::other)
    });
    numbers.collect()
}

fn count(id: u64, thread: u32) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: TRACEPOINT,
        size: size_of::<Attributes>() as u32,
        config: id,
        ..Attributes::default()
    };
    // SAFETY: the attributes live through the call, which only reads `size` bytes of them.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            thread,
            -1,
            -1,
            CLOSE_ON_EXEC,
        )
    };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made it, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn read(count: &OwnedFd) -> io::Result<u64> {
    let mut value = 0_u64;
    // SAFETY: there is room for the eight bytes that are asked for.
    let read = unsafe { libc::read(count.as_raw_fd(), (&raw mut value).cast(), 8) };
    if read == 8 {
        Ok(value)
    } else {
        Err(io::Error::last_os_error())
    }
}
