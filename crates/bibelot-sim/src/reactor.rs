//! The reactor: the simulated world as a way to the world.
//!
//! It asks no operating system and knows no real time. The one thing outside it that it heeds is a wake
//! from another thread: when nothing in the world can happen any more, the thread really sleeps until
//! one comes, or, where the program has no other threads, the reactor says that this is a deadlock.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bibelot_reactor::{Call, Completion, Op, Reactor, Reply, Token, Unpark};

use crate::deadlock::Deadlock;
use crate::world::{Passed, World};

/// A simulated world behind the contract of a reactor.
///
/// It is made by [`Sim::into_parts`](crate::Sim::into_parts), or by a kernel that was given a
/// [`Sim`](crate::Sim) as its backend.
pub struct SimReactor {
    world: World,
    unpark: Arc<Unpark<Kick>>,
}

type Kick = Box<dyn Fn() + Send + Sync>;

impl SimReactor {
    pub(crate) fn new(world: World) -> Self {
        let link = world.link.clone();
        let kick: Kick = Box::new(move || link.bell.ring());
        Self {
            world,
            unpark: Unpark::new(kick),
        }
    }

    /// Lets time pass; sleeps in earnest where no time can.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if self.unpark.woke() {
            return Ok(());
        }
        let unpark = &self.unpark;
        if self.world.pass(timeout, || unpark.woke()) == Passed::Time {
            return Ok(());
        }
        if self.world.settings.deadlock_is_error {
            return Err(Deadlock::of(&self.world).into());
        }
        if self.unpark.sleep() {
            let link = &self.world.link;
            link.bell.sleep(|| link.has_dropped());
            self.unpark.woke();
        }
        Ok(())
    }
}

impl Reactor for SimReactor {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn submit(&mut self, token: Token, op: Op) -> Option<Completion> {
        self.world.begin(token, op)
    }

    fn cancel(&mut self, token: Token) {
        self.world.cancel(token);
    }

    fn call(&mut self, call: Call) -> io::Result<Reply> {
        self.world.call(call)
    }

    fn poll(&mut self, timeout: Option<Duration>, ends: &mut Vec<Completion>) -> io::Result<()> {
        self.world.begin_turn();
        if self.world.has_ready() || timeout == Some(Duration::ZERO) {
            self.unpark.woke();
        } else {
            self.wait(timeout)?;
        }
        self.world.give(ends);
        self.world.decider.publish();
        Ok(())
    }

    fn unparker(&self) -> Waker {
        self.unpark.waker()
    }
}

impl Drop for SimReactor {
    fn drop(&mut self) {
        self.world.decider.publish();
    }
}

impl fmt::Debug for SimReactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimReactor")
            .field("now_ns", &self.world.clock.now_ns())
            .field("waiting", &self.world.waiting())
            .finish_non_exhaustive()
    }
}
