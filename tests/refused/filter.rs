//! A seccomp filter that refuses io_uring to a child.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What is refused, and with which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Setting up a ring answers `EPERM`, as a container's profile does.
    Forbidden,
    /// All three calls answer `ENOSYS`, as a kernel without io_uring does.
    Unknown,
    /// Registering answers `EPERM`; a ring can be set up and entered.
    Unregistered,
}

/// The numbers of `io_uring_setup`, `io_uring_enter` and `io_uring_register`, the same everywhere.
const SETUP: u32 = 425;
const ENTER: u32 = 426;
const REGISTER: u32 = 427;

impl Refusal {
    fn answers(self) -> (&'static [u32], i32) {
        match self {
            Self::Forbidden => (&[SETUP], libc::EPERM),
            Self::Unknown => (&[SETUP, ENTER, REGISTER], libc::ENOSYS),
            Self::Unregistered => (&[REGISTER], libc::EPERM),
        }
    }

    /// The filter: load the call's number, compare, answer.
    fn program(self) -> Vec<libc::sock_filter> {
        let (calls, errno) = self.answers();
        let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
        for (index, call) in calls.iter().enumerate() {
            let to_refusal = (calls.len() - index) as u8;
            let code = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
            program.push(libc::sock_filter {
                code,
                jt: to_refusal,
                jf: 0,
                k: *call,
            });
        }
        let answer = libc::BPF_RET | libc::BPF_K;
        program.push(statement(answer, libc::SECCOMP_RET_ALLOW));
        program.push(statement(answer, libc::SECCOMP_RET_ERRNO | errno as u32));
        program
    }
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

/// Has the child of `command` refused io_uring from before it starts.
pub fn refuse(command: &mut Command, refusal: Refusal) {
    let mut program = refusal.program();
    let install = move || {
        let filter = libc::sock_fprog {
            len: program.len() as u16,
            filter: program.as_mut_ptr(),
        };
        // SAFETY: plain numbers; it only gives up rights.
        if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the filter points to `program`, which lives through the call.
        let answer = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const filter,
            )
        };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(install) };
}
