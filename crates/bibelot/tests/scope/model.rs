//! Random trees of children against a model, in virtual time: run to the end, cut, and dropped at any time.
//!
//! A node sleeps so many times and spawns children in between, and then ends or, unless it is the body,
//! panics; when it is cut, it says so, sleeps once more and ends. Times are in tens of milliseconds and cuts fall between them, so that nothing ties.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bibelot::{Kernel, LocalScope, clock, local_scope, sleep, spawn, timeout_drop, yield_now};
use bibelot_sim::Sim;
use proptest::prelude::*;

/// What a node does: sleeps, and what it spawns after each.
#[derive(Clone, Debug)]
struct Node {
    steps: Vec<(u8, Vec<Node>)>,
    clean_up: u8,
    panics: bool,
}

/// What happened: when, to which node, and what.
type Event = (u64, usize, &'static str);

fn trees() -> impl Strategy<Value = Node> {
    let panics = || prop::bool::weighted(0.1);
    let sleeps = prop::collection::vec(0..9_u8, 0..4);
    let leaf = (sleeps, 0..9_u8, panics()).prop_map(|(sleeps, clean_up, panics)| Node {
        steps: sleeps
            .into_iter()
            .map(|sleep| (sleep, Vec::new()))
            .collect(),
        clean_up,
        panics,
    });
    leaf.prop_recursive(3, 24, 3, move |inner| {
        let step = (0..9_u8, prop::collection::vec(inner, 0..3));
        (prop::collection::vec(step, 0..4), 0..9_u8, panics()).prop_map(
            |(steps, clean_up, panics)| Node {
                steps,
                clean_up,
                panics,
            },
        )
    })
}

/// Counts the nodes that are alive.
struct Alive<'a>(&'a Cell<i32>);

impl<'a> Alive<'a> {
    fn new(count: &'a Cell<i32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Where the real nodes write.
struct World {
    events: RefCell<Vec<Event>>,
    alive: Cell<i32>,
    cut_at: u64,
}

impl World {
    fn new(cut_at: u64) -> Self {
        Self {
            events: RefCell::default(),
            alive: Cell::new(0),
            cut_at,
        }
    }

    fn log(&self, id: usize, what: &'static str) {
        let now = clock().as_nanos() / 1_000_000;
        self.events.borrow_mut().push((now, id, what));
    }
}

/// Runs a node; its children have the ids after its own, in the order of the tree.
fn live<'a>(
    node: &'a Node,
    id: usize,
    scope: &LocalScope<'a>,
    world: &'a World,
) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
    let scope = scope.clone();
    Box::pin(async move {
        let _alive = Alive::new(&world.alive);
        let mut next = id + 1;
        for (span, children) in &node.steps {
            if sleep(u64::from(*span).millis()).await.is_err() {
                world.log(id, "cut");
                sleep(u64::from(node.clean_up).millis()).await.unwrap();
                world.log(id, "cleaned");
                return;
            }
            for child in children {
                scope.spawn(live(child, next, &scope, world));
                next += size(child);
            }
        }
        if node.panics && id > 0 {
            world.log(id, "panics");
            std::panic::resume_unwind(Box::new(id));
        }
        world.log(id, "end");
    })
}

trait Millis {
    fn millis(self) -> Duration;
}

impl Millis for u64 {
    fn millis(self) -> Duration {
        Duration::from_millis(10 * self)
    }
}

fn size(node: &Node) -> usize {
    let children = node.steps.iter().flat_map(|(_, children)| children);
    1 + children.map(size).sum::<usize>()
}

/// What a node should do from `start` on if it is cut at `cut_at`; gives the time when all is over.
fn model(node: &Node, id: usize, start: u64, cut_at: u64, events: &mut Vec<Event>) -> u64 {
    let (mut now, mut over, mut next) = (start, start, id + 1);
    for (span, children) in &node.steps {
        let until = now + 10 * u64::from(*span);
        if until > cut_at {
            events.push((cut_at, id, "cut"));
            let cleaned = cut_at + 10 * u64::from(node.clean_up);
            events.push((cleaned, id, "cleaned"));
            return over.max(cleaned);
        }
        now = until;
        for child in children {
            over = over.max(model(child, next, now, cut_at, events));
            next += size(child);
        }
    }
    let panics = node.panics && id > 0;
    events.push((now, id, if panics { "panics" } else { "end" }));
    over.max(now)
}

/// Runs a scope to its end; which child's panic it ended with, if it did.
async fn caught(scope: impl Future<Output = ()>) -> Option<usize> {
    let mut scope = std::pin::pin!(scope);
    poll_fn(move |context| {
        let polled = AssertUnwindSafe(|| scope.as_mut().poll(context));
        match std::panic::catch_unwind(polled) {
            Ok(polled) => polled.map(|()| None),
            Err(payload) => Poll::Ready(Some(*payload.downcast::<usize>().unwrap())),
        }
    })
    .await
}

/// Those who panicked.
fn panicked(events: &[Event]) -> Vec<usize> {
    let panics = events.iter().filter(|(_, _, what)| *what == "panics");
    panics.map(|(_, id, _)| *id).collect()
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_unstable();
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scope_does_what_the_model_says_whenever_it_is_cut(tree in trees(), cut in 0..40_u64, seed: u64) {
        let cut_at = 10 * cut + 5;
        let mut expected = Vec::new();
        let over = model(&tree, 0, 0, cut_at, &mut expected);
        let mut kernel = Kernel::builder().backend(Sim::new(seed)).build().unwrap();
        let (events, alive, end, panic) = kernel.block_on(async move {
            let task = spawn(async move {
                let world = World::new(cut_at);
                let panic = caught(local_scope(async |scope| live(&tree, 0, scope, &world).await)).await;
                let end = clock().as_nanos() / 1_000_000;
                (world.events.into_inner(), world.alive.get(), end, panic)
            });
            sleep(Duration::from_millis(cut_at)).await.unwrap();
            task.cancel_nowait();
            task.await.unwrap()
        });
        let panics = panicked(&expected);
        prop_assert_eq!(panic.is_some(), !panics.is_empty());
        prop_assert!(panic.is_none_or(|id| panics.contains(&id)));
        prop_assert_eq!(sorted(events), sorted(expected));
        prop_assert_eq!((alive, end), (0, over));
        prop_assert!(kernel.shutdown().is_clean());
    }

    #[test]
    fn a_scope_that_is_dropped_at_any_time_leaves_nobody(tree in trees(), cut in 0..40_u64, seed: u64) {
        let drop_at = 10 * cut + 5;
        let mut expected = Vec::new();
        let over = model(&tree, 0, 0, u64::MAX, &mut expected);
        expected.retain(|&(time, ..)| time < drop_at);
        let mut kernel = Kernel::builder().backend(Sim::new(seed)).build().unwrap();
        let (events, alive, has_ended) = kernel.block_on(async move {
            let world = World::new(drop_at);
            let scope = local_scope(async |scope| live(&tree, 0, scope, &world).await);
            let ended = timeout_drop(Duration::from_millis(world.cut_at), caught(scope)).await;
            let alive = world.alive.get();
            for _ in 0..3 {
                yield_now().await.unwrap();
            }
            sleep(Duration::from_secs(60)).await.unwrap();
            (world.events.into_inner(), alive, ended.is_ok())
        });
        prop_assert_eq!(sorted(events), sorted(expected));
        prop_assert_eq!((alive, has_ended), (0, over < drop_at));
        prop_assert!(kernel.shutdown().is_clean());
    }
}
