//! Tasks that several wait for, and what is known of a task without taking its value.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bibelot::{SharedTask, Task, TaskBuilder, TaskError, sleep, spawn, yield_now};

const LONG: Duration = Duration::from_secs(3600);

fn is_send<T: Send>(value: T) -> T {
    value
}

#[bibelot::test(uring, poll, sim)]
async fn everybody_who_waits_for_a_shared_task_gets_the_value() {
    let task = spawn(async {
        sleep(Duration::from_millis(1)).await.unwrap();
        Rc::new(7)
    })
    .shared();
    let waiters: Vec<Task<Rc<i32>>> = (0..3)
        .map(|_| {
            let task = is_send(task.clone());
            spawn(async move { task.await.unwrap() })
        })
        .collect();
    for waiter in waiters {
        assert_eq!(*waiter.await.unwrap(), 7);
    }
    assert_eq!(**task.try_get().unwrap().as_ref().unwrap(), 7);
    assert_eq!(*(&task).await.unwrap(), 7);
    assert!(task.is_finished() && task.error().is_none());
}

// The order of a turn is what is looked at, so it is not another seed's.
#[bibelot::test(uring, poll, sim, seed = 0)]
async fn all_who_wait_are_woken_in_the_turn_in_which_the_task_ends() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let noted = log.clone();
    let task = spawn(async move {
        for _ in 0..3 {
            yield_now().await.unwrap();
        }
        noted.borrow_mut().push("ends");
    })
    .shared();
    let waiters: Vec<Task<()>> = (0..3)
        .map(|_| {
            let (task, log) = (task.clone(), log.clone());
            spawn(async move {
                task.await.unwrap();
                log.borrow_mut().push("woken");
            })
        })
        .collect();
    // It is polled when the task has been, in every turn.
    let watch = spawn({
        let (task, log) = (task.clone(), log.clone());
        async move {
            while !task.is_finished() {
                yield_now().await.unwrap();
            }
            yield_now().await.unwrap();
            log.borrow_mut().push("a turn later");
        }
    });
    watch.await.unwrap();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(
        *log.borrow(),
        ["ends", "woken", "woken", "woken", "a turn later"]
    );
}

#[bibelot::test(uring, poll, sim)]
async fn a_panic_is_shared_by_all_and_its_payload_is_there_once() {
    let task: SharedTask<()> = spawn(async { panic!("on purpose") }).shared();
    let mut payloads = Vec::new();
    for _ in 0..2 {
        match task.join().await {
            Err(TaskError::Panicked(panic)) => payloads.push(panic.into_payload()),
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!(payloads[0].is::<&str>() && payloads[1].is::<String>());
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancel_of_a_deaf_task_and_an_abort_are_shared_by_all() {
    let deaf = spawn(std::future::pending::<()>()).shared();
    let gone = spawn(sleep_long()).shared();
    yield_now().await.unwrap();
    deaf.cancel().await.unwrap();
    gone.abort();
    for _ in 0..2 {
        assert!(matches!(deaf.join().await, Err(TaskError::Cancelled(_))));
        assert!(matches!(gone.join().await, Err(TaskError::Aborted)));
    }
    assert!(deaf.was_cancelled() && !gone.was_cancelled());
}

async fn sleep_long() {
    let _cut = sleep(LONG).await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_waiter_that_is_cut_leaves_the_shared_task_to_the_others() {
    let task = spawn(async {
        sleep(Duration::from_millis(5)).await.unwrap();
        7
    })
    .shared();
    let joined = task.clone();
    let waiter = spawn(async move { joined.await });
    yield_now().await.unwrap();
    waiter.cancel().await.unwrap();
    let cut = waiter.await.unwrap();
    assert!(matches!(cut, Err(TaskError::Interrupted(_))));
    assert_eq!(task.await.unwrap(), 7);
}

#[bibelot::test(uring, poll, sim)]
async fn a_clone_that_panics_leaves_the_value_where_it_is() {
    struct Fragile(Rc<Cell<bool>>);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            assert!(!self.0.get(), "broken");
            Self(self.0.clone())
        }
    }
    let is_broken = Rc::new(Cell::new(true));
    let held = is_broken.clone();
    let task = spawn(async move { Fragile(held) }).shared();
    let joined = task.clone();
    let waiter = spawn(async move { joined.await.is_ok() });
    assert!(matches!(waiter.await, Err(TaskError::Panicked(_))));
    is_broken.set(false);
    assert!(task.await.is_ok());
    assert_eq!(Rc::strong_count(&is_broken), 1, "all copies are gone");
}

#[bibelot::test(uring, poll, sim)]
async fn why_a_task_has_no_value_is_known_without_taking_it() {
    let fine = spawn(async { 7 });
    assert!(fine.error().is_none() && fine.try_take().is_none());
    let broken: Task<()> = spawn(async { panic!("on purpose") });
    let aborted = spawn(sleep_long());
    aborted.abort();
    for _ in 0..2 {
        sleep(Duration::from_millis(1)).await.unwrap();
        assert!(fine.error().is_none());
        match broken.error() {
            Some(TaskError::Panicked(panic)) => assert_eq!(panic.message(), Some("on purpose")),
            other => panic!("unexpected: {other:?}"),
        }
        assert!(matches!(aborted.error(), Some(TaskError::Aborted)));
    }
    assert_eq!(fine.await.unwrap(), 7);
    assert!(matches!(broken.join().await, Err(TaskError::Panicked(_))));
    assert!(matches!(broken.error(), Some(TaskError::Taken)));
}

#[bibelot::test(uring, poll, sim)]
async fn a_daemon_says_so() {
    let daemon = TaskBuilder::new().daemon().spawn(async {});
    let task = spawn(async {});
    assert!(daemon.is_daemon() && !task.is_daemon());
    daemon.await.unwrap();
    task.await.unwrap();
}

#[test]
fn a_shared_handle_elsewhere_says_so_and_may_be_dropped_there() {
    let mut kernel = bibelot::Kernel::new().unwrap();
    let task = kernel.block_on(async {
        let task = spawn(async { Rc::new(7) }).shared();
        (&task).await.unwrap();
        task
    });
    std::thread::spawn(move || {
        assert!(matches!(task.try_get(), Some(Err(TaskError::WrongKernel))));
    })
    .join()
    .unwrap();
    kernel.block_on(async {
        yield_now().await.unwrap();
    });
    assert_eq!(kernel.shutdown().aborted.len(), 0);
}
