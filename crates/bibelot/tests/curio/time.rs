//! TIM and TMO: time and limits.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cancelled, Cause, Deadline, MissedTick, Observer, ScopeId, TaskId, clock,
    ignore_after, ignore_at, interval, sleep, sleep_until, spawn, timeout_after, timeout_at,
    yield_now,
};

use crate::{LONG, each_kernel_of_this_machine, exactly, ms, now};

#[bibelot::test(uring, poll)]
async fn a_sleep_of_nothing_is_one_trip_through_the_ready_queue_and_a_cancel_point() {
    let ran = Rc::new(Cell::new(0));
    let flag = ran.clone();
    spawn(async move { flag.set(1) }).detach();
    let begin = clock();
    assert!(sleep(ms(0)).await.unwrap() >= begin);
    assert_eq!(ran.get(), 1, "others had their turn");
    assert!(
        sleep_until(begin).await.unwrap() >= begin,
        "a past point, too"
    );
    let cut = spawn(sleep(ms(0)));
    cut.cancel_nowait();
    assert!(cut.await.unwrap().is_err());
}

#[bibelot::test(uring, poll, sim)]
async fn a_sleep_gives_the_time_at_which_it_woke() {
    let begin = clock();
    let woke = sleep(ms(2)).await.unwrap();
    assert!(woke - begin >= ms(2));
    assert_eq!(woke, clock(), "it is the time of this turn");
}

#[test]
fn points_in_time_make_periods_that_do_not_drift() {
    exactly(async {
        let begin = clock();
        for n in 1..=5 {
            // Work of 3 within a period of 10.
            sleep(ms(3)).await?;
            sleep_until(begin + ms(10 * n)).await?;
            assert_eq!(now(), 10 * n);
        }
        let cut = timeout_at(begin + ms(60), sleep(LONG)).await.unwrap_err();
        assert!(cut.timed_out() && now() == 60);
        assert_eq!(ignore_at(begin + ms(70), sleep(LONG)).await?, None);
        assert_eq!(now(), 70);
        Ok(())
    });
}

#[test]
fn ticks_come_at_their_pace_and_missed_ones_as_was_chosen() {
    exactly(async {
        for (missed, expected) in [
            (MissedTick::Burst, [10, 45, 45, 45, 50, 60]),
            (MissedTick::Delay, [10, 45, 55, 65, 75, 85]),
            (MissedTick::Skip, [10, 45, 50, 60, 70, 80]),
        ] {
            let begin = now();
            let mut ticks = interval(ms(10)).missed(missed);
            let mut came = Vec::new();
            let first = ticks.next_tick() - clock();
            if first == ms(0) {
                ticks.tick().await?;
            }
            for n in 0..6 {
                ticks.tick().await?;
                came.push(now() - begin);
                if n == 0 {
                    sleep(ms(35)).await?;
                }
            }
            assert_eq!(came, expected, "{missed:?}");
        }
        Ok(())
    });
}

#[test]
fn spawned_tasks_do_not_inherit_a_limit() {
    exactly(async {
        let child = RefCell::new(None);
        let cut = timeout_after(ms(10), async {
            *child.borrow_mut() = Some(spawn(async { sleep(ms(50)).await.is_ok() }));
            sleep(LONG).await
        });
        assert!(cut.await.unwrap_err().timed_out());
        assert!(child.take().unwrap().await?);
        assert_eq!(now(), 50);
        Ok(())
    });
}

#[test]
fn an_expiry_that_nobody_could_hear_in_time_is_forgotten() {
    exactly(async {
        // The limit passes in the turn in which the body's last sleep ends.
        timeout_after(ms(10), sleep(ms(10))).await?;
        sleep(ms(1)).await?;
        yield_now().await?;
        assert_eq!(now(), 11);
        Ok(())
    });
}

