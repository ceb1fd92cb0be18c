//! The worked examples of the specification, by their numbers there.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bibelot::{Event, Queue, Wait, gather, join, select, task_group};
use bibelot_kernel::{
    AsCancelled, CancelScope, Cancellation, Cancelled, Cause, Drained, Leave, Op, Park, Task, Trap,
    cancellable, current, ignore_after, shield, sleep, spawn, timeout_after, yield_now,
};

use super::world::{Timely, now};

type Cut<T = ()> = Result<T, Cancelled>;

fn run<F: Future>(main: F) -> F::Output {
    Timely::default().block_on(main)
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

async fn sl(n: u64) -> Cut {
    sleep(ms(n)).await.map(drop)
}

async fn lim<T>(n: u64, body: impl Future<Output = Cut<T>>) -> Cut<T> {
    timeout_after(ms(n), body).await
}

/// Cancels `task` after `n`, and gives what it returned.
async fn cancelled_at<T: 'static>(n: u64, task: Task<T>) -> T {
    sl(n).await.unwrap();
    task.cancel_nowait();
    task.await.unwrap()
}

fn is_task(cut: &impl AsCancelled<bibelot_kernel::ViaError>) -> bool {
    cut.as_cancelled()
        .is_some_and(|c| c.is_live() && matches!(c.cause(), Cause::Task))
}

fn is_deadline(cut: &Cancellation) -> bool {
    matches!(cut.cause(), Cause::Deadline(_))
}

#[test]
fn no_01_a_cancel_cuts_one_sleep_and_leaves_the_next() {
    run(async {
        let task = spawn(async { (sl(100).await, now(), sl(5).await, now()) });
        let (first, at, second, end) = cancelled_at(10, task).await;
        assert!(is_task(&first.unwrap_err()) && second.is_ok());
        assert_eq!((at, end), (10, 15));
    });
}

#[test]
fn no_02_a_task_cancelled_before_its_first_poll_starts() {
    run(async {
        let started = Rc::new(Cell::new(false));
        let flag = started.clone();
        let task = spawn(async move {
            flag.set(true);
            sl(1).await
        });
        task.cancel_nowait();
        assert!(is_task(&task.await.unwrap().unwrap_err()) && started.get());
    });
}

#[test]
fn no_03_an_event_set_in_the_turn_of_the_cancel_wins() {
    for set_first in [true, false] {
        run(async {
            let event = Event::new();
            let waits = event.clone();
            let task = spawn(async move { (waits.wait().await, sl(9).await) });
            sl(10).await.unwrap();
            if set_first {
                event.set();
            }
            task.cancel_nowait();
            event.set();
            let (waited, slept) = task.await.unwrap();
            assert!(waited.is_ok() && is_task(&slept.unwrap_err()));
        });
    }
}

#[test]
fn no_04_a_second_cancel_does_not_disturb_the_clean_up() {
    run(async {
        let task = spawn(async {
            assert!(sl(100).await.is_err());
            (sl(50).await, now())
        });
        sl(10).await.unwrap();
        assert!(task.cancel_nowait());
        sl(10).await.unwrap();
        assert!(!task.cancel_nowait());
        let (clean, end) = task.await.unwrap();
        assert!(clean.is_ok());
        assert_eq!(end, 60);
    });
}

#[test]
fn no_05_a_swallowed_cancel_leaves_the_value() {
    run(async {
        let task = spawn(async {
            sl(100).await.ok();
            42
        });
        sl(10).await.unwrap();
        task.cancel().await.unwrap();
        assert!(task.was_cancelled());
        assert_eq!(task.await.unwrap(), 42);
    });
}

#[test]
fn no_06_swallowed_is_swallowed() {
    run(async {
        let task = spawn(async {
            let inner = lim(9, async {
                assert!(is_task(&sl(99).await.unwrap_err()));
                Ok(())
            });
            (inner.await, sl(200).await, now())
        });
        let (inner, slept, end) = cancelled_at(1, task).await;
        assert!(inner.is_ok() && slept.is_ok());
        assert_eq!(end, 201);
    });
}

#[test]
fn no_07_what_is_ready_is_no_cancel_point() {
    run(async {
        let task = spawn(async {
            let (queue, event) = (Queue::unbounded(), Event::new());
            queue.try_put(1).unwrap();
            event.set();
            current().cancel_nowait();
            (
                queue.get().await.is_ok(),
                event.wait().await.is_ok(),
                sl(1).await,
            )
        });
        let (got, waited, slept) = task.await.unwrap();
        assert!(got && waited && is_task(&slept.unwrap_err()));
    });
}

