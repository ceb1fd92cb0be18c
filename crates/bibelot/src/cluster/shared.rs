//! What all parts of a cluster share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bibelot_kernel::{Crash, CrashKind, Panic};

use super::hall::Hall;
use super::load::{Choose, KernelLoad};
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

    /// The kernel at that place.
    #[track_caller]
    pub(super) fn member(&self, kernel: usize) -> &Member {
        let count = self.members.len();
        let member = self.members.get(kernel);
        member.unwrap_or_else(|| panic!("there is no kernel {kernel} among {count}"))
    }

    /// A seat with whoever is chosen; `None` if nobody takes new tasks.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        loop {
            let kernel = match &self.choose {
                Some(choose) => self.chosen(choose)?,
                None => self.least()?,
            };
            // Refused, it has stopped running, so there are fewer to choose from.
            if let Some(seat) = Seat::take(self, kernel) {
                return Some(seat);
            }
        }
    }

    /// The kernel with the least to do of those that take new tasks; equals take turns.
    fn least(&self) -> Option<usize> {
        let count = self.members.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let kernels = (start..count).chain(0..start);
        kernels
            .filter(|&kernel| self.members[kernel].is_running())
            .min_by_key(|&kernel| self.members[kernel].load(kernel).total())
    }

    /// The kernel that the user's hook chooses.
    fn chosen(&self, choose: &Choose) -> Option<usize> {
        let open = self.members.iter().enumerate();
        let loads: Vec<KernelLoad> = open
            .filter(|(_, member)| member.is_running())
            .map(|(kernel, member)| member.load(kernel))
            .collect();
        if loads.is_empty() {
            return None;
        }
        // It may be asked while something unwinds already.
        let answer = catch_unwind(AssertUnwindSafe(|| choose(&loads)));
        let place = answer.unwrap_or_else(|payload| {
            let message = format!("{} (in the choice of a kernel)", Panic::new(payload));
            Crash::new(CrashKind::Panicked, &message).report();
            usize::MAX
        });
        match loads.get(place) {
            Some(load) => Some(load.kernel),
            None => self.least(),
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
