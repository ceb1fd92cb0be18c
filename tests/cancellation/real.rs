//! The same programs on the kernel.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bibelot::{Wait, join, task_group};
use bibelot_kernel::{
    AsCancelled, CancelScope, Cancellation, Cancelled, Cause, Deadline, Op, ScopeId, Task,
    TaskBuilder, TaskError, branch, cancellable, check_cancellation, clock, ignore_after,
    set_pending, shield, shield_for, sleep, sleep_until, take_pending, timeout_after,
};

use super::program::{Event, Kind, Origin, Program, Stage, Step, What, ahead, size};
use super::woken::join_woken;
use super::world::{Timely, at, now_ns};

/// Runs the program on a kernel of its own.
pub fn run(program: &Program) -> Vec<Event> {
    let world = Timely::default();
    let all = Rc::new(program.clone());
    let shared = Rc::new(Shared {
        world: world.clone(),
        scope: CancelScope::new(),
        log: RefCell::default(),
        scopes: RefCell::default(),
        movable: RefCell::default(),
        steps: all.clone(),
    });
    let outside = shared.clone();
    world.block_on(async move {
        let inside = outside.clone();
        let number = size(&all.steps);
        let ended = Rc::new(Cell::new(0));
        let ends = ended.clone();
        let builder = TaskBuilder::new().on_end(move |_| ends.set(now_ns()));
        let task = builder.spawn(async move {
            let result = inside.steps(&inside.steps.steps, 0).await;
            inside.tell(number, inside.what(&result));
        });
        outside.ask(&task).await;
        match task.await {
            Ok(()) => {}
            Err(TaskError::Cancelled(told)) => {
                let what = What::Dropped(outside.origin(&told));
                let event = Event {
                    at: ended.get(),
                    step: number,
                    what,
                };
                outside.log.borrow_mut().push(event);
            }
            Err(other) => panic!("{other}"),
        }
    });
    program.by_task(shared.log.take())
}

struct Shared {
    world: Timely,
    scope: CancelScope,
    log: RefCell<Vec<Event>>,
    scopes: RefCell<Vec<ScopeId>>,
    /// The movable limits that have begun, by the numbers of their steps.
    movable: RefCell<BTreeMap<usize, Deadline>>,
    steps: Rc<Program>,
}

enum Ask {
    Cancel,
    Note,
    Stop,
    Move(usize, Option<u64>),
}

type Done = Result<(), Cancelled>;

impl Shared {
    /// Asks from outside, until the task has ended.
    async fn ask(&self, task: &Task<()>) {
        let mut asks: Vec<(u64, Ask)> = Vec::new();
        asks.extend(self.steps.cancel.map(|at| (at, Ask::Cancel)));
        asks.extend(self.steps.notes.iter().map(|at| (*at, Ask::Note)));
        asks.extend(self.steps.stop.map(|at| (at, Ask::Stop)));
        let moved = self.steps.moved;
        asks.extend(moved.map(|(at, which, ms)| (at, Ask::Move(which, ms))));
        asks.sort_by_key(|(at, _)| *at);
        for (when, ask) in asks {
            let ended = timeout_after(at(when) - clock(), task.wait()).await;
            if ended.is_ok() {
                return;
            }
            assert_eq!(clock(), at(when));
            match ask {
                Ask::Cancel => drop(task.cancel_nowait()),
                Ask::Note => drop(task.interrupt()),
                Ask::Stop => self.scope.cancel(),
                Ask::Move(which, ms) => self.move_limit(which, ms),
            }
        }
    }

    fn move_limit(&self, which: usize, ms: Option<u64>) {
        let limit = self.steps.movable(which);
        let limit = limit.and_then(|number| self.movable.borrow().get(&number).cloned());
        if let Some(limit) = limit {
            limit.set(ms.map(Duration::from_millis));
        }
    }

    fn tell(&self, step: usize, what: What) {
        self.log.borrow_mut().push(Event {
            at: now_ns(),
            step,
            what,
        });
    }

    fn origin(&self, cancelled: &Cancellation) -> Origin {
        let number = |id: &ScopeId| {
            let mut scopes = self.scopes.borrow_mut();
            let place = scopes
                .iter()
                .position(|known| known == id)
                .unwrap_or_else(|| {
                    scopes.push(*id);
                    scopes.len() - 1
                });
            place as u64
        };
        match cancelled.cause() {
            Cause::Task => Origin::Cancel,
            Cause::Interrupt => Origin::Note,
            Cause::Deadline(id) => Origin::Expiry(number(id)),
            Cause::Scope(id) => Origin::Stop(number(id)),
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn what(&self, done: &Done) -> What {
        let Err(cancelled) = done else {
            return What::Ok;
        };
        let stage = if cancelled.timed_out() {
            Stage::TimedOut
        } else if cancelled.is_uncaught() {
            Stage::Uncaught
        } else {
            Stage::Live
        };
        What::Cut(self.origin(cancelled), stage)
    }

    fn steps<'a>(
        self: &'a Rc<Self>,
        steps: &'a [Step],
        first: usize,
    ) -> Pin<Box<dyn Future<Output = Done> + 'a>> {
        Box::pin(async move {
            let mut number = first;
            for step in steps {
                self.step(step, number).await?;
                number += size(std::slice::from_ref(step));
            }
            Ok(())
        })
    }

