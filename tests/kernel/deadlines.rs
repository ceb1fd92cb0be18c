//! Limits that are moved while code runs under them. Where it matters how long things take next to each
//! other, time is virtual.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Cause, Deadline, Instant, Queue, check_cancellation, clock,
    current_deadline, join, shield, sleep, spawn, timeout_after, yield_now,
};

const LONG: Duration = Duration::from_secs(3600);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn slept(span: Duration) -> Result<(), Cancelled> {
    sleep(span).await.map(drop)
}

#[bibelot::test(sim)]
async fn a_body_gives_itself_more_time() {
    let limit = Deadline::new(ms(20));
    let began = clock();
    let done = limit.timeout(async {
        slept(ms(5)).await?;
        limit.set(LONG);
        assert!(current_deadline().unwrap() > began + ms(1000));
        slept(ms(40)).await
    });
    done.await.unwrap();
    assert!(clock() >= began + ms(45));
}

#[bibelot::test(sim)]
async fn a_limit_on_silence_starts_again_with_every_sign_of_life() {
    let silence = Deadline::new(ms(40));
    let queue = Rc::new(Queue::<u32>::unbounded());
    let source = queue.clone();
    let feeder = spawn(async move {
        for n in 0..6 {
            sleep(ms(15)).await.unwrap();
            source.put(n).await.unwrap();
        }
    });
    let got = Cell::new(0);
    let fed = silence.timeout(async {
        loop {
            queue.get().await?;
            got.set(got.get() + 1);
            silence.set(ms(40));
        }
        #[expect(unreachable_code, reason = "names the error")]
        bibelot::Ok(())
    });
    assert!(fed.await.unwrap_err().timed_out());
    assert_eq!(got.get(), 6, "90 ms of signs of life under a limit of 40");
    feeder.await.unwrap();
}

