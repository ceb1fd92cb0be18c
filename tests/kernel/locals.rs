//! Values that belong to tasks.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bibelot::{
    Wait, join, sleep, spawn, spawn_thread, task_group, task_local, timeout_after, yield_now,
};

task_local! {
    static REQUEST: u64, inherit = clone;
    static DEPTH: Cell<u32>, inherit = clone;
    static OWN: &'static str, inherit = none;
    static HELD: Rc<Cell<u32>>;
    static LOUD: Loud, inherit = clone;
}

/// Counts its copies, and cannot be copied when it is told so.
struct Loud(Rc<RefCell<Vec<&'static str>>>);

impl Clone for Loud {
    fn clone(&self) -> Self {
        self.0.borrow_mut().push("copied");
        assert!(self.0.borrow().len() < 3, "too loud");
        Self(self.0.clone())
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.borrow_mut().push("dropped");
    }
}

#[bibelot::test(uring, poll, sim)]
async fn a_child_inherits_a_copy_that_is_its_own() {
    REQUEST.set(1);
    DEPTH.set(Cell::new(5));
    OWN.set("parent");
    let child = spawn(async {
        assert_eq!(OWN.get(), None);
        assert_eq!(REQUEST.get(), Some(1));
        REQUEST.set(2);
        DEPTH.with(|depth| depth.set(6));
        yield_now().await.unwrap();
        let grandchild = spawn(async { (REQUEST.get(), DEPTH.get().map(Cell::into_inner)) });
        grandchild.await.unwrap()
    });
    REQUEST.set(3);
    assert_eq!(child.await.unwrap(), (Some(2), Some(6)));
    assert_eq!(REQUEST.get(), Some(3));
    assert_eq!(DEPTH.with(Cell::get), 5);
    assert_eq!(OWN.get(), Some("parent"));
}

#[bibelot::test(uring, poll, sim)]
async fn members_of_a_group_inherit_too() {
    REQUEST.set(7);
    let outcome = task_group(Wait::All, async |group| {
        for _ in 0..2 {
            group.spawn(async { bibelot::Ok(REQUEST.get()) })?;
        }
        bibelot::Ok(())
    });
    let members = outcome.await.unwrap().into_results().unwrap();
    assert_eq!(members, [Some(7), Some(7)]);
}

#[bibelot::test(uring, poll)]
async fn async_threads_inherit_too() {
    REQUEST.set(7);
    let thread = spawn_thread(|cx| cx.block_on(async { bibelot::Ok(REQUEST.get()) }));
    assert_eq!(thread.await.unwrap().unwrap(), Some(7));
}

#[bibelot::test(uring, poll, sim)]
async fn the_arms_of_a_join_have_scopes_of_their_own() {
    async fn arm(n: u64) -> u64 {
        REQUEST
            .scope(n, async {
                for _ in 0..3 {
                    yield_now().await.unwrap();
                    REQUEST.set(REQUEST.get().unwrap() + 1);
                }
                let child = spawn(async { REQUEST.get() });
                assert_eq!(child.await.unwrap(), REQUEST.get());
                REQUEST.get().unwrap()
            })
            .await
    }
    let both = join((arm(10), arm(20))).await;
    assert_eq!(both, (13, 23));
    assert_eq!(REQUEST.get(), None);
}

#[bibelot::test(uring, poll, sim)]
async fn a_scope_is_left_by_errors_and_panics_and_drops_alike() {
    REQUEST.set(1);
    let cut = timeout_after(
        Duration::from_millis(5),
        REQUEST.scope(2, sleep(Duration::from_secs(3600))),
    );
    assert!(cut.await.is_err());
    assert_eq!(REQUEST.get(), Some(1));
    let task = spawn(async {
        let mut scoped = pin!(REQUEST.scope(3, async { panic!("inside") }));
        let panicked = poll_fn(|context| {
            let polled = AssertUnwindSafe(|| scoped.as_mut().poll(context));
            Poll::Ready(catch_unwind(polled).is_err())
        });
        assert!(panicked.await);
        REQUEST.get()
    });
    assert_eq!(task.await.unwrap(), Some(1));
}

#[bibelot::test(uring, poll, sim)]
async fn locals_are_dropped_with_their_task_and_before_its_joiners_hear() {
    let held = Rc::new(Cell::new(0));
    for how in 0..3 {
        let held_there = held.clone();
        let task = spawn(async move {
            HELD.set(held_there);
            match how {
                0 => {}
                1 => panic!("on purpose"),
                _ => std::future::pending().await,
            }
        });
        sleep(Duration::from_millis(1)).await.unwrap();
        if how == 2 {
            assert_eq!(Rc::strong_count(&held), 2);
            task.abort();
        }
        assert_eq!(Rc::strong_count(&held), 1, "{how}");
        drop(task.await);
    }
}

#[bibelot::test(uring, poll, sim)]
async fn what_is_looked_at_stays_while_it_is_replaced() {
    let log = Rc::new(RefCell::new(Vec::new()));
    LOUD.set(Loud(log.clone()));
    LOUD.with(|loud| {
        LOUD.unset();
        assert!(LOUD.try_with(|_| ()).is_none() && !LOUD.unset());
        assert!(loud.0.borrow().is_empty());
        LOUD.set(Loud(log.clone()));
    });
    assert_eq!(*log.borrow(), ["dropped"]);
}

#[bibelot::test(uring, poll, sim)]
async fn a_copy_that_panics_makes_no_child() {
    let log = Rc::new(RefCell::new(Vec::new()));
    LOUD.set(Loud(log.clone()));
    spawn(async {}).await.unwrap();
    let ran = Rc::new(Cell::new(false));
    let child = ran.clone();
    let spawned = catch_unwind(AssertUnwindSafe(|| spawn(async move { child.set(true) })));
    assert!(spawned.is_err());
    yield_now().await.unwrap();
    assert!(!ran.get() && Rc::strong_count(&ran) == 1);
    LOUD.unset();
    let later = spawn(async {});
    later.await.unwrap();
    assert_eq!(*log.borrow(), ["copied", "dropped", "copied", "dropped"]);
}

#[test]
fn outside_a_task_there_are_none() {
    assert!(REQUEST.get().is_none());
    assert!(catch_unwind(|| REQUEST.set(1)).is_err());
    assert!(catch_unwind(|| REQUEST.with(|_| ())).is_err());
}
