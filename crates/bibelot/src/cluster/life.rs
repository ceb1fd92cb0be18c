//! The life of a member: what its thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use bibelot_kernel::{Panic, ShutdownReport, Wait};

use super::handle::ClusterHandle;
use super::member::{KernelPhase, Member, Order};
use super::report::KernelEnd;
use super::shared::Shared;
use crate::kernel::{Builder, Kernel};

/// Builds a kernel, tells `built` how that went, and serves until it is told to end.
pub(super) fn live(
    shared: Arc<Shared>,
    place: usize,
    build: impl FnOnce() -> std::io::Result<Builder>,
    built: &Sender<std::io::Result<()>>,
) {
    let member = &shared.members[place];
    let _last = Last(member);
    let kernel = match build().and_then(Builder::build) {
        Ok(kernel) => kernel,
        Err(error) => {
            member.set_end(failed(&error));
            let _ = built.send(Err(error));
            return;
        }
    };
    member.open(kernel.handle(), kernel.backend().clone());
    let here = ClusterHandle::new(shared.clone()).enter(place);
    let _ = built.send(Ok(()));
    let ended = catch_unwind(AssertUnwindSafe(|| run(kernel, &shared, place)));
    member.set_end(
        ended.unwrap_or_else(|payload| KernelEnd::Panicked(Panic::new(payload).to_string())),
    );
    drop(here);
}

/// Runs a kernel to its end.
fn run(mut kernel: Kernel, shared: &Shared, place: usize) -> KernelEnd {
    let member = &shared.members[place];
    // Dropped before the kernel, so that what its end breaks off finds that nothing more is taken here.
    let door = Door(member);
    let served = kernel.try_block_on(async {
        // Asked to stop by itself, it ends as if it had been told to.
        let _ = member.told.wait(Wait::Event).await;
    });
    member.move_on(KernelPhase::Draining);
    shared.vacate(place);
    let left = served.and_then(|()| match member.order() {
        Order::Drain(patience) => {
            let deadline = kernel.clock() + patience;
            kernel.turn_until(deadline, |kernel| {
                let is_empty = !member.is_taken() && kernel.reader().live() == 0;
                is_empty || matches!(member.order(), Order::Stop(_))
            })
        }
        _ => Ok(true),
    });
    let mut report = match member.order() {
        Order::Stop(Some(grace)) => kernel.shutdown_within(grace),
        _ => kernel.shutdown(),
    };
    drop(door);
    if let Err(error) = left {
        report.failure.get_or_insert(error.to_string());
    }
    KernelEnd::ShutDown(report)
}

fn failed(error: &std::io::Error) -> KernelEnd {
    let mut report = ShutdownReport::default();
    report.failure = Some(error.to_string());
    KernelEnd::ShutDown(report)
}

/// Closed, nothing more is given to the member.
struct Door<'a>(&'a Member);

impl Drop for Door<'_> {
    fn drop(&mut self) {
        self.0.move_on(KernelPhase::Ended);
    }
}

/// The last thing that a member's thread does, come what may.
struct Last<'a>(&'a Member);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        self.0
            .set_end(KernelEnd::Panicked("its thread ended".to_owned()));
        self.0.ended.set();
    }
}