#[test]
fn no_08_a_yield_is_a_cancel_point() {
    run(async {
        let task = spawn(async {
            current().cancel_nowait();
            yield_now().await
        });
        assert!(is_task(&task.await.unwrap().unwrap_err()));
    });
}

#[test]
fn no_09_limits_opened_in_clean_up_work() {
    run(async {
        let task = spawn(lim(100, async {
            assert!(is_task(&sl(500).await.unwrap_err()));
            assert_eq!(now(), 50);
            sl(300).await?;
            assert_eq!(now(), 350);
            let fresh = lim(10, sl(50)).await.unwrap_err();
            assert!(fresh.timed_out());
            assert_eq!(now(), 360);
            Ok(())
        }));
        assert!(cancelled_at(50, task).await.is_ok());
    });
}

#[test]
fn no_10_limits_behind_a_shield_go_on() {
    run(async {
        let task = spawn(async {
            let inner = shield(lim(100, sl(900))).await.unwrap_err();
            (inner.timed_out(), now(), sl(1).await)
        });
        let (timed_out, at, slept) = cancelled_at(50, task).await;
        assert!(timed_out && is_task(&slept.unwrap_err()));
        assert_eq!(at, 100);
    });
}

#[test]
fn no_11_clean_up_may_sleep_under_the_limit_that_cut() {
    run(async {
        let body = async {
            let cut = sl(99).await.unwrap_err();
            assert_eq!(now(), 10);
            sl(5).await?;
            Err::<(), _>(cut)
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 15);
    });
}

#[test]
fn no_12_an_inner_timeout_that_is_caught_leaves_the_outer_alone() {
    run(async {
        let body = async {
            assert!(lim(10, sl(50)).await.unwrap_err().timed_out());
            sl(20).await
        };
        assert!(lim(100, body).await.is_ok());
        assert_eq!(now(), 30);
    });
}

#[test]
fn no_13_the_outermost_that_passed_claims_and_the_inner_pass_it_on() {
    run(async {
        let seen = RefCell::new(Vec::new());
        let note = |cut: Cut| {
            let cut = cut.unwrap_err();
            seen.borrow_mut().push((cut.is_live(), is_deadline(&cut)));
            Err::<(), _>(cut)
        };
        let inner = async { note(lim(150, sl(900)).await) };
        let middle = async { note(lim(100, inner).await) };
        assert!(lim(10, middle).await.unwrap_err().timed_out());
        assert_eq!((now(), seen.take()), (10, vec![(true, true), (true, true)]));
    });
}

