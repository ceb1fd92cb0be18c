//! Chaos: random code wherever the kernel calls code of users. Whatever it does, nothing in the kernel
//! panics, and everything is let go of at the end.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bibelot::{
    CancelScope, Cancelled, Cause, Event, Observer, Queue, Task, TaskBuilder, TaskGroup, TaskId,
    Wait, gather, join, select, shield, sleep, spawn, timeout_after, timeout_drop, yield_now,
};

use crate::run::on_each;

const SEEDS: u64 = 12;
/// Acts in one world: each may bring others about.
const ACTS: u32 = 3000;

type Held = Pin<Box<dyn Future<Output = ()>>>;
type Members = TaskGroup<u64, bibelot::Error>;

/// What random code reaches for.
struct World {
    random: Cell<u64>,
    acts_left: Cell<u32>,
    guards: Cell<i64>,
    failure: RefCell<Option<String>>,
    tasks: RefCell<Vec<Task<u64>>>,
    held: RefCell<Vec<Held>>,
    groups: RefCell<Vec<Members>>,
    scope: RefCell<CancelScope>,
    event: Event,
    queue: Queue<Guard>,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

fn world() -> Option<Rc<World>> {
    WORLD
        .try_with(|world| world.borrow().clone())
        .ok()
        .flatten()
}

impl World {
    fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            random: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            acts_left: Cell::new(ACTS),
            guards: Cell::new(0),
            failure: RefCell::default(),
            tasks: RefCell::default(),
            held: RefCell::default(),
            groups: RefCell::default(),
            scope: RefCell::default(),
            event: Event::new(),
            queue: Queue::bounded(2),
        })
    }

    fn below(&self, bound: u64) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        (x >> 16) % bound
    }

    /// Takes a random one out, so that nothing of ours is borrowed while it is used.
    fn take<T>(&self, from: &RefCell<Vec<T>>) -> Option<T> {
        let mut from = from.borrow_mut();
        let len = from.len() as u64;
        (len > 0).then(|| from.swap_remove(self.below(len) as usize))
    }
}

/// Does something random; from drops, wakers, listeners and bodies.
fn act() {
    let Some(world) = world() else { return };
    if world.acts_left.get() == 0 || bibelot::KernelHandle::try_current().is_none() {
        return;
    }
    world.acts_left.set(world.acts_left.get() - 1);
    let did = catch_unwind(AssertUnwindSafe(|| act_on(&world)));
    if let Err(payload) = did {
        let message = bibelot::Panic::new(payload).to_string();
        world.failure.borrow_mut().get_or_insert(message);
    }
}

fn act_on(world: &Rc<World>) {
    match world.below(20) {
        0..=2 => {
            let task = TaskBuilder::new().on_end(|_| act()).spawn(body());
            world.tasks.borrow_mut().push(task);
        }
        3 => drop(world.take(&world.tasks)),
        n @ 4..=8 => {
            if let Some(task) = world.take(&world.tasks) {
                match n {
                    4 => task.abort(),
                    5 => drop(task.cancel_nowait()),
                    6 => drop(task.cancel_with(Guard::new())),
                    7 => drop(task.interrupt()),
                    _ => drop(task.try_take()),
                }
                world.tasks.borrow_mut().push(task);
            }
        }
        9 => {
            if let Some(task) = world.take(&world.tasks) {
                world.held.borrow_mut().push(Box::pin(async move {
                    let _ = task.await;
                }));
            }
        }
        10 => world.held.borrow_mut().push(Box::pin(async {
            let _ = body().await;
        })),
        11 | 12 => {
            if let Some(mut held) = world.take(&world.held) {
                let waker = Waker::from(Arc::new(Guard::new()));
                let polled = held.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_pending() {
                    world.held.borrow_mut().push(held);
                }
            }
        }
        13 => drop(world.take(&world.held)),
        14 => world.event.set(),
        15 => world.event.clear(),
        16 => {
            let scope = world.scope.replace(CancelScope::new());
            scope.cancel();
        }
        17 => {
            if let Some(current) = bibelot::try_current() {
                let note = Cancelled::new(Cause::Custom(Arc::new(Guard::new())));
                let _ = bibelot::set_pending(Some(note));
                let _ = bibelot::take_pending(|_| true);
                let _ = current.interrupt();
            }
        }
        18 => {
            let group = world
                .take(&world.groups)
                .unwrap_or_else(|| TaskGroup::new(Wait::All));
            let _ = group.spawn(async { Ok(body().await) });
            group.cancel_members();
            world.groups.borrow_mut().push(group);
        }
        _ => drop(world.take(&world.groups)),
    }
}

