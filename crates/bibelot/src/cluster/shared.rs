//! What all parts of a cluster share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::hall::Hall;
use super::load::{Choose, KernelLoad, least};
use super::member::{KernelPhase, Member, Order, Seat};
use super::report::{KernelEnd, KernelReport};

/// The members and how the next task's is chosen.
pub(super) struct Shared {
    pub members: Box<[Member]>,
    pub choose: Option<Choose>,
    /// How long kernels that were asked to end are given for their tasks.
    pub grace: Duration,
    /// How much longer their threads are waited for.
    pub stop_limit: Duration,
    next: AtomicUsize,
    /// The servers, for kernels that are drained.
    halls: Mutex<Vec<Weak<Hall>>>,
}

impl Shared {
    pub(super) fn new(
        kernels: usize,
        choose: Option<Choose>,
        grace: Duration,
        stop_limit: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            members: (0..kernels).map(|_| Member::new()).collect(),
            choose,
            grace,
            stop_limit,
            next: AtomicUsize::new(0),
            halls: Mutex::default(),
        })
    }

    /// What those that take new tasks have to do.
    fn open_loads(&self) -> Vec<KernelLoad> {
        let open = self.members.iter().enumerate();
        open.filter(|(_, member)| member.is_running())
            .map(|(kernel, member)| member.load(kernel))
            .collect()
    }

    /// A seat with whoever is chosen; `None` if nobody takes new tasks.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        loop {
            let loads = self.open_loads();
            let start = self.next.fetch_add(1, Ordering::Relaxed);
            let least = least(&loads, start % loads.len().max(1))?;
            let chosen = self.choose.as_ref().map(|choose| choose(&loads));
            let load = chosen.and_then(|place| loads.get(place));
            let load = load.unwrap_or(&loads[least]);
            // Refused, it has stopped running, so the list gets shorter.
            if let Some(seat) = Seat::take(self, load.kernel) {
                return Some(seat);
            }
        }
    }

    pub(super) fn add_hall(&self, hall: &Arc<Hall>) {
        let mut halls = self.halls();
        halls.retain(|hall| hall.strong_count() > 0);
        halls.push(Arc::downgrade(hall));
    }

    /// Has others listen to what a kernel listens to that takes nothing new.
    pub(super) fn vacate(&self, kernel: usize) {
        let halls: Vec<_> = self.halls().iter().filter_map(Weak::upgrade).collect();
        for hall in halls {
            hall.vacate(kernel);
        }
    }

    fn halls(&self) -> MutexGuard<'_, Vec<Weak<Hall>>> {
        // Nothing under the lock can leave the list half-changed.
        self.halls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all kernels to end.
    pub(super) fn stop(&self, grace: Duration) {
        // First all doors, so that nothing is handed from one to the next.
        for member in &self.members {
            member.move_on(KernelPhase::Draining);
        }
        for member in &self.members {
            member.tell(Order::Stop(Some(grace)));
        }
    }

    /// How a kernel has ended, or where it is stuck.
    pub(super) fn report(&self, kernel: usize) -> KernelReport {
        let member = &self.members[kernel];
        let end = member.end().unwrap_or_else(|| {
            let left = member.kernel().map(|kernel| kernel.reader().snapshot());
            KernelEnd::Stuck(left.unwrap_or_default())
        });
        KernelReport { kernel, end }
    }
}