#[bibelot::test(sim)]
async fn another_task_moves_it_to_earlier_and_to_later() {
    let limit = Deadline::new(LONG);
    let (early, late) = (limit.clone(), Deadline::new(ms(10)));
    let later = late.clone();
    let watchdog = spawn(async move {
        yield_now().await.unwrap();
        later.set(None::<Duration>);
        early.set(ms(5));
    });
    let body = slept(LONG);
    let cut = limit.timeout(async { late.timeout(body).await }).await;
    let cut = cut.unwrap_err();
    assert!(cut.timed_out());
    assert!(late.get().is_none() && limit.get().is_some());
    watchdog.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn moved_to_the_past_it_expires_at_the_next_blocking_point() {
    let limit = Deadline::new(None::<Duration>);
    let done = limit.timeout(async {
        limit.set(Instant::ZERO);
        check_cancellation()?;
        Ok::<_, Cancelled>(())
    });
    assert!(done.await.unwrap_err().timed_out());

    limit.set(LONG);
    let beside = limit.timeout(async {
        let (parked, mover) = join((slept(LONG), async {
            yield_now().await.unwrap();
            limit.set(Duration::ZERO);
        }))
        .await;
        let () = mover;
        parked
    });
    assert!(beside.await.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn what_has_expired_stays_expired() {
    let limit = Deadline::new(ms(5));
    let done = limit.timeout(async {
        let cut = slept(LONG).await.unwrap_err();
        limit.set(LONG);
        slept(ms(5)).await?;
        Err::<(), _>(cut)
    });
    assert!(done.await.unwrap_err().timed_out());
    assert!(
        limit.timeout(slept(ms(5))).await.is_ok(),
        "a later scope has the deadline of now"
    );
}

#[bibelot::test(uring, poll, sim)]
async fn an_expiry_that_a_shield_hides_cannot_be_taken_back() {
    let limit = Deadline::new(ms(5));
    let done = limit.timeout(async {
        shield(async {
            sleep(ms(10)).await.unwrap();
            limit.set(LONG);
        })
        .await;
        slept(LONG).await
    });
    assert!(done.await.unwrap_err().timed_out());
}

#[bibelot::test(uring, poll, sim)]
async fn of_nested_limits_the_earliest_still_wins() {
    let inner = Deadline::new(ms(5));
    let outer = timeout_after(ms(20), async {
        inner.set(LONG);
        inner.timeout(slept(LONG)).await
    });
    let cut = outer.await.unwrap_err();
    assert!(cut.timed_out());

    let outer = Deadline::new(ms(5));
    let done = outer.timeout(async {
        outer.set(LONG);
        let inner = timeout_after(ms(10), slept(LONG)).await.unwrap_err();
        assert!(inner.timed_out() && matches!(inner.cause(), Cause::Deadline(_)));
        Ok::<_, Cancelled>(())
    });
    done.await.unwrap();
}

#[bibelot::test(sim)]
async fn a_limit_inside_one_that_goes_away_has_a_timer_of_its_own() {
    let outer = Deadline::new(ms(5));
    let away = outer.clone();
    spawn(async move { away.set(None::<Duration>) }).detach();
    let done = outer.timeout(async {
        let inner = timeout_after(ms(20), std::future::pending::<Result<(), Cancelled>>()).await;
        assert!(inner.unwrap_err().timed_out(), "the inner one is deaf");
        Ok::<_, Cancelled>(())
    });
    done.await.unwrap();
}

#[bibelot::test(uring, poll)]
async fn another_thread_moves_it() {
    let limit = Deadline::new(LONG);
    let elsewhere = limit.clone();
    let thread = std::thread::spawn(move || elsewhere.set(Duration::ZERO));
    let cut = limit.timeout(slept(LONG)).await;
    assert!(cut.unwrap_err().timed_out());
    thread.join().unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn ignored_it_swallows_its_own_expiry_only() {
    let limit = Deadline::new(ms(5));
    assert!(matches!(limit.ignore(slept(LONG)).await, Ok(None)));
    limit.set(LONG);
    assert!(matches!(limit.ignore(slept(ms(1))).await, Ok(Some(()))));
    let outer = timeout_after(ms(5), limit.ignore(slept(LONG)));
    assert!(outer.await.unwrap_err().timed_out());
}

/// How long it takes to push a deadline ahead a thousand times, from inside one of so many scopes.
async fn cost_of_a_push(scopes: usize) -> Duration {
    let limit = Deadline::new(LONG);
    let tasks: Vec<_> = (0..scopes)
        .map(|_| {
            let limit = limit.clone();
            spawn(async move { limit.timeout(slept(LONG * 2)).await })
        })
        .collect();
    yield_now().await.unwrap();
    let pushes = limit.timeout(async {
        let began = std::time::Instant::now();
        for _ in 0..1000 {
            limit.set(LONG);
        }
        Ok::<_, Cancelled>(began.elapsed())
    });
    let cost = pushes.await.unwrap();
    for task in tasks {
        task.cancel_nowait();
        assert!(task.await.unwrap().is_err());
    }
    cost
}

#[bibelot::test(uring, poll)]
async fn pushing_a_deadline_ahead_costs_the_same_however_many_scopes_it_has() {
    let mut costs = [1, 20_000].map(|_| Duration::MAX);
    for _ in 0..2 {
        for (cost, scopes) in costs.iter_mut().zip([1, 20_000]) {
            *cost = (*cost).min(cost_of_a_push(scopes).await);
        }
    }
    // A look at each of them would cost a thousand times as much.
    assert!(costs[1] < 100 * costs[0], "{costs:?}");
}

#[bibelot::test(uring, poll, sim)]
async fn a_deadline_that_comes_nearer_reaches_every_scope_whatever_its_number() {
    let limit = Deadline::new(LONG);
    // Tasks and scopes count by themselves, so some scopes here have the numbers of some tasks.
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let limit = limit.clone();
            spawn(async move { limit.timeout(slept(LONG * 2)).await })
        })
        .collect();
    sleep(ms(1)).await.unwrap();
    let mover = limit.clone();
    let inside = limit.timeout(async move {
        spawn(async move { mover.set(ms(1)) }).await.unwrap();
        slept(LONG).await
    });
    assert!(inside.await.unwrap_err().timed_out());
    for task in tasks {
        assert!(task.await.unwrap().unwrap_err().timed_out());
    }
}