#[test]
fn no_14_equal_deadlines_blame_the_outer() {
    run(async {
        let body = async {
            let inner = lim(10, sl(50)).await.unwrap_err();
            assert!(inner.is_live());
            Err::<(), _>(inner)
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
    });
}

#[test]
fn no_15_a_swallowed_expiry_comes_again_one_level_out() {
    run(async {
        let body = async {
            assert!(lim(100, sl(500)).await.is_err());
            assert!(sl(500).await.is_err());
            assert_eq!(now(), 10);
            sl(5).await
        };
        assert!(lim(10, body).await.is_ok());
        assert_eq!(now(), 15);
    });
}

#[test]
fn no_16_the_outer_limit_may_cut_the_clean_up_of_the_inner_once() {
    run(async {
        let body = async {
            lim(10, async {
                assert!(sl(99).await.is_err());
                assert_eq!(now(), 10);
                assert!(sl(99).await.is_err());
                assert_eq!(now(), 20);
                sl(3).await
            })
            .await?;
            assert_eq!(now(), 23);
            sl(99).await
        };
        assert!(lim(20, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 23);
    });
}

#[test]
fn no_17_an_inner_limit_that_was_passed_through_is_silent() {
    run(async {
        let body = lim(20, async {
            assert!(sl(99).await.is_err());
            sl(100).await
        });
        assert!(lim(10, body).await.is_ok());
        assert_eq!(now(), 110);
    });
}

#[test]
fn no_18_an_uncaught_inner_timeout_is_neither_timed_out_nor_a_cancel() {
    run(async {
        let cut = lim(100, async { lim(10, sl(50)).await }).await.unwrap_err();
        assert!(cut.is_uncaught() && !cut.timed_out() && !cut.is_live());
    });
}

#[test]
fn no_19_ignoring_swallows_ones_own_expiry_alone() {
    run(async {
        let cut = ignore_after(ms(50), async { lim(10, sl(99)).await }).await;
        assert!(cut.unwrap_err().is_uncaught());
        let body = async { sl(99).await };
        assert!(ignore_after(ms(50), body).await.unwrap().is_none());
        assert_eq!(now(), 60);
    });
}

#[test]
fn no_20_a_limit_of_none_lets_the_outer_through() {
    run(async {
        let body = async {
            let inner = timeout_after(None::<Duration>, sl(50)).await.unwrap_err();
            assert!(inner.is_live());
            Err::<(), _>(inner)
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 10);
    });
}

#[test]
fn no_21_a_limit_of_nothing_cuts_what_waits_and_not_what_is_ready() {
    run(async {
        assert!(
            lim(0, async { yield_now().await })
                .await
                .unwrap_err()
                .timed_out()
        );
        assert!(lim(0, sl(0)).await.unwrap_err().timed_out());
        let event = Event::new();
        event.set();
        assert!(lim(0, async { event.wait().await }).await.is_ok());
    });
}

#[test]
fn no_22_what_ends_late_without_waiting_ends_well() {
    let world = Timely::default();
    let burner = world.clone();
    world.block_on(async move {
        let body = async {
            burner.burn(50);
            Ok(())
        };
        assert!(lim(10, body).await.is_ok());
        yield_now().await.unwrap();
        assert_eq!(now(), 50);
    });
}

#[test]
fn no_23_a_sleep_that_ends_with_the_limit_wins() {
    run(async {
        let body = async {
            assert!(sl(10).await.is_ok());
            sl(10).await
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 10);
    });
}

#[test]
fn no_24_behind_a_shield_an_expiry_waits_and_goes_with_its_limit() {
    run(async {
        let body = async {
            shield(sl(50)).await?;
            sl(1).await
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 50);
        assert!(lim(10, shield(sl(50))).await.is_ok());
        assert_eq!(now(), 100);
    });
}

#[test]
fn no_25_another_error_in_its_place_comes_out() {
    run(async {
        let body = async {
            let cut = sl(99).await;
            cut.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
        };
        let error = timeout_after(ms(10), body).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.timed_out()),
            (io::ErrorKind::BrokenPipe, false)
        );
    });
}

#[test]
fn no_26_arms_time_out_by_themselves() {
    run(async {
        let timed = async |n| (lim(n, sl(99)).await.unwrap_err().timed_out(), now());
        assert_eq!(join((timed(10), timed(50))).await, ((true, 10), (true, 50)));
    });
}

#[test]
fn no_27_a_foreign_join_shares_the_cancel_and_the_facades_gives_it_to_each_arm() {
    for facade in [false, true] {
        run(async {
            let event = Event::new();
            let waits = event.clone();
            let task = spawn(async move {
                let second = async { (waits.wait().await.is_ok(), sl(300).await.is_ok()) };
                if facade {
                    join((sl(100), second)).await
                } else {
                    both(sl(100), second).await
                }
            });
            sl(10).await.unwrap();
            event.set();
            task.cancel_nowait();
            let (first, (waited, slept)) = task.await.unwrap();
            assert!(is_task(&first.unwrap_err()) && waited);
            assert_eq!((slept, now()), (!facade, if facade { 10 } else { 310 }));
        });
    }
}

#[test]
fn no_28_a_loser_that_was_kept_was_parked_and_hears_later() {
    run(async {
        let task = spawn(async {
            let mut kept = sleep(ms(500));
            let first = select! {
                first = sleep(ms(100)) => first,
                kept = &mut kept => kept,
            };
            (first, kept.await)
        });
        let (first, kept) = cancelled_at(1, task).await;
        assert!(is_task(&first.unwrap_err()) && is_task(&kept.unwrap_err()));
        assert_eq!(now(), 1);
    });
}

#[test]
fn no_29_every_sleep_of_seventy_hears() {
    run(async {
        let task = spawn(gather((0..70).map(|_| sl(500))));
        let all = cancelled_at(1, task).await;
        assert!(all.len() == 70 && all.iter().all(|cut| is_task(cut.as_ref().unwrap_err())));
        assert_eq!(now(), 1);
    });
}

