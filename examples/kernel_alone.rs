//! The kernel without the facade, on a polling reactor: tasks, traps of one's own, and what it counts.
//!
//! `cargo run --example kernel_alone`
//!
//! A lift serves three floors. The facade would use a queue; here the bell is a trap written by hand,
//! which is all that a new kind of waiting has to say: how it is taken, where its waker is left, and how
//! it leaves. By that it can be cancelled and limited like any other.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use bibelot_kernel::{
    AsCancelled, Backend, Kernel, Leave, Op, Park, Trap, World, sleep, spawn, timeout_after,
};
use bibelot_poll::{Poll, PollConfig};
use bibelot_timer::Monotonic;

/// The recipe for the kernel's world: readiness polling and the monotonic clock.
struct Polling;

impl Backend for Polling {
    fn build(self: Box<Self>) -> io::Result<World> {
        Ok(World {
            reactor: Box::new(Poll::new(PollConfig::default())?),
            clock: Box::new(Monotonic::new()),
            choice: None,
            reason: "the only one here".to_owned(),
        })
    }
}

/// Rings are kept until somebody answers.
#[derive(Default)]
struct Bell {
    rings: RefCell<VecDeque<u32>>,
    waits: Cell<Option<Waker>>,
}

impl Bell {
    fn ring(&self, floor: u32) {
        self.rings.borrow_mut().push_back(floor);
        if let Some(waker) = self.waits.take() {
            waker.wake();
        }
    }

    fn answer(self: &Rc<Self>) -> Trap<Answer> {
        Trap::new(Answer(self.clone()))
    }
}

/// Waits for a ring.
struct Answer(Rc<Bell>);

impl Op for Answer {
    type Out = u32;

    fn take(&mut self) -> Option<u32> {
        self.0.rings.borrow_mut().pop_front()
    }

    fn park(&mut self, waker: &Waker) -> Park<u32> {
        self.0.waits.set(Some(waker.clone()));
        Park::Waits
    }

    fn leave(&mut self) -> Leave<u32> {
        self.0.waits.set(None);
        Leave::Left
    }
}

fn main() -> io::Result<()> {
    let mut kernel = Kernel::builder().backend(Polling).build()?;
    println!("runs on {}", kernel.backend());
    let bell = Rc::new(Bell::default());

    let answers = bell.clone();
    let served = kernel.block_on(async move {
        let lift = spawn(async move {
            let mut served = Vec::new();
            // It goes on until nobody has rung for a while.
            while let Ok(floor) = timeout_after(Duration::from_millis(50), answers.answer()).await {
                println!("the lift goes to floor {floor}");
                served.push(floor);
            }
            served
        });
        for floor in [3, 1, 2] {
            sleep(Duration::from_millis(5))
                .await
                .expect("nobody cancels the caller");
            bell.ring(floor);
        }
        let served = lift.await.expect("the lift never fails");
        let idle = spawn(async move { bell.answer().await });
        idle.cancel().await.expect("nobody cancels the caller");
        let told = idle
            .await
            .expect("it returned")
            .expect_err("it was cancelled");
        println!("whoever waits can be told to stop: {told}");
        assert!(told.is_cancelled());
        served
    });
    assert_eq!(served, [3, 1, 2]);

    let counters = kernel.counters();
    println!(
        "{} tasks spawned, {} timers fired, {} looks for requests",
        counters.spawned, counters.timers_fired, counters.slow_looks
    );
    let report = kernel.shutdown();
    assert!(report.is_clean());
    Ok(())
}
