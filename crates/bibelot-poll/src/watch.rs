//! The watch: which descriptors are looked at, and waiting until one is ready.
//!
//! A descriptor is registered once, for both directions, and reports edges: becoming ready is told
//! once, so nothing is re-armed and a descriptor that nobody reads from costs nothing. The registration
//! does not hold the descriptor. It asks for a farewell, and is removed when the last holder lets go,
//! on whatever thread, while the number is still the descriptor's own.
//!
//! Registrations lie in the poller of the `polling` crate; adding and waiting go to its epoll descriptor
//! directly, because that crate has no name for the end of a stream (`EPOLLRDHUP`) and its wait costs
//! four system calls. Whole milliseconds are waited for in the epoll call itself, which on the usual path
//! is the only one; what remains, down to nanoseconds, in a `ppoll` on the epoll descriptor. That needs
//! no system call newer than epoll and no timer descriptor.
//!
//! # Invariants
//!
//! - A registration is removed before its descriptor is closed or given away.
//! - [`KICK`] names the event descriptor of other threads' wakes, and no registration.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bibelot_reactor::{Farewell, Fd};
use polling::Poller;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, write};

/// The key of the kick; the poller keeps `u64::MAX` for itself, and descriptor numbers are far below.
const KICK: u64 = u64::MAX - 1;

/// What a registration reports, errors and hang-ups aside, which are always reported.
const REPORTED: EventFlags = EventFlags::ET
    .union(EventFlags::IN)
    .union(EventFlags::PRI)
    .union(EventFlags::RDHUP)
    .union(EventFlags::OUT);

/// A descriptor that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    /// The descriptor's number.
    pub(crate) number: usize,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Reading will not end in silence: the end of the stream, an error or urgent data is among what
    /// can be read.
    pub(crate) read_ends: bool,
    /// Writing will fail.
    pub(crate) write_ends: bool,
}

/// The registered descriptors.
pub(crate) struct Watch {
    registrar: Arc<Registrar>,
    kick: Arc<OwnedFd>,
    events: Vec<epoll::Event>,
    system_calls: u64,
}

/// The poller, which hears of its descriptors' ends.
#[derive(Debug)]
struct Registrar {
    poller: Poller,
    removed: AtomicU64,
}

impl Farewell for Registrar {
    fn farewell(&self, fd: BorrowedFd<'_>) {
        // Relaxed: it is only a count.
        self.removed.fetch_add(1, Ordering::Relaxed);
        // It fails only if it is not registered, which is what is wanted.
        let _ = self.poller.delete(fd);
    }
}

impl Watch {
    /// The poller's own descriptor, readable when something is ready.
    pub(crate) fn wait_fd(&self) -> RawFd {
        self.registrar.poller.as_fd().as_raw_fd()
    }

    pub(crate) fn new(events_max: usize) -> io::Result<Self> {
        let poller = Poller::new()?;
        let kick = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let edges = EventFlags::IN | EventFlags::ET;
        epoll::add(&poller, &kick, EventData::new_u64(KICK), edges)?;
        let removed = AtomicU64::new(0);
        Ok(Self {
            registrar: Arc::new(Registrar { poller, removed }),
            kick: Arc::new(kick),
            events: Vec::with_capacity(events_max.max(1)),
            system_calls: 0,
        })
    }