/// Acts when it is woken, dropped or shown.
struct Guard;

impl Guard {
    fn new() -> Self {
        if let Some(world) = world() {
            world.guards.set(world.guards.get() + 1);
        }
        Self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(world) = world() {
            world.guards.set(world.guards.get() - 1);
        }
        act();
    }
}

impl Wake for Guard {
    fn wake(self: Arc<Self>) {
        act();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a guard")
    }
}

impl Error for Guard {}

/// Waits for random things for a while.
fn body() -> Pin<Box<dyn Future<Output = u64>>> {
    Box::pin(async {
        let _guard = Guard::new();
        let mut steps = 0;
        while let Some(world) = world() {
            act();
            let far = || sleep(Duration::from_secs(3600));
            let scope = world.scope.borrow().clone();
            let near = Duration::from_micros(world.below(50));
            match world.below(16) {
                0 => drop(sleep(near).await),
                1 => drop(timeout_after(near, far()).await),
                2 => drop(timeout_drop(near, pending::<()>()).await),
                3 => drop(timeout_after(near, world.event.wait()).await),
                4 => drop(scope.run(timeout_after(near, far())).await),
                5 => drop(shield(sleep(near)).await),
                6 => drop(join((yield_now(), timeout_after(near, far()))).await),
                7 => drop(select((yield_now(), far(), world.event.wait())).await),
                8 => drop(gather((0..20).map(|_| timeout_after(near, far()))).await),
                9 => drop(timeout_after(near, world.queue.put(Guard::new())).await),
                10 => drop(timeout_after(near, world.queue.get()).await),
                11 => drop(bibelot::cancellable(pending::<()>()).await),
                12 => drop(timeout_after(near, bibelot::branch(far())).await),
                13 => {
                    let task = world.take(&world.tasks);
                    if let Some(task) = task {
                        drop(timeout_after(near, task.wait()).await);
                        world.tasks.borrow_mut().push(task);
                    }
                }
                _ => drop(yield_now().await),
            }
            steps += 1;
            if steps > 20 {
                break;
            }
        }
        steps
    })
}

/// Acts whenever it hears something.
struct Actor;

impl Observer for Actor {
    fn created(&self, _: TaskId) {
        act();
    }

    fn terminated(&self, _: TaskId, _: bibelot::Terminated) {
        act();
    }
}

#[test]
fn random_code_everywhere_finds_the_kernel_free_and_leaves_nothing() {
    for seed in 0..SEEDS {
        on_each(move |builder| {
            let world = World::new(seed);
            WORLD.set(Some(world.clone()));
            let observer = seed % 2 == 0;
            let builder = builder.grace(Duration::from_millis(5));
            let builder = if observer {
                builder.observer(Actor)
            } else {
                builder
            };
            let mut kernel = builder.build().unwrap();
            kernel.block_on(async {
                for _ in 0..3 {
                    let task = spawn(body());
                    world.tasks.borrow_mut().push(task);
                }
                for _ in 0..200 {
                    act();
                    let _ = yield_now().await;
                }
            });
            assert_eq!(kernel.counters().panicked, 0, "seed {seed}");
            drop(kernel);
            let failure = world.failure.take();
            assert!(failure.is_none(), "seed {seed}: {failure:?}");
            world.acts_left.set(0);
            world.tasks.take();
            world.held.take();
            world.groups.take();
            while world.queue.try_get().is_ok() {}
            assert_eq!(world.guards.get(), 0, "seed {seed}: guards are left");
            WORLD.set(None);
        });
    }
}