#[test]
fn a_longer_limit_inside_extends_nothing_and_a_shorter_one_ends_alone() {
    exactly(async {
        let cut = timeout_after(ms(10), timeout_after(ms(500), sleep(LONG))).await;
        assert!(cut.unwrap_err().timed_out() && now() == 10);
        let outer = timeout_after(ms(100), async {
            let inner = timeout_after(ms(10), sleep(LONG)).await.unwrap_err();
            assert!(inner.timed_out() && now() == 20);
            sleep(ms(20)).await?;
            // The outer one may still come later.
            let outer = sleep(LONG).await.unwrap_err();
            assert!(outer.is_live() && matches!(outer.cause(), Cause::Deadline(_)));
            assert_eq!(now(), 110);
            Err::<(), _>(outer)
        });
        assert!(outer.await.unwrap_err().timed_out());
        Ok(())
    });
}

#[test]
fn three_limits_one_in_the_other_say_whose_time_was_up() {
    exactly(async {
        let said = RefCell::new(Vec::new());
        let say = |cut: &Cancelled| said.borrow_mut().push(cut.timed_out());
        let outer = timeout_after(ms(10), async {
            timeout_after(ms(20), async {
                timeout_after(ms(30), sleep(LONG)).await.inspect_err(say)
            })
            .await
            .inspect_err(say)
        });
        let outer = outer.await.inspect_err(say).unwrap_err();
        assert_eq!((now(), said.take()), (10, vec![false, false, true]));
        assert!(outer.timed_out());
        Ok(())
    });
}

#[test]
fn to_ignore_a_limit_gives_the_value_or_nothing_and_swallows_no_other() {
    exactly(async {
        assert_eq!(
            ignore_after(ms(10), async { bibelot::Ok(7) }).await?,
            Some(7)
        );
        let none = ignore_after(ms(10), async { sleep(LONG).await.map(|_| 7) }).await?;
        assert_eq!(none.unwrap_or(42), 42, "a value in its place");
        let inner = timeout_after(ms(5), ignore_after(ms(50), sleep(LONG))).await;
        assert!(inner.unwrap_err().timed_out());
        let uncaught = ignore_after(ms(50), timeout_after(ms(5), sleep(LONG))).await;
        assert!(uncaught.unwrap_err().is_uncaught());
        assert_eq!(
            ignore_after(None::<Duration>, async { bibelot::Ok(1) }).await?,
            Some(1)
        );
        Ok(())
    });
}

#[test]
fn an_observer_hears_by_how_much_a_body_overran_its_limit() {
    struct Late(Rc<RefCell<Vec<(TaskId, Duration)>>>);
    impl Observer for Late {
        fn overran(&self, task: TaskId, _limit: ScopeId, by: Duration) {
            self.0.borrow_mut().push((task, by));
        }
    }
    each_kernel_of_this_machine(|builder| {
        let log: Rc<RefCell<Vec<_>>> = Rc::default();
        let mut kernel = builder.observer(Late(log.clone())).build().unwrap();
        let (id, other) = kernel.block_on(async {
            // It never waits, so nobody could tell it.
            let computes = spawn(timeout_after(ms(1), async {
                std::thread::sleep(ms(6));
                bibelot::Ok(7)
            }));
            let id = computes.id();
            assert_eq!(computes.await.unwrap().unwrap(), 7);
            // It is told, and says something else.
            let other = timeout_after(ms(1), async {
                let _ = sleep(LONG).await;
                Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe))
            });
            let other = other.await.unwrap_err().kind();
            let moved = Deadline::new(ms(1));
            let late = moved.timeout(async {
                std::thread::sleep(ms(3));
                bibelot::Ok(())
            });
            late.await.unwrap();
            // An expiry is none, nor is what ends in time, nor what a cancel has cut.
            assert!(timeout_after(ms(1), sleep(LONG)).await.is_err());
            timeout_after(LONG, yield_now()).await.unwrap();
            let cut = spawn(timeout_after(LONG, sleep(LONG)));
            yield_now().await.unwrap();
            cut.cancel().await.unwrap();
            (id, other)
        });
        assert_eq!(other, io::ErrorKind::BrokenPipe);
        let log = log.borrow();
        assert_eq!(log.len(), 3, "{log:?}");
        assert!(log[0].0 == id && log[0].1 >= ms(4));
    });
}