    async fn step(self: &Rc<Self>, step: &Step, number: usize) -> Done {
        let (done, swallow) = match step {
            Step::Sleep { ms, swallow } => {
                (sleep(Duration::from_millis(*ms)).await.map(drop), *swallow)
            }
            Step::Check { swallow } => match check_cancellation() {
                Ok(seen) => {
                    self.tell(number, self.saw(seen.as_deref()));
                    return Ok(());
                }
                Err(cut) => (Err(cut), *swallow),
            },
            Step::Take | Step::Put => {
                let seen = take_pending(|_| true);
                self.tell(number, self.saw(seen.as_deref()));
                if let (Step::Put, Some(seen)) = (step, seen) {
                    drop(set_pending(Some(seen)));
                }
                return Ok(());
            }
            Step::Burn { ms } => {
                self.world.burn(*ms);
                return Ok(());
            }
            Step::Foreign { ms } => {
                foreign(*ms).await;
                (Ok(()), false)
            }
            Step::Move { which, ms } => {
                self.move_limit(*which, *ms);
                return Ok(());
            }
            Step::Limit {
                movable,
                ms,
                ignore,
                body,
                swallow,
            } => {
                let limit = ms.map(Duration::from_millis);
                let body = self.steps(body, number + 1);
                let done = if *movable {
                    let limit = Deadline::new(limit);
                    self.movable.borrow_mut().insert(number, limit.clone());
                    if *ignore {
                        limit.ignore(body).await
                    } else {
                        limit.timeout(body).await.map(Some)
                    }
                } else if *ignore {
                    ignore_after(limit, body).await
                } else {
                    timeout_after(limit, body).await.map(Some)
                };
                if let Ok(None) = done {
                    self.tell(number, What::Claimed);
                    return Ok(());
                }
                (done.map(drop), *swallow)
            }
            Step::Shield {
                lifts,
                body,
                swallow,
            } => {
                let body = self.steps(body, number + 1);
                let done = match lifts {
                    Some(ms) => shield_for(Duration::from_millis(*ms), body).await,
                    None => shield(body).await,
                };
                (done, *swallow)
            }
            Step::Cancellable { body, swallow } => {
                let done = cancellable(self.steps(body, number + 1)).await;
                (done.unwrap_or_else(Err), *swallow)
            }
            Step::Level { body, swallow } => {
                match self.scope.run(self.steps(body, number + 1)).await {
                    Ok(None) => {
                        self.tell(number, What::Claimed);
                        return Ok(());
                    }
                    other => (other.map(drop), *swallow),
                }
            }
            Step::Group {
                all,
                members,
                body,
                swallow,
            } => (self.group(number, *all, members, body).await, *swallow),
            Step::Join {
                kind,
                arms: [a, b],
                swallow,
            } => {
                let second = number + 1 + size(a);
                let (a, b) = (self.steps(a, number + 1), self.steps(b, second));
                let (a, b) = match kind {
                    Kind::Foreign => foreign_join(a, b).await,
                    Kind::Facade => join((a, b)).await,
                    Kind::ForeignWoken => join_woken(a, b).await,
                    Kind::FacadeWoken => {
                        let (mut a, mut b) = (Box::pin(branch(a)), Box::pin(branch(b)));
                        a.as_mut().enter();
                        b.as_mut().enter();
                        join_woken(a, b).await
                    }
                };
                (a.and(b), *swallow)
            }
        };
        self.tell(number, self.what(&done));
        if swallow { Ok(()) } else { done }
    }

    async fn group(
        self: &Rc<Self>,
        number: usize,
        all: bool,
        members: &[Vec<Step>],
        body: &[Step],
    ) -> Done {
        let wait = if all { Wait::All } else { Wait::None };
        let places = self.steps.members();
        let outcome = task_group(wait, async |group| {
            let mut first = number + 1;
            for steps_of in members {
                let place = places.iter().position(|place| place.start == first);
                let delay = ahead(place.expect("it is a member"));
                let (shared, steps, from) = (self.clone(), steps_of.clone(), first);
                let member = async move {
                    sleep(Duration::from_nanos(delay)).await?;
                    shared.steps(&steps, from).await
                };
                let spawned = group.spawn(member);
                assert!(spawned.is_ok(), "it is open");
                first += size(steps_of);
            }
            self.steps(body, first).await
        });
        outcome.await.map(drop)
    }

    fn saw(&self, seen: Option<&Cancellation>) -> What {
        seen.map_or(What::SawNothing, |seen| What::Saw(self.origin(seen)))
    }
}

/// A future that is ready after a time and hears nothing: the timer of a sleep, without its trap.
async fn foreign(ms: u64) {
    let end = clock() + Duration::from_millis(ms);
    let mut timer = sleep_until(end);
    poll_fn(|context| {
        if clock() >= end {
            return Poll::Ready(());
        }
        let _ = timer.op_mut().park(context.waker());
        Poll::Pending
    })
    .await;
}

/// Polls both with the task's waker until both have ended, as other crates do it.
async fn foreign_join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    poll_fn(move |context| {
        if from_a.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            from_a = Some(value);
        }
        if from_b.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            from_b = Some(value);
        }
        match (from_a.take(), from_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (from_a, from_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
