//! The member: one kernel of a cluster, as the others see it.
//!
//! # Invariants
//!
//! - A seat is given only while the member runs; one that was given is waited for before the member's kernel
//!   is shut down by a drain.
//! - `phase` and orders only move forward.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bibelot_kernel::{BackendInfo, KernelHandle};
use bibelot_sys::Started;

use super::latch::Latch;
use super::load::KernelLoad;
use super::report::KernelEnd;
use super::shared::Shared;

/// How far a kernel of a cluster has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KernelPhase {
    /// It takes new tasks.
    Running,
    /// It takes no new tasks; those that it has go on or are being ended.
    Draining,
    /// It has ended.
    Ended,
}

const PHASES: [KernelPhase; 3] = [
    KernelPhase::Running,
    KernelPhase::Draining,
    KernelPhase::Ended,
];

/// What a member was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Nothing yet.
    Live,
    /// To let its tasks end by themselves for so long, and then to end.
    Drain(Duration),
    /// To end, within this grace or that of its kernel.
    Stop(Option<Duration>),
}

/// One kernel of a cluster.
pub(super) struct Member {
    phase: AtomicU8,
    /// Seats that were given and not given back.
    seated: AtomicUsize,
    /// Of these, those for what has not begun.
    queued: AtomicUsize,
    kernel: OnceLock<(KernelHandle, BackendInfo)>,
    order: Mutex<Order>,
    /// Set when there is an order.
    pub told: Latch,
    /// Set as the last thing its thread does.
    pub ended: Latch,
    end: Mutex<Option<KernelEnd>>,
    thread: Mutex<Option<Started>>,
}

impl Member {
    pub(super) fn new() -> Self {
        Self {
            phase: AtomicU8::new(0),
            seated: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            kernel: OnceLock::new(),
            order: Mutex::new(Order::Live),
            told: Latch::default(),
            ended: Latch::default(),
            end: Mutex::new(None),
            thread: Mutex::new(None),
        }
    }

    pub(super) fn phase(&self) -> KernelPhase {
        PHASES[usize::from(self.phase.load(Ordering::SeqCst))]
    }

    pub(super) fn is_running(&self) -> bool {
        self.phase() == KernelPhase::Running
    }

    /// Moves on to `phase`, unless it is there or beyond.
    pub(super) fn move_on(&self, phase: KernelPhase) {
        // SeqCst: pairs with `take_seat`; whoever takes a seat sees this, or its seat is seen after this.
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
    }

    /// Whether anything was given to it that has not ended.
    pub(super) fn is_taken(&self) -> bool {
        self.seated.load(Ordering::SeqCst) > 0
    }

    /// Its kernel is there.
    pub(super) fn open(&self, kernel: KernelHandle, backend: BackendInfo) {
        let _is_first = self.kernel.set((kernel, backend));
    }

    /// Its kernel; there once the cluster is.
    pub(super) fn kernel(&self) -> Option<&KernelHandle> {
        self.kernel.get().map(|(kernel, _)| kernel)
    }

    pub(super) fn backend(&self) -> Option<&BackendInfo> {
        self.kernel.get().map(|(_, backend)| backend)
    }

    pub(super) fn load(&self, kernel: usize) -> KernelLoad {
        let live = self.kernel().map_or(0, |kernel| kernel.reader().live());
        KernelLoad {
            kernel,
            // While it runs, one is the main future, which waits for orders.
            tasks: live.saturating_sub(usize::from(self.is_running())),
            queued: self.queued.load(Ordering::Relaxed),
        }
    }

    pub(super) fn order(&self) -> Order {
        *lock(&self.order)
    }

    /// Gives an order, if it goes beyond the last one.
    pub(super) fn tell(&self, order: Order) {
        {
            let mut last = lock(&self.order);
            if *last < order {
                *last = order;
            }
        }
        self.move_on(KernelPhase::Draining);
        self.told.set();
        self.nudge();
    }

    /// Has its kernel make a turn.
    pub(super) fn nudge(&self) {
        if let Some(kernel) = self.kernel() {
            // One that has ended has nothing to turn for.
            let _ = kernel.post(|| ());
        }
    }

    /// It has ended, and how; the first word counts.
    pub(super) fn set_end(&self, how: KernelEnd) {
        lock(&self.end).get_or_insert(how);
        self.move_on(KernelPhase::Ended);
    }

    pub(super) fn end(&self) -> Option<KernelEnd> {
        lock(&self.end).clone()
    }

    pub(super) fn set_thread(&self, thread: Started) {
        *lock(&self.thread) = Some(thread);
    }

    pub(super) fn take_thread(&self) -> Option<Started> {
        lock(&self.thread).take()
    }
}

/// Something that was given to a member: as long as it lives the member's kernel is not drained.
pub(super) struct Seat {
    shared: Arc<Shared>,
    kernel: usize,
    is_queued: bool,
}

impl Seat {
    /// A seat with a member, if it takes new tasks.
    #[track_caller]
    pub(super) fn take(shared: &Arc<Shared>, kernel: usize) -> Option<Self> {
        let member = shared.member(kernel);
        // SeqCst: see `Member::move_on`.
        member.seated.fetch_add(1, Ordering::SeqCst);
        member.queued.fetch_add(1, Ordering::Relaxed);
        let seat = Self {
            shared: shared.clone(),
            kernel,
            is_queued: true,
        };
        // Dropped, it is given back.
        member.is_running().then_some(seat)
    }

    pub(super) fn kernel(&self) -> usize {
        self.kernel
    }

    /// The kernel whose seat it is.
    pub(super) fn member_kernel(&self) -> KernelHandle {
        let kernel = self.shared.members[self.kernel].kernel();
        kernel
            .expect("seats are given by a cluster that has its kernels")
            .clone()
    }

    /// What it is for has begun.
    pub(super) fn sit_down(&mut self) {
        if std::mem::replace(&mut self.is_queued, false) {
            let member = &self.shared.members[self.kernel];
            member.queued.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.sit_down();
        let member = &self.shared.members[self.kernel];
        let was_last = member.seated.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && member.phase() == KernelPhase::Draining {
            // It may be given back on another thread, while the kernel waits for just that.
            member.nudge();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can leave what they guard half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
