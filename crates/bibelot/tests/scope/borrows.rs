//! Children that borrow, their values, and who is polled.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bibelot::{
    AsCancelled, Event, LocalScope, Queue, TaskError, local_scope, sleep, spawn, timeout_after,
    yield_now,
};

const MS: Duration = Duration::from_millis(1);

#[bibelot::test(uring, poll, sim)]
async fn children_borrow_what_the_caller_has_and_give_values() {
    let words = [String::from("spam"), String::from("ham")];
    let mut lengths = [0; 2];
    let mut total = 0;
    let sum = local_scope(async |scope| {
        let mut tasks = Vec::new();
        for (word, length) in words.iter().zip(&mut lengths) {
            tasks.push(scope.spawn(async move {
                sleep(MS).await.unwrap();
                *length = word.len();
                word.len()
            }));
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        total += sum;
        sum
    })
    .await;
    assert_eq!((sum, total, lengths), (7, 7, [4, 3]));
}

#[bibelot::test(uring, poll, sim)]
async fn the_scope_waits_for_children_that_nobody_awaits() {
    let ended = Cell::new(0);
    let value = local_scope(async |scope| {
        for n in 1..=10 {
            let ended = &ended;
            scope.spawn(async move {
                sleep(n * MS).await.unwrap();
                ended.set(ended.get() + 1);
            });
        }
        assert_eq!(scope.live(), 10);
        "body"
    })
    .await;
    assert_eq!((value, ended.get()), ("body", 10));
}

#[bibelot::test(uring, poll, sim)]
async fn a_child_starts_when_its_parent_has_parked_and_children_may_spawn_siblings() {
    let log = RefCell::new(Vec::new());
    local_scope(async |scope| {
        let log = &log;
        let siblings = scope.clone();
        scope.spawn(async move {
            log.borrow_mut().push("child");
            siblings.spawn(async move {
                sleep(MS).await.unwrap();
                log.borrow_mut().push("grandchild");
            });
            log.borrow_mut().push("child ends");
        });
        log.borrow_mut().push("body");
        yield_now().await.unwrap();
        log.borrow_mut().push("body ends");
    })
    .await;
    let log = log.into_inner();
    assert_eq!(log[0], "body");
    let at = |what| log.iter().position(|said| *said == what).unwrap();
    assert!(at("child") < at("grandchild"));
    assert_eq!(log.len(), 5);
}

#[bibelot::test(uring, poll, sim)]
async fn only_those_that_were_woken_are_polled() {
    let polls = Cell::new(0);
    let ticks = local_scope(async |scope| {
        let polls = &polls;
        let over = Event::new();
        for _ in 0..50 {
            let over = over.clone();
            scope.spawn(async move {
                let mut waiting = over.wait();
                poll_fn(move |context| {
                    polls.set(polls.get() + 1);
                    std::pin::Pin::new(&mut waiting).poll(context)
                })
                .await
                .unwrap();
            });
        }
        let mut ticks = 0;
        for _ in 0..100 {
            yield_now().await.unwrap();
            ticks += 1;
        }
        assert_eq!(polls.get(), 50, "each was polled once so far");
        over.set();
        ticks
    })
    .await;
    assert_eq!((ticks, polls.get()), (100, 100));
}

#[bibelot::test(uring, poll, sim)]
async fn a_value_is_taken_once_and_stays_until_it_is() {
    local_scope(async |scope| {
        let mut task = scope.spawn(async {
            sleep(2 * MS).await.unwrap();
            7
        });
        let waited = timeout_after(MS / 10, task.join()).await;
        assert!(waited.unwrap_err().timed_out(), "the joiner was cut");
        assert!(!task.is_finished(), "the child was not");
        assert_eq!(task.join().await.unwrap(), 7);
        assert!(task.is_finished());
        assert!(matches!(task.join().await, Err(TaskError::Taken)));
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn children_and_other_tasks_work_together() {
    let queue = Queue::bounded(1);
    let sent = Cell::new(0);
    let takers = queue.clone();
    let outside = spawn(async move {
        let mut sum = 0;
        while let Some(n) = takers.get().await.unwrap() {
            sum += n;
        }
        sum
    });
    local_scope(async |scope| {
        for _ in 0..4 {
            let (queue, sent) = (&queue, &sent);
            scope.spawn(async move {
                for n in 1..=25 {
                    queue.put(Some(n)).await.unwrap();
                    sent.set(sent.get() + n);
                }
            });
        }
    })
    .await;
    queue.put(None).await.unwrap();
    assert_eq!(outside.await.unwrap(), sent.get());
}

#[bibelot::test(uring, poll, sim)]
async fn scopes_nest_and_outlive_their_handles_harmlessly() {
    let outer = RefCell::new(0);
    let kept = local_scope(async |scope| {
        let nested = scope.clone();
        let inner = local_scope(async |inner| {
            let outer = &outer;
            nested.spawn(async move {
                sleep(2 * MS).await.unwrap();
                *outer.borrow_mut() += 1;
            });
            inner.spawn(async move { *outer.borrow_mut() += 10 }).await
        });
        inner.await.unwrap();
        scope.clone()
    })
    .await;
    assert_eq!(*outer.borrow(), 11);
    let late = kept.spawn(async { 7 });
    assert!(matches!(late.await, Err(TaskError::Aborted)));
    assert_eq!(kept.live(), 0);
}

#[bibelot::test(uring, poll, sim)]
async fn ended_children_free_their_places() {
    let most = Cell::new(0);
    let now = Cell::new(0);
    struct Counted<'a>(&'a Cell<i32>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    local_scope(async |scope| {
        let now = &now;
        for _ in 0..10_000 {
            now.set(now.get() + 1);
            most.set(most.get().max(now.get()));
            let counted = Counted(now);
            scope.spawn(async move { drop(counted) }).await.unwrap();
        }
    })
    .await;
    assert_eq!((now.get(), most.get()), (0, 1));
}

#[bibelot::test(uring, poll, sim)]
async fn a_scope_works_under_an_executor_that_is_not_ours() {
    let mut scope = std::pin::pin!(local_scope(async |scope| {
        let task = scope.spawn(async { 7 });
        task.await.unwrap()
    }));
    // Polled with a waker that nobody hears: what is ready goes on by itself from poll to poll.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..10 {
        if let Poll::Ready(value) = scope.as_mut().poll(&mut context) {
            assert_eq!(value, 7);
            return;
        }
    }
    panic!("it did not end");
}

/// Polls the scope that is kept on this thread, as soon as it is woken.
struct Eager;

thread_local! {
    static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        let Some(mut kept) = KEPT.take() else { return };
        let waker = Waker::from(self);
        if kept
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            KEPT.set(Some(kept));
        }
    }
}

#[bibelot::test(uring, poll, sim)]
async fn a_child_that_is_added_from_outside_is_polled_however_soon_the_owner_comes() {
    let handle = Rc::new(RefCell::new(None::<LocalScope<'static>>));
    let (here, polled) = (handle.clone(), Rc::new(Cell::new(false)));
    let scope = local_scope(async move |scope| {
        here.replace(Some(scope.clone()));
        pending::<()>().await;
    });
    KEPT.set(Some(Box::pin(scope)));
    Arc::new(Eager).wake();
    let scope = handle.take().unwrap();
    let seen = polled.clone();
    scope.spawn(async move { seen.set(true) });
    assert!(polled.get());
    drop(KEPT.take());
}