#[test]
fn no_30_a_trap_that_moved_hears_its_new_task() {
    run(async {
        let (event, moves) = (Event::new(), Queue::unbounded());
        let (waits, mover) = (event.clone(), moves.clone());
        let a = spawn(async move {
            let mut wait: Pin<Box<dyn Future<Output = Cut>>> =
                Box::pin(async move { waits.wait().await });
            poll_fn(|cx| {
                assert!(wait.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            mover.try_put(wait).ok().unwrap();
            sl(1).await
        });
        let b = spawn(async move {
            let wait = moves.get().await.ok().unwrap();
            wait.await
        });
        yield_now().await.unwrap();
        a.cancel_nowait();
        yield_now().await.unwrap();
        event.set();
        assert!(b.await.unwrap().is_ok());
        assert!(is_task(&a.await.unwrap().unwrap_err()));
    });
}

#[test]
fn no_31_a_send_that_was_sent_wins_and_the_cancel_stays() {
    run(async {
        let wire = Wire::default();
        let sends = wire.clone();
        let task = spawn(async move { (sends.send().await, sl(1).await) });
        sl(1).await.unwrap();
        task.cancel_nowait();
        sl(10).await.unwrap();
        assert!(!task.is_finished());
        wire.end(Drained::Done(512));
        let (sent, slept) = task.await.unwrap();
        assert_eq!(sent.unwrap(), 512);
        assert!(is_task(&slept.unwrap_err()));
    });
}

#[test]
fn no_32_the_strongest_request_at_the_end_of_a_drain_is_told() {
    run(async {
        let wire = Wire::default();
        let sends = wire.clone();
        let task = spawn(async move { lim(10, sends.send()).await });
        sl(20).await.unwrap();
        assert!(!task.is_finished());
        task.cancel_nowait();
        sl(5).await.unwrap();
        wire.end(Drained::NoEffect);
        assert!(is_task(&task.await.unwrap().unwrap_err()));
    });
}

#[test]
fn no_33_a_deaf_body_is_dropped_and_one_with_an_arm_that_hears_is_driven() {
    run(async {
        let deaf = lim(10, async {
            pending::<()>().await;
            Ok(())
        });
        assert!(deaf.await.unwrap_err().timed_out());
        assert_eq!(now(), 10);

        let heard = Rc::new(Cell::new(0));
        let body = async {
            let arm = async {
                assert!(sl(99).await.is_err());
                heard.set(now());
                assert!(sl(20).await.is_ok());
            };
            join((pending::<()>(), arm)).await;
            Ok(())
        };
        assert!(lim(10, body).await.unwrap_err().timed_out());
        assert_eq!((heard.get(), now()), (20, 40));
    });
}

#[test]
fn no_33_holds_for_many_arms_that_are_polled_when_they_are_woken() {
    run(async {
        for deaf in [1, 40] {
            let start = now();
            let arms = (0..60).map(|n| async move {
                if n < deaf {
                    pending::<()>().await;
                }
                assert!(sl(99).await.is_err());
                assert!(sl(20).await.is_ok());
            });
            let body = async {
                gather(arms).await;
                Ok(())
            };
            assert!(lim(10, body).await.unwrap_err().timed_out());
            assert_eq!(now() - start, 30);
        }
    });
}

#[test]
fn no_34_what_is_deaf_behind_a_shield_is_left_alone() {
    run(async {
        for many in [1, 60] {
            let deaf = async || {
                // No trap, so nothing of ours is parked.
                let event = bibelot_sync::local::Event::new();
                let sets = event.clone();
                let setter = spawn(async move {
                    sl(50).await.unwrap();
                    sets.set();
                });
                event.wait().await;
                setter.await.unwrap();
                7
            };
            let arms: Vec<_> = (0..many).map(|_| shield(deaf())).collect();
            let task = spawn(gather(arms));
            assert_eq!(cancelled_at(1, task).await, vec![7; many]);
        }
    });
}

#[test]
fn no_34_what_waits_behind_a_shield_is_left_alone() {
    run(async {
        let task = spawn(cancellable(shield(sl(50))));
        assert!(cancelled_at(1, task).await.unwrap().is_ok());
        assert_eq!(now(), 50);
    });
}

#[test]
fn no_35_a_cancel_comes_before_an_interrupt() {
    run(async {
        let task = spawn(async { (sl(99).await, sl(99).await, sl(5).await) });
        sl(10).await.unwrap();
        task.interrupt();
        task.cancel_nowait();
        let (first, second, third) = task.await.unwrap();
        assert!(is_task(&first.unwrap_err()) && third.is_ok());
        assert!(matches!(second.unwrap_err().cause(), Cause::Interrupt));
    });
}

#[test]
fn no_36_a_level_scope_says_it_again_and_again() {
    run(async {
        let scope = CancelScope::new();
        let stop = scope.clone();
        let task = spawn(async move {
            let mut seen = Vec::new();
            let body = async {
                for _ in 0..3 {
                    seen.push(sl(99).await.is_ok());
                }
                seen.push(shield(sl(5)).await.is_ok());
                let last = sl(1).await;
                seen.push(last.is_ok());
                last
            };
            let ended = scope.run(body).await;
            (ended.unwrap(), seen)
        });
        sl(10).await.unwrap();
        stop.cancel();
        let (ended, seen) = task.await.unwrap();
        assert_eq!(
            (ended, seen),
            (None, vec![false, false, false, true, false])
        );
        assert_eq!(now(), 15);
    });
}

#[test]
fn no_37_members_are_cut_as_cancelled_and_the_owner_times_out() {
    run(async {
        let member = async {
            assert!(is_task(&sl(99).await.unwrap_err()));
            sl(5).await
        };
        let body = task_group(Wait::All, async |g| {
            g.spawn(member).unwrap();
            Ok::<_, Cancelled>(())
        });
        let cut = lim(10, async { body.await.map(drop) }).await.unwrap_err();
        assert!(cut.timed_out());
        assert_eq!(now(), 15);
    });
}

#[test]
fn no_38_all_members_are_asked_before_any_is_awaited() {
    run(async {
        let _ended = task_group(Wait::None, async |g| {
            for _ in 0..10 {
                g.spawn(async {
                    assert!(sl(9999).await.is_err());
                    sl(100).await
                })
                .unwrap();
            }
            yield_now().await
        })
        .await
        .unwrap();
        assert_eq!(now(), 100);
    });
}

#[test]
fn no_39_a_group_ends_in_its_own_time_and_the_outer_limit_cuts_what_follows() {
    run(async {
        let body = async {
            let group = task_group(Wait::All, async |g| {
                g.spawn(async {
                    assert!(sl(9999).await.is_err());
                    shield(sl(100)).await
                })
                .unwrap();
                Ok::<_, Cancelled>(())
            });
            let inner = lim(10, async { group.await.map(drop) }).await.unwrap_err();
            assert!(inner.timed_out());
            assert_eq!(now(), 110);
            sl(9).await
        };
        assert!(lim(20, body).await.unwrap_err().timed_out());
        assert_eq!(now(), 110);
    });
}

#[test]
fn no_40_a_put_that_times_out_gives_its_item_back() {
    run(async {
        let queue = Queue::bounded(1);
        queue.put("first").await.unwrap();
        let cut = timeout_after(ms(10), queue.put("second"))
            .await
            .unwrap_err();
        assert!(cut.timed_out());
        assert_eq!(cut.item, Some("second"));
    });
}

/// Polls both with the task's waker, as other crates do it.
async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut from_a, mut from_b) = (None, None);
    poll_fn(|cx| {
        if from_a.is_none() {
            from_a = ready(a.as_mut().poll(cx));
        }
        if from_b.is_none() {
            from_b = ready(b.as_mut().poll(cx));
        }
        if from_a.is_some() && from_b.is_some() {
            return Poll::Ready((from_a.take().unwrap(), from_b.take().unwrap()));
        }
        Poll::Pending
    })
    .await
}

fn ready<T>(polled: Poll<T>) -> Option<T> {
    match polled {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A socket on which a send ends when the test says how.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Sending>>);

#[derive(Default)]
struct Sending {
    end: Option<Drained<usize>>,
    waker: Option<Waker>,
}

impl Wire {
    fn send(&self) -> Trap<SendOp> {
        Trap::new(SendOp(self.clone()))
    }

    fn end(&self, end: Drained<usize>) {
        let mut sending = self.0.borrow_mut();
        sending.end = Some(end);
        sending.waker.take().unwrap().wake();
    }
}

struct SendOp(Wire);

impl Op for SendOp {
    type Out = usize;

    fn take(&mut self) -> Option<usize> {
        None
    }

    fn park(&mut self, waker: &Waker) -> Park<usize> {
        self.0.0.borrow_mut().waker = Some(waker.clone());
        Park::Waits
    }

    fn leave(&mut self) -> Leave<usize> {
        Leave::Draining
    }

    fn drained(&mut self) -> Drained<usize> {
        self.0.0.borrow_mut().end.take().unwrap_or(Drained::Running)
    }
}
