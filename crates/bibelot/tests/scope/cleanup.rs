//! Clean-up that awaits, however the body ended.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, CancelScope, Cancelled, Cause, Ended, Error, shield, sleep, spawn, timeout_after,
    timeout_drop, with_cleanup, yield_now,
};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

#[bibelot::test(uring, poll, sim)]
async fn a_clean_up_is_given_the_value_or_error_and_gives_it_on() {
    let cleaned = Cell::new(0);
    let clean = async |ended: Ended<u8, Error>| {
        sleep(MS).await.unwrap();
        cleaned.set(cleaned.get() + 1);
        ended.into_result()
    };
    let value = with_cleanup(async { Ok(7) }, clean).await;
    assert_eq!(value.unwrap(), 7);
    let error = with_cleanup(async { Err(Error::Closed) }, clean).await;
    assert!(matches!(error, Err(Error::Closed)));
    assert_eq!(cleaned.get(), 2);
    // It answers for the result: an error of its own, or none.
    let own = with_cleanup(async { Ok::<_, Error>(7) }, async |ended| {
        assert!(ended.is_value() && !ended.is_cancelled());
        Err::<u8, _>(Error::Limit(3))
    });
    assert!(matches!(own.await, Err(Error::Limit(3))));
    let replaced = with_cleanup(async { Err::<u8, _>(Error::Closed) }, async |ended| {
        ended.into_result().unwrap_or(9)
    });
    assert_eq!(replaced.await, 9);
}

#[bibelot::test(uring, poll, sim)]
async fn a_clean_up_after_a_cancel_is_behind_a_shield() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = cleaned.clone();
    let task = spawn(async move {
        let ended = with_cleanup(sleep(HOUR), async |ended| {
            assert!(ended.is_cancelled());
            sleep(10 * MS).await.unwrap();
            flag.set(true);
            ended.into_result()
        })
        .await;
        let cut = ended.unwrap_err();
        // The interrupt that came during the clean-up is due now.
        let noted = sleep(HOUR).await.unwrap_err();
        assert!(matches!(noted.cause(), Cause::Interrupt));
        cut
    });
    yield_now().await.unwrap();
    task.cancel_nowait();
    sleep(MS).await.unwrap();
    task.interrupt();
    let cut = task.await.unwrap();
    assert!(matches!(cut.cause(), Cause::Task));
    assert!(cleaned.get());
}

#[bibelot::test(uring, poll, sim)]
async fn a_limit_around_finds_its_own_expiry_and_one_inside_bounds_the_clean_up() {
    let body = with_cleanup(
        async {
            sleep(HOUR).await?;
            bibelot::Ok(())
        },
        async |ended| {
            let bounded = timeout_after(MS, sleep(HOUR)).await;
            assert!(bounded.unwrap_err().timed_out());
            ended.into_result()
        },
    );
    let cut = timeout_after(MS, body).await;
    assert!(cut.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn a_body_that_cannot_hear_is_dropped_and_cleaned_up_after() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = cleaned.clone();
    let task = spawn(async move {
        with_cleanup(pending::<Result<(), Error>>(), async |ended| {
            assert!(ended.is_cancelled());
            sleep(MS).await.unwrap();
            flag.set(true);
            ended.into_result()
        })
        .await
    });
    yield_now().await.unwrap();
    task.cancel_nowait();
    let Err(Error::Cancelled(cut)) = task.await.unwrap() else {
        panic!("it was cut");
    };
    assert!(matches!(cut.cause(), Cause::Task));
    assert!(cleaned.get());
}

#[bibelot::test(uring, poll, sim)]
async fn a_clean_up_after_a_panic_awaits_and_gives_it_on() {
    let cleaned = Rc::new(Cell::new(false));
    let flag = cleaned.clone();
    struct Held(Rc<Cell<bool>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let held = Held(dropped.clone());
    let task = spawn(async move {
        let body = async move {
            let _held = held;
            yield_now().await?;
            panic!("on purpose");
        };
        with_cleanup(body, async |ended: Ended<(), Cancelled>| {
            assert!(dropped.get(), "what the body had is gone");
            assert!(
                matches!(&ended, Ended::Panicked(panic) if panic.message() == Some("on purpose"))
            );
            sleep(MS).await.unwrap();
            flag.set(true);
            ended.into_result()
        })
        .await
    });
    let ended = task.await;
    assert!(matches!(ended, Err(bibelot::TaskError::Panicked(_))));
    assert!(cleaned.get());
}

#[bibelot::test(uring, poll, sim)]
async fn a_level_scope_that_is_stopped_does_not_cut_the_clean_up() {
    let scope = CancelScope::new();
    let stop = scope.clone();
    let ran = scope.run(with_cleanup(
        async {
            stop.cancel();
            sleep(HOUR).await?;
            bibelot::Ok(())
        },
        async |ended| {
            sleep(MS).await.unwrap();
            ended.into_result()
        },
    ));
    assert!(ran.await.unwrap().is_none());
}

#[bibelot::test(uring, poll, sim)]
async fn a_drop_while_the_body_runs_drops_it_without_the_clean_up() {
    let cleaned = Cell::new(false);
    let body = with_cleanup(shield(sleep(HOUR)), async |ended| {
        cleaned.set(true);
        ended.into_result()
    });
    assert!(timeout_drop(MS, body).await.is_err());
    assert!(!cleaned.get());
}
