//! How children end: cancels, panics, drops, aborts.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cause, LocalScope, LocalTask, TaskError, local_scope, shield, sleep, spawn,
    timeout_after, timeout_drop, try_local_scope, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

/// Says its name when it is dropped.
struct Named<'a>(&'a str, &'a RefCell<Vec<String>>);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(self.0.to_owned());
    }
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancel_reaches_the_body_and_every_child_once_and_the_code_after_not_again() {
    let cuts = Rc::new(Cell::new(0));
    let seen = cuts.clone();
    let task = spawn(async move {
        let cuts = &seen;
        let cleans_up = async move || {
            let cut = sleep(HOUR).await.unwrap_err();
            assert!(matches!(cut.cause(), Cause::Task));
            cuts.set(cuts.get() + 1);
            sleep(MS).await.unwrap();
            cuts.set(cuts.get() + 100);
        };
        local_scope(async |scope| {
            for _ in 0..20 {
                scope.spawn(cleans_up());
            }
            cleans_up().await;
        })
        .await;
        sleep(MS).await.unwrap();
    });
    sleep(MS).await.unwrap();
    task.cancel_nowait();
    task.await.unwrap();
    assert_eq!(cuts.get(), 21 * 101);
}

#[bibelot::test(uring, poll, sim)]
async fn a_limit_around_cuts_them_all_and_knows_its_own() {
    let cut = timeout_after(MS, async {
        let results = local_scope(async |scope| {
            let tasks = [(); 3].map(|()| scope.spawn(sleep(HOUR)));
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await);
            }
            results
        })
        .await;
        // The body waited for the first when the limit cut all of them, so it was cut as well.
        let Err(TaskError::Interrupted(first)) = &results[0] else {
            panic!("{results:?}");
        };
        assert!(first.is_live());
        for rest in results.into_iter().skip(1) {
            rest??;
        }
        bibelot::Ok(())
    })
    .await;
    assert!(cut.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn one_child_can_be_cancelled_once_and_all_together() {
    local_scope(async |scope| {
        let one = scope.spawn(async {
            let cut = sleep(HOUR).await.unwrap_err();
            assert!(matches!(cut.cause(), Cause::Group(_)), "{cut}");
            sleep(MS).await.unwrap();
            7
        });
        let other = scope.spawn(async {
            sleep(5 * MS).await.unwrap();
            sleep(HOUR).await.is_err()
        });
        let shielded = scope.spawn(async {
            shield(sleep(2 * MS)).await.unwrap();
            sleep(HOUR).await.is_err()
        });
        yield_now().await.unwrap();
        one.cancel();
        assert_eq!(one.await.unwrap(), 7);
        sleep(10 * MS).await.unwrap();
        assert!(!other.is_finished());
        scope.cancel();
        let late = scope.spawn(sleep(HOUR));
        assert!(other.await.unwrap() && shielded.await.unwrap());
        assert!(late.await.unwrap().is_err(), "it was born cancelled");
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_child_that_cannot_hear_is_dropped_when_asked() {
    let log = RefCell::new(Vec::new());
    local_scope(async |scope| {
        let log = &log;
        let deaf = |name| async move {
            let _named = Named(name, log);
            pending::<()>().await;
        };
        let first = scope.spawn(deaf("first"));
        let second = scope.spawn(deaf("second"));
        yield_now().await.unwrap();
        first.cancel();
        let Err(TaskError::Cancelled(cut)) = first.await else {
            panic!("it was dropped");
        };
        assert!(cut.is_live() && matches!(cut.cause(), Cause::Group(_)));
        assert_eq!(*log.borrow(), ["first"]);
        second.abort();
        assert_eq!(*log.borrow(), ["first", "second"]);
        assert!(matches!(second.await, Err(TaskError::Aborted)));
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancel_of_the_task_drops_its_deaf_children_and_leaves_those_that_clean_up() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let kept = log.clone();
    let task = spawn(async move {
        let log = &*kept;
        local_scope(async |scope| {
            let deaf = scope.spawn(async move {
                let _named = Named("deaf", log);
                pending::<()>().await;
            });
            scope.spawn(async move {
                let _ = sleep(HOUR).await;
                sleep(3 * MS).await.unwrap();
                log.borrow_mut().push("clean".to_owned());
            });
            let _ = sleep(HOUR).await;
            matches!(deaf.await, Err(TaskError::Cancelled(_)))
        })
        .await
    });
    yield_now().await.unwrap();
    yield_now().await.unwrap();
    task.cancel_nowait();
    assert!(task.await.unwrap());
    assert_eq!(*log.borrow(), ["deaf", "clean"]);
}

#[bibelot::test(uring, poll, sim)]
async fn a_body_that_fails_has_its_children_asked_to_stop_and_waits_for_them() {
    let log = RefCell::new(Vec::new());
    let failed = try_local_scope(async |scope| {
        for name in ["a", "b"] {
            let log = &log;
            scope.spawn(async move {
                let _ = sleep(HOUR).await;
                sleep(MS).await.unwrap();
                log.borrow_mut().push(name);
            });
        }
        yield_now().await.unwrap();
        "seven".parse::<u8>()
    })
    .await;
    assert!(failed.is_err());
    assert_eq!(log.borrow().len(), 2);
}

#[bibelot::test(uring, poll, sim)]
async fn a_panic_is_its_joiners_and_else_the_scopes_when_all_have_ended() {
    let ended = Cell::new(false);
    let was_told = local_scope(async |scope| {
        let failing = scope.spawn(async { panic!("first") });
        matches!(failing.await, Err(TaskError::Panicked(panic)) if panic.message() == Some("first"))
    })
    .await;
    assert!(was_told, "who was given it has it");

    let scope = local_scope(async |scope| {
        let ended = &ended;
        scope.spawn(async { panic!("second") });
        scope.spawn(async { panic!("third") });
        scope.spawn(async {
            sleep(MS).await.unwrap();
            ended.set(true);
        });
    });
    assert_eq!(caught(scope).await.unwrap_err(), "second");
    assert!(ended.get());
}

#[bibelot::test(uring, poll, sim)]
async fn a_panic_of_the_body_drops_the_children_newest_first() {
    let log = RefCell::new(Vec::new());
    let scope = local_scope(async |scope| {
        let log = &log;
        for name in ["one", "two", "three"] {
            scope.spawn(async move {
                let _named = Named(name, log);
                let _ = sleep(HOUR).await;
            });
        }
        yield_now().await.unwrap();
        if scope.live() == 3 {
            panic!("on purpose");
        }
    });
    assert_eq!(caught(scope).await.unwrap_err(), "on purpose");
    assert_eq!(*log.borrow(), ["three", "two", "one"]);
}

#[bibelot::test(uring, poll, sim)]
async fn a_dropped_scope_drops_its_children_newest_first_and_then_its_body() {
    let log = RefCell::new(Vec::new());
    let scope = local_scope(async |scope| {
        let log = &log;
        let _body = Named("body", log);
        for name in ["one", "two"] {
            let again = scope.clone();
            scope.spawn(async move {
                let _named = Named(name, log);
                // A cycle of handles, and a drop that spawns: neither is left behind.
                let _spawns = Spawns(again);
                let _ = sleep(HOUR).await;
            });
        }
        pending::<()>().await;
    });
    assert!(timeout_drop(MS, scope).await.is_err());
    assert_eq!(*log.borrow(), ["two", "one", "body"]);
}

/// Spawns when it is dropped.
struct Spawns<'env>(LocalScope<'env>);

impl Drop for Spawns<'_> {
    fn drop(&mut self) {
        let late = self.0.spawn(async {});
        assert!(late.is_finished(), "it was refused");
    }
}

#[bibelot::test(uring, poll, sim)]
async fn a_child_may_abort_itself_and_one_that_panics_when_dropped_is_no_ones_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }
    local_scope(async |scope| {
        let mut task = scope.spawn(async { pending::<()>().await });
        yield_now().await.unwrap();
        let bomb = scope.spawn(async {
            let _bomb = Bomb;
            pending::<()>().await;
        });
        yield_now().await.unwrap();
        let aborted = std::panic::catch_unwind(AssertUnwindSafe(|| bomb.abort()));
        assert!(aborted.is_err(), "the panic is the aborter's");
        assert!(matches!(bomb.await, Err(TaskError::Aborted)));
        task.abort();
        assert!(matches!(task.join().await, Err(TaskError::Aborted)));
        assert_eq!(scope.live(), 0);
    })
    .await;
    let own = Rc::new(RefCell::new(None::<LocalTask<'_, ()>>));
    local_scope(async |scope| {
        let mine = own.clone();
        let task = scope.spawn(async move {
            yield_now().await.unwrap();
            let task = mine.take().unwrap();
            task.abort();
            assert!(!task.is_finished(), "it ends after this poll");
            pending::<()>().await;
        });
        own.replace(Some(task));
    })
    .await;
    assert!(own.borrow().is_none());
}

#[bibelot::test(uring, poll, sim)]
async fn an_abort_by_another_task_ends_a_scope_that_waits_for_nothing_else() {
    let kept = Rc::new(RefCell::new(None::<LocalTask<'static, ()>>));
    let here = kept.clone();
    let other = spawn(async move {
        sleep(5 * MS).await.unwrap();
        kept.take().unwrap().abort();
    });
    let scope = local_scope(async |scope| {
        here.replace(Some(scope.spawn(pending())));
    });
    let mut scope = std::pin::pin!(scope);
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        scope.as_mut().poll(context)
    })
    .await;
    assert_eq!(polls, 3, "the body, the child, and when that was aborted");
    other.await.unwrap();
}

/// Runs a future whose panic is a value: what it said.
async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = std::pin::pin!(future);
    poll_fn(move |context| {
        let polled = AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(polled) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => {
                let message = payload.downcast_ref::<&str>().unwrap();
                Poll::Ready(Err((*message).to_owned()))
            }
        }
    })
    .await
}
