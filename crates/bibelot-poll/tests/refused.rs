//! The refused registration: a descriptor that the operating system will not watch.

use std::fs;
use std::io::{self, Write as _};

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::{Fd, Interest, Op, Reactor, Token};
use rustix::event::epoll;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// The number of the only poller of this process.
fn poller_number() -> i32 {
    let mut pollers = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_poller = fs::read_link(&path)
            .ok()?
            .ends_with("anon_inode:[eventpoll]");
        let number = path.file_name()?.to_str()?.parse().ok()?;
        is_poller.then_some(number)
    });
    let number = pollers.next().expect("the reactor has one");
    assert!(pollers.next().is_none(), "no other test runs here");
    number
}

#[test]
fn a_registration_that_fails_is_the_operations_error() {
    let mut poll = Poll::new(PollConfig::default()).unwrap();
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let copy = match pidfd_getfd(&this, poller_number(), PidfdGetfdFlags::empty()) {
        Ok(copy) => copy,
        Err(error) => {
            // Not `eprintln`, which the test harness would keep to itself.
            let _ = writeln!(io::stderr(), "SKIPPED: no copy of the poller: {error}");
            return;
        }
    };
    // A poller that watches the reactor's own cannot be watched by it.
    let circle = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let data = epoll::EventData::new_u64(0);
    epoll::add(&circle, &copy, data, epoll::EventFlags::OUT).unwrap();

    let fd = Fd::from(circle);
    let ready = Op::Ready {
        fd: fd.clone(),
        interest: Interest::Readable,
    };
    let end = poll.submit(Token::new(0, 0), ready);
    let error = end.expect("it ends at once").result.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(40), "ELOOP, not {error}");
    assert_eq!(poll.in_flight(), 0);
    assert_eq!(fd.holders(), 1);
}