    /// What ends a wait from any thread; without effect once this watch is gone.
    pub(crate) fn kick(&self) -> impl Fn() + Send + Sync + 'static + use<> {
        let kick = Arc::downgrade(&self.kick);
        move || {
            if let Some(kick) = Weak::upgrade(&kick) {
                // Each write is an edge, so the counter need not be read; it cannot get full.
                let _ = write(&kick, &1_u64.to_ne_bytes());
            }
        }
    }

    /// Registers `fd`, whose number is `number`. If it is ready already, the next wait says so.
    pub(crate) fn add(&mut self, fd: &Fd, number: usize) -> io::Result<()> {
        self.system_calls += 1;
        let key = EventData::new_u64(number as u64);
        epoll::add(&self.registrar.poller, fd.as_fd()?, key, REPORTED)?;
        let registrar: Arc<dyn Farewell> = self.registrar.clone();
        fd.ask_farewell(Arc::downgrade(&registrar));
        Ok(())
    }

    /// Waits until a descriptor is ready, another thread kicks, the time is up or a signal comes. What
    /// is ready is added to `ready`.
    pub(crate) fn wait(
        &mut self,
        timeout: Option<Duration>,
        ready: &mut impl Extend<Readiness>,
    ) -> io::Result<()> {
        match self.wait_precisely(timeout) {
            Ok(()) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        ready.extend(self.events.drain(..).filter_map(readiness));
        Ok(())
    }

    fn wait_precisely(&mut self, timeout: Option<Duration>) -> Result<(), Errno> {
        let Some(timeout) = timeout else {
            return self.fetch(None);
        };
        let whole_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let mut rest = Duration::from_nanos((timeout.subsec_nanos() % 1_000_000).into());
        if rest.is_zero() {
            return self.fetch(Some(whole_ms));
        }
        if whole_ms > 0 {
            let began = Instant::now();
            self.fetch(Some(whole_ms))?;
            // The first wait may have ended late; the second makes up for that.
            rest = timeout.saturating_sub(began.elapsed());
        }
        if self.events.is_empty() && !rest.is_zero() && self.is_ready_within(rest)? {
            self.fetch(Some(0))?;
        }
        Ok(())
    }

    /// Fetches what is ready, after waiting for it without limit or for so many milliseconds.
    fn fetch(&mut self, wait_ms: Option<i32>) -> Result<(), Errno> {
        self.system_calls += 1;
        let timeout = wait_ms.map(|ms| timespec(Duration::from_millis(ms.unsigned_abs().into())));
        let room = spare_capacity(&mut self.events);
        epoll::wait(&self.registrar.poller, room, timeout.as_ref())?;
        Ok(())
    }

    fn is_ready_within(&mut self, wait: Duration) -> Result<bool, Errno> {
        self.system_calls += 1;
        let poller = self.registrar.poller.as_fd();
        let mut watched = [PollFd::new(&poller, PollFlags::IN)];
        let timeout = timespec(wait);
        Ok(poll(&mut watched, Some(&timeout))? > 0)
    }

    /// How many system calls were made here.
    pub(crate) fn system_calls(&self) -> u64 {
        self.system_calls + self.registrar.removed.load(Ordering::Relaxed)
    }
}

fn timespec(span: Duration) -> Timespec {
    // Every span that comes here is shorter than a month.
    Timespec::try_from(span).unwrap_or_default()
}

fn readiness(event: epoll::Event) -> Option<Readiness> {
    let key = event.data.u64();
    let flags = event.flags;
    let failed = EventFlags::ERR | EventFlags::HUP;
    let ends = failed | EventFlags::RDHUP | EventFlags::PRI;
    (key < KICK).then_some(Readiness {
        number: usize::try_from(key).ok()?,
        readable: flags.intersects(ends | EventFlags::IN),
        writable: flags.intersects(failed | EventFlags::OUT),
        read_ends: flags.intersects(ends),
        write_ends: flags.intersects(failed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn nothing_ends_early_and_fractions_count() {
        let mut watch = Watch::new(4).unwrap();
        let mut ready = Vec::new();
        for wait_ns in [1, 300_000, 2_000_000, 2_300_000] {
            let (wait, begin) = (Duration::from_nanos(wait_ns), Instant::now());
            watch.wait(Some(wait), &mut ready).unwrap();
            assert!(begin.elapsed() >= wait);
        }
        assert!(ready.is_empty());
    }

    #[test]
    fn a_kick_ends_one_wait_and_outlives_the_watch() {
        let mut watch = Watch::new(4).unwrap();
        let kick = watch.kick();
        kick();
        watch.wait(None, &mut Vec::new()).unwrap();
        kick();
        watch.wait(Some(Duration::MAX), &mut Vec::new()).unwrap();
        drop(watch);
        kick();
    }

    #[test]
    fn a_registration_does_not_outlive_its_descriptor_though_a_copy_of_it_lives() {
        let mut watch = Watch::new(4).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let copy = ours.try_clone().unwrap();
        let number = ours.as_raw_fd();
        let fd = Fd::from(OwnedFd::from(ours));
        watch.add(&fd, number.unsigned_abs() as usize).unwrap();
        drop(fd);
        drop(theirs);
        let mut ready = Vec::new();
        watch.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert_eq!(ready, []);
        drop(copy);
    }
}
