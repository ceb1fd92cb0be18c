//! The child: a process started here, known by a descriptor that can be read from when it has ended.
//!
//! Whoever holds the descriptor takes the status. If the last holder lets go before, the child is
//! killed and left to the [reaper](crate::reaper), so that neither a process nor its status is left behind.
//!
//! # Invariants
//!
//! - The status of a child is taken from the system once; nobody names it by its number after that.
//! - `CHILDREN` has an entry for each child whose descriptor is open.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bibelot_reactor::{Child, Farewell, Fd, Program, WeakFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, pidfd_send_signal,
    waitid,
};

use crate::raw::open_to_signals;
use crate::reaper;

/// The children whose descriptors are open.
static CHILDREN: Mutex<Vec<(WeakFd, Arc<Watched>)>> = Mutex::new(Vec::new());

/// A child, as it is known here.
struct Watched {
    pid: Pid,
    end: Mutex<End>,
}

/// What is known of a child's end.
#[derive(Clone, Copy)]
enum End {
    /// Its status has not been taken.
    Open,
    Taken(ExitStatus),
    /// Somebody else has taken its status.
    Lost,
}

/// Starts a program. It may take as long as the system likes.
///
/// # Errors
///
/// The operating system's own; then no child is left.
pub(crate) fn spawn(program: Program) -> io::Result<Child> {
    reaper::sweep();
    let mut command = Command::new(&program.path);
    if let Some(name) = &program.name {
        command.arg0(name);
    }
    command.args(program.arguments).envs(program.variables);
    let link = if program.has_link {
        let (here, there) = UnixStream::pair()?;
        here.set_nonblocking(true)?;
        command.stdin(Stdio::from(OwnedFd::from(there)));
        Some(Fd::from(OwnedFd::from(here)))
    } else {
        command.stdin(Stdio::null());
        None
    };
    let mut child = {
        let _open = open_to_signals();
        command.spawn()?
    };
    match adopt(child.id()) {
        Ok(process) => Ok(Child {
            process,
            id: child.id(),
            link,
        }),
        Err(error) => {
            // Without a descriptor nobody could wait for it.
            let _ended = child.kill();
            let _reaped = child.wait();
            Err(error)
        }
    }
}

/// A descriptor for a child that was just started, and so is not reaped.
fn adopt(id: u32) -> io::Result<Fd> {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other(format!("{id} is no number of a process")))?;
    let process = Fd::from(pidfd_open(pid, PidfdFlags::empty())?);
    let watched = Arc::new(Watched {
        pid,
        end: Mutex::new(End::Open),
    });
    let weak = Arc::downgrade(&watched);
    let listener: Weak<dyn Farewell> = weak;
    process.ask_farewell(listener);
    children().push((process.downgrade(), watched));
    Ok(process)
}

/// The status of a child, if it has ended.
///
/// # Errors
///
/// When it is no child of this process, or somebody else has taken its status.
pub(crate) fn status(process: &Fd) -> io::Result<Option<ExitStatus>> {
    let watched = find(process)?;
    let fd = process.as_fd()?;
    watched.take(|| {
        waitid(
            WaitId::PidFd(fd),
            WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
        )
    })
}

/// Sends a signal to a child, if it has not ended.
pub(crate) fn signal(process: &Fd, number: i32) -> io::Result<()> {
    let signal = Signal::from_named_raw(number).ok_or_else(|| {
        let message = format!("there is no signal {number}");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })?;
    match pidfd_send_signal(process.as_fd()?, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn find(process: &Fd) -> io::Result<Arc<Watched>> {
    let found = children()
        .iter()
        .find(|(fd, _)| fd.is(process))
        .map(|(_, watched)| watched.clone());
    found.ok_or_else(|| {
        // Also one of a simulated world says that first.
        process.as_fd().err().unwrap_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "it is no child process")
        })
    })
}

impl Watched {
    fn take(
        &self,
        mut ask: impl FnMut() -> rustix::io::Result<Option<WaitIdStatus>>,
    ) -> io::Result<Option<ExitStatus>> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let End::Open = *end {
            match retry_on_intr(&mut ask) {
                Ok(Some(status)) => *end = End::Taken(to_status(&status)),
                Ok(None) => {}
                Err(Errno::CHILD) => *end = End::Lost,
                Err(error) => return Err(error.into()),
            }
        }
        match *end {
            End::Open => Ok(None),
            End::Taken(status) => Ok(Some(status)),
            End::Lost => Err(Errno::CHILD.into()),
        }
    }
}

impl Farewell for Watched {
    fn farewell(&self, process: BorrowedFd<'_>) {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let End::Open = end {
            let _ended_before = pidfd_send_signal(process, Signal::KILL);
            // If somebody else has taken its status, its number may be another's by now: the descriptor's word
            // is that it is not.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            if let Ok(None) = retry_on_intr(|| waitid(WaitId::PidFd(process), options)) {
                reaper::bury(self.pid);
            }
        }
        children().retain(|(_, watched)| !std::ptr::eq(&raw const **watched, self));
    }
}

fn children() -> MutexGuard<'static, Vec<(WeakFd, Arc<Watched>)>> {
    // Nothing under the lock can leave the list half-changed, so a poisoned lock is a good one.
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The status as `wait` would give it.
fn to_status(status: &WaitIdStatus) -> ExitStatus {
    let raw = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xFF) << 8,
        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
        (None, None) => 0,
    };
    ExitStatus::from_raw(raw)
}
