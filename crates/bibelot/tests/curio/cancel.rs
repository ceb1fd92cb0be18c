//! CAN: who may be asked to stop, when, and what becomes of the request.

use std::error::Error;
use std::io;
use std::rc::Rc;

use bibelot::{
    AsCancelled, Cancelled, Cause, Event, Lock, Queue, check_cancellation, current, set_pending,
    shield, sleep, spawn, take_pending, timeout_after, yield_now,
};

use crate::{LONG, exactly, ms, now};

/// Runs `body` in a task that has been asked to stop.
async fn asked<T: 'static>(body: impl Future<Output = T> + 'static) -> T {
    spawn(async {
        current().cancel_nowait();
        body.await
    })
    .await
    .unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancellation_is_an_error_apart_that_carries_its_cause_through_others() {
    let cut = asked(sleep(LONG)).await.unwrap_err();
    assert!(cut.is_live() && !cut.timed_out() && matches!(cut.cause(), Cause::Task));
    let travels = io::Error::from(cut);
    // Loops that try again on `Interrupted` do not swallow it.
    assert_ne!(travels.kind(), io::ErrorKind::Interrupted);
    let facade = bibelot::Error::from(travels);
    assert!(matches!(facade, bibelot::Error::Cancelled(_)) && facade.is_cancelled());
    let boxed: Box<dyn Error + Send + Sync> = facade.into();
    assert!(boxed.is_cancelled(), "also behind a box");
}

#[bibelot::test(uring, poll, sim)]
async fn shields_nest_and_the_request_waits_for_the_last_of_them() {
    asked(async {
        shield(async {
            shield(yield_now()).await.unwrap();
            yield_now().await.unwrap();
            assert!(check_cancellation().unwrap().is_some());
        })
        .await;
        assert!(yield_now().await.is_err());
        assert!(yield_now().await.is_ok(), "once");
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancellation_returned_through_shields_passes_and_can_be_put_back() {
    asked(async {
        let cut = yield_now().await.unwrap_err();
        let passed = shield(shield(async { Err::<(), _>(cut) }))
            .await
            .unwrap_err();
        assert!(passed.is_live());
        shield(async {
            assert!(set_pending(Some(passed)).is_none());
            yield_now().await.unwrap();
        })
        .await;
        assert!(matches!(
            yield_now().await.unwrap_err().cause(),
            Cause::Task
        ));
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn to_look_for_one_cause_leaves_the_others_where_they_are() {
    asked(async {
        let is_limit = |cause: &Cause| matches!(cause, Cause::Deadline(_));
        let seen = shield(async {
            assert!(take_pending(is_limit).is_none());
            let first = check_cancellation().unwrap().is_some();
            assert!(take_pending(|cause| matches!(cause, Cause::Task)).is_some());
            (first, check_cancellation().unwrap().is_some())
        });
        assert_eq!(seen.await, (true, false), "taken also behind a shield");
        yield_now().await.unwrap();
    })
    .await;
}

#[bibelot::test(uring, poll, sim)]
async fn a_pending_request_is_replaced_by_hand_and_the_old_one_comes_back() {
    spawn(async {
        let custom = |text: &'static str| {
            Cancelled::new(Cause::Custom(std::sync::Arc::new(io::Error::other(text))))
        };
        assert!(set_pending(Some(custom("first"))).is_none());
        let old = set_pending(Some(custom("second"))).unwrap();
        assert_eq!(
            old.downcast_ref::<io::Error>().unwrap().to_string(),
            "first"
        );
        let cut = yield_now().await.unwrap_err();
        assert_eq!(
            cut.downcast_ref::<io::Error>().unwrap().to_string(),
            "second"
        );
        assert!(set_pending(Some(custom("third"))).is_none());
        assert!(set_pending(None).is_some());
        yield_now().await.unwrap();
    })
    .await
    .unwrap();
}

#[test]
fn a_limit_that_passes_behind_a_shield_does_not_lose_the_cancel() {
    exactly(async {
        let task = spawn(async {
            shield(async {
                let cut = timeout_after(ms(10), sleep(LONG)).await.unwrap_err();
                assert!(cut.timed_out() && now() == 10);
                let cut = timeout_after(ms(10), yield_now()).await;
                assert!(cut.is_ok());
            })
            .await;
            sleep(LONG).await
        });
        yield_now().await?;
        task.cancel_nowait();
        let cut = task.await?.unwrap_err();
        assert!(cut.is_live() && matches!(cut.cause(), Cause::Task));
        assert_eq!(now(), 10);
        Ok(())
    });
}

#[bibelot::test(uring, poll, sim)]
async fn a_wait_that_is_cut_before_it_parks_has_touched_nothing() {
    let (queue, event, lock) = (
        Queue::<u8>::unbounded(),
        Event::new(),
        Rc::new(Lock::new(())),
    );
    let held = lock.lock().await.unwrap();
    {
        let (queue, event, lock) = (queue.clone(), event.clone(), lock.clone());
        asked(async move { assert!(queue.get().await.is_err() && !event.is_set()) }).await;
        asked(async move { assert!(lock.lock().await.is_err()) }).await;
    }
    asked({
        let event = event.clone();
        async move { assert!(event.wait().await.is_err()) }
    })
    .await;
    for shown in [
        format!("{queue:?}"),
        format!("{event:?}"),
        format!("{lock:?}"),
    ] {
        assert!(
            shown.contains("waiters: 0") || shown.contains("getters: 0"),
            "{shown}"
        );
    }
    queue.try_put(7).unwrap();
    assert_eq!(queue.try_get().unwrap(), 7);
    drop(held);
    assert!(lock.try_lock().is_some());
}
