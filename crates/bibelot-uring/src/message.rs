//! The messages: wakes of other rings that leave with the turn's own submissions.
//!
//! A wake that finds a reactor asleep writes to its event descriptor, which is a system call. On the thread
//! of another reactor that is being attended, and where both wake by message, it lines up instead, and the
//! next turn submits a `MSG_RING` entry for it beside whatever else it submits. Success is silent; a message
//! that cannot be delivered becomes a write after all.
//!
//! # Invariants
//!
//! - What lines up leaves with the next turn, or is written when the attendance or the reactor ends.
//! - A ring is held open from the wake until the operating system has taken the message, so its number
//!   names no other ring; a reactor that ends meanwhile is not kept from ending.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use rustix::io::write;

use crate::fork::Process;
use crate::ring::{Plain, Ring};
use crate::tag::Tag;

/// So many are remembered before the ended ones among them are looked for.
const KNOWN_MIN: usize = 16;

type Line = Rc<RefCell<Vec<Arc<Address>>>>;

thread_local! {
    /// Where wakes line up that are made on this thread; `None` where they are written at once.
    static OPEN: RefCell<Option<(Line, Process)>> = const { RefCell::new(None) };
}

/// How other threads reach a reactor.
#[derive(Debug)]
pub(crate) struct Address {
    number: u32,
    event: OwnedFd,
    /// A second descriptor of its ring, where it takes messages.
    ring: Option<OwnedFd>,
}

impl Address {
    pub(crate) fn new(event: OwnedFd, ring: Option<OwnedFd>) -> Self {
        // A number used again after four billion reactors would at worst write to a reactor in vain.
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            event,
            ring,
        }
    }

    pub(crate) fn event(&self) -> &OwnedFd {
        &self.event
    }

    /// Writes to its event descriptor.
    pub(crate) fn write(&self) {
        // It fails only when the counter is full, which ends the sleep just as well.
        let _ = write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Ends its reactor's sleep: by a message if one can leave from this thread soon, else at once.
    pub(crate) fn wake(self: Arc<Self>) {
        if let Err(address) = line_up(self) {
            address.write();
        }
    }
}

/// Gives a wake to the reactor that is attended on this thread, if it takes any.
fn line_up(address: Arc<Address>) -> Result<(), Arc<Address>> {
    if address.ring.is_none() {
        return Err(address);
    }
    let mut address = Some(address);
    // A thread that is ending has no reactor left.
    let _ = OPEN.try_with(|open| {
        if let Some((line, process)) = &*open.borrow()
            && process.is_here()
        {
            line.borrow_mut().extend(address.take());
        }
    });
    address.map_or(Ok(()), Err)
}

/// What one reactor sends.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    line: Line,
    /// How often its attendance has begun and not ended.
    depth: usize,
    /// Handed to the ring; they stay open until the operating system has taken them.
    leaving: Vec<Arc<Address>>,
    /// To whom messages went, by number.
    known: BTreeMap<u32, Weak<Address>>,
    known_max: usize,
    /// They do not work here.
    is_useless: bool,
    pub(crate) sent: u64,
}

impl Messages {
    /// Somebody waits in the reactor from now on, again and again; or does so no longer.
    pub(crate) fn attend(&mut self, begin: bool) {
        match begin {
            true => self.depth += 1,
            false => self.depth = self.depth.saturating_sub(1),
        }
        match self.depth {
            0 => self.close(),
            _ if !self.is_useless => self.open(),
            _ => {}
        }
    }

    /// Hands what has lined up to the ring.
    pub(crate) fn launch(&mut self, ring: &mut Ring) {
        let mut line = self.line.borrow_mut();
        for address in line.drain(..) {
            let Some(fd) = address.ring.as_ref().map(AsRawFd::as_raw_fd) else {
                continue;
            };
            ring.push_plain(Plain::Message { fd }, Tag::message(address.number).bits());
            self.known.insert(address.number, Arc::downgrade(&address));
            self.leaving.push(address);
            self.sent += 1;
        }
        if self.known.len() > self.known_max.max(KNOWN_MIN) {
            self.known.retain(|_, known| known.strong_count() > 0);
            self.known_max = 2 * self.known.len();
        }
    }

    /// The operating system has taken everything that was submitted.
    pub(crate) fn taken(&mut self) {
        self.leaving.clear();
    }

    /// A message could not be delivered.
    pub(crate) fn failed(&mut self, number: u32, errno: i32) {
        if matches!(
            errno,
            libc::EINVAL | libc::EOPNOTSUPP | libc::EPERM | libc::EACCES
        ) {
            self.is_useless = true;
            self.close();
        }
        if let Some(address) = self.known.get(&number).and_then(Weak::upgrade) {
            address.write();
        }
    }

    fn open(&self) {
        OPEN.with(|open| {
            open.borrow_mut()
                .get_or_insert_with(|| (self.line.clone(), Process::current()));
        });
    }

    /// From now on nothing lines up; what has is written, and so is what may not have left.
    pub(crate) fn close(&mut self) {
        let _ = OPEN.try_with(|open| {
            let mut open = open.borrow_mut();
            if open
                .as_ref()
                .is_some_and(|(line, _)| Rc::ptr_eq(line, &self.line))
            {
                *open = None;
            }
        });
        let lined_up = mem::take(&mut *self.line.borrow_mut());
        for address in lined_up.iter().chain(&self.leaving) {
            address.write();
        }
    }
}

#[cfg(test)]
mod tests;
