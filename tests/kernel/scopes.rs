//! Limits, shields, scopes, and asking by hand.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bibelot::{
    AsCancelled, CancelScope, Cancelled, Cause, Instant, branch, cancellable, check_cancellation,
    clock, current, current_deadline, ignore_after, set_pending, shield, shield_for, sleep, spawn,
    take_pending, timeout_after, timeout_at, timeout_drop, yield_now,
};

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

const LONG: Duration = Duration::from_secs(3600);

#[bibelot::test(uring, poll, sim)]
async fn a_limit_returns_the_bodys_own_error() {
    let error = timeout_after(ms(2), async {
        sleep(LONG).await.map_err(io::Error::from)?;
        Ok::<_, io::Error>(())
    })
    .await
    .unwrap_err();
    assert!(error.timed_out());
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

/// Not in a simulated world, where time stands still while anything is ready.
#[bibelot::test(uring, poll)]
async fn a_limit_ends_a_body_that_gives_way_for_ever() {
    let always = timeout_after(ms(2), async {
        loop {
            if let Err(cut) = yield_now().await {
                break Err::<(), _>(cut);
            }
        }
    });
    assert!(always.await.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn a_limit_whose_body_gives_way_first_ends_it_in_time() {
    let first = timeout_after(ms(2), async {
        yield_now().await?;
        sleep(LONG).await
    });
    assert!(first.await.unwrap_err().timed_out());
    let nested = timeout_after(ms(2), async {
        let inner = timeout_after(ms(3), sleep(LONG));
        let (slept, _) = futures_util::future::join(inner, yield_now()).await;
        slept
    });
    assert!(nested.await.unwrap_err().timed_out());
    let deaf = timeout_after(ms(2), async {
        yield_now().await?;
        std::future::pending::<Result<(), Cancelled>>().await
    });
    assert!(deaf.await.unwrap_err().timed_out());
}

/// Polls a limit beside a task's own give-way, of which the limit has no part.
#[bibelot::test(uring, poll, sim)]
async fn a_limit_beside_somebody_who_gives_way_has_its_timer() {
    let mut limit = pin!(timeout_after(ms(2), sleep(LONG)));
    let mut beside = pin!(yield_now());
    let mut polls = 0;
    let cut = poll_fn(|context| {
        polls += 1;
        match polls {
            1 => {
                assert!(beside.as_mut().poll(context).is_pending());
                limit.as_mut().poll(context)
            }
            2 => Poll::Pending,
            _ => limit.as_mut().poll(context),
        }
    });
    assert!(cut.await.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn clean_up_after_a_limit_may_wait() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = cleaned.clone();
    let result = timeout_after(ms(2), async move {
        let cut = sleep(LONG).await;
        sleep(ms(2)).await?;
        flag.set(true);
        cut
    })
    .await;
    assert!(result.unwrap_err().timed_out());
    assert!(cleaned.get());
}

#[bibelot::test(uring, poll, sim)]
async fn a_limit_in_the_past_cuts_the_first_blocking_point() {
    let error = timeout_at(Instant::ZERO, yield_now()).await.unwrap_err();
    assert!(error.timed_out());
    timeout_at(Instant::ZERO, async { Ok::<_, Cancelled>(()) })
        .await
        .unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn no_limit_is_a_limit_too() {
    timeout_after(None::<Duration>, yield_now()).await.unwrap();
    timeout_after(Duration::MAX, yield_now()).await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn ignore_after_swallows_only_its_own_expiry() {
    assert_eq!(ignore_after(ms(1), sleep(LONG)).await.unwrap(), None);
    let outer = timeout_after(ms(1), ignore_after(LONG, sleep(LONG))).await;
    assert!(outer.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn a_foreign_future_is_dropped_by_the_limit_around_it() {
    let error = timeout_after(ms(1), async {
        std::future::pending::<()>().await;
        Ok::<_, Cancelled>(())
    })
    .await
    .unwrap_err();
    assert!(error.timed_out());
    assert!(
        timeout_drop(ms(1), std::future::pending::<()>())
            .await
            .is_err()
    );
    assert_eq!(timeout_drop(ms(1), std::future::ready(7)).await.unwrap(), 7);
}

#[bibelot::test(uring, poll, sim)]
async fn a_shield_puts_a_cancel_off() {
    let task = spawn(async {
        shield(sleep(ms(3))).await.unwrap();
        sleep(LONG).await.unwrap_err()
    });
    yield_now().await.unwrap();
    task.cancel_nowait();
    assert!(matches!(task.await.unwrap().cause(), Cause::Task));
}

#[bibelot::test(uring, poll, sim)]
async fn a_bounded_shield_lifts() {
    let task = spawn(async { shield_for(ms(5), sleep(LONG)).await });
    yield_now().await.unwrap();
    let begin = clock();
    task.cancel_nowait();
    assert!(task.await.unwrap().is_err());
    assert!(clock() - begin >= ms(4));
}

#[bibelot::test(uring, poll, sim)]
async fn cancellable_drops_what_cannot_hear() {
    let task = spawn(cancellable(std::future::pending::<()>()));
    yield_now().await.unwrap();
    task.cancel_nowait();
    assert!(task.await.unwrap().is_err());
    let heard = spawn(cancellable(async { sleep(LONG).await.is_err() }));
    yield_now().await.unwrap();
    heard.cancel_nowait();
    assert!(heard.await.unwrap().unwrap(), "what hears is left alone");
}

#[bibelot::test(uring, poll, sim)]
async fn a_level_scope_cuts_again_and_again() {
    let scope = CancelScope::new();
    let inner = scope.child();
    let watched = scope.clone();
    let task = spawn(async move {
        let cuts = watched
            .run(async {
                let mut cuts = 0;
                for _ in 0..3 {
                    cuts += u32::from(sleep(LONG).await.is_err());
                }
                shield(sleep(ms(1))).await.unwrap();
                assert_eq!(cuts, 3);
                sleep(LONG).await
            })
            .await;
        assert_eq!(cuts.unwrap(), None);
    });
    yield_now().await.unwrap();
    scope.cancel();
    task.await.unwrap();
    assert!(inner.is_cancelled() && scope.child().is_cancelled());
}

#[bibelot::test(uring, poll, sim)]
async fn a_scope_may_be_stopped_from_another_thread() {
    let scope = CancelScope::new();
    let stopped = scope.clone();
    let task = spawn(async move { scope.run(sleep(LONG)).await });
    yield_now().await.unwrap();
    std::thread::spawn(move || stopped.cancel()).join().unwrap();
    assert_eq!(task.await.unwrap().unwrap(), None);
}

#[bibelot::test(uring, poll, sim)]
async fn asking_by_hand_takes_what_is_due() {
    assert!(check_cancellation().unwrap().is_none());
    let task = spawn(async {
        current().cancel_nowait();
        let hidden = shield(async { check_cancellation().unwrap() }).await;
        assert!(hidden.is_some(), "a shield hides it, and it stays");
        assert!(check_cancellation().is_err());
        assert!(check_cancellation().unwrap().is_none(), "it was delivered");
        yield_now().await.unwrap();
    });
    task.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn a_request_can_be_taken_and_put_back() {
    let task = spawn(async {
        current().cancel_nowait();
        assert!(take_pending(|cause| matches!(cause, Cause::Interrupt)).is_none());
        let taken = take_pending(|cause| matches!(cause, Cause::Task)).unwrap();
        yield_now().await.unwrap();
        assert!(set_pending(Some(taken)).is_none());
        let cut = yield_now().await.unwrap_err();
        assert!(matches!(cut.cause(), Cause::Task));
    });
    task.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn the_deadline_around_is_known() {
    assert_eq!(current_deadline(), None);
    let deadline = clock() + LONG;
    let seen = timeout_at(deadline, async {
        let inside = current_deadline();
        let shielded = shield(async { current_deadline() }).await;
        Ok::<_, Cancelled>((inside, shielded))
    });
    assert_eq!(seen.await.unwrap(), (Some(deadline), None));
}

#[bibelot::test(uring, poll, sim)]
async fn a_thousand_nested_limits_set_one_timer() {
    let mut body: std::pin::Pin<Box<dyn Future<Output = Result<Instant, Cancelled>>>> =
        Box::pin(sleep(ms(1)));
    for _ in 0..1000 {
        body = Box::pin(timeout_after(LONG, body));
    }
    body.await.unwrap();
    branch(yield_now()).await.unwrap();
}
