//! Events and queues: first come first served, and nothing lost by a request or a drop.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AcquireError, AsCancelled, Cancelled, Condition, Error, Event, GetError, LifoQueue, Lock,
    PutError, Queue, RwLock, Semaphore, WaitReason, clock, sleep, spawn, timeout_after, yield_now,
};
use bibelot_sim::Sim;

fn run<F: Future<Output = bibelot::Result<()>>>(main: F) {
    Sim::calm().block_on(main).unwrap();
}

fn now() -> u64 {
    clock().as_nanos() / 1_000_000
}

const SHORT: Duration = Duration::from_millis(10);

#[test]
fn setting_an_event_releases_all_even_if_it_is_cleared_at_once() {
    run(async {
        let event = Event::new();
        let wait = |event: Event| spawn(async move { event.wait().await });
        let waiters = [wait(event.clone()), wait(event.clone())];
        yield_now().await?;
        event.set();
        event.clear();
        for waiter in waiters {
            waiter.await??;
        }
        assert!(
            timeout_after(SHORT, event.wait())
                .await
                .unwrap_err()
                .timed_out()
        );
        Ok(())
    });
}

#[test]
fn a_set_event_is_no_cancel_point() {
    run(async {
        let event = Event::new();
        event.set();
        let task = spawn(async move {
            event.wait().await?;
            event.wait().await?;
            sleep(SHORT).await
        });
        task.cancel_nowait();
        assert!(task.await?.unwrap_err().is_live());
        Ok(())
    });
}

#[test]
fn a_put_that_is_cut_gives_its_item_back() {
    run(async {
        let queue = Queue::bounded(1);
        queue.put("first").await?;
        let cut = timeout_after(SHORT, queue.put("second")).await.unwrap_err();
        assert!(cut.timed_out() && !cut.is_closed());
        assert_eq!((cut.item, queue.len()), (Some("second"), 1));
        Ok(())
    });
}

#[test]
fn a_put_that_is_cut_before_it_parks_leaves_no_trace() {
    run(async {
        let queue = Queue::bounded(1);
        queue.put(0).await?;
        let putter = {
            let queue = queue.clone();
            spawn(async move {
                let mut put = Box::pin(queue.put(1));
                let cut = put.as_mut().await.unwrap_err();
                // The future that has failed is still here, and stands in nobody's way.
                assert_eq!((queue.get().await.unwrap(), cut.item), (0, Some(1)));
                queue.try_put(2).unwrap();
                drop(put);
            })
        };
        putter.cancel_nowait();
        putter.await?;
        Ok(())
    });
}

#[test]
fn a_get_that_is_cut_before_it_parks_takes_nothing() {
    run(async {
        let queue = Queue::unbounded();
        let task = {
            let queue = queue.clone();
            spawn(async move {
                let mut get = std::pin::pin!(queue.get());
                assert!(matches!(get.as_mut().await, Err(GetError::Cancelled(_))));
                queue.try_put('a').unwrap();
                assert_eq!(queue.try_get(), Ok('a'));
            })
        };
        task.cancel_nowait();
        task.await?;
        Ok(())
    });
}

#[test]
fn an_item_handed_to_a_getter_that_is_asked_to_stop_is_taken_first() {
    run(async {
        let queue = Queue::unbounded();
        let getter = {
            let queue = queue.clone();
            spawn(async move {
                let item = queue.get().await;
                (item, sleep(SHORT).await)
            })
        };
        yield_now().await?;
        queue.put(7).await?;
        getter.cancel_nowait();
        let (item, slept) = getter.await?;
        assert_eq!(item.unwrap(), 7);
        assert!(slept.is_err());
        Ok(())
    });
}

#[test]
fn an_item_handed_to_a_getter_that_is_dropped_goes_to_the_next() {
    run(async {
        let queue = Queue::unbounded();
        let get = |queue: Queue<i32>| spawn(async move { queue.get().await });
        let (first, second) = (get(queue.clone()), get(queue.clone()));
        yield_now().await?;
        queue.put(7).await?;
        first.abort();
        assert_eq!(second.await?.unwrap(), 7);
        Ok(())
    });
}

#[test]
fn producer_and_consumers_meet_over_a_queue_of_one() {
    run(async {
        let queue = Queue::bounded(1);
        let got = Rc::new(RefCell::new(Vec::new()));
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, got) = (queue.clone(), got.clone());
                spawn(async move {
                    loop {
                        match queue.get().await {
                            Ok(item) => got.borrow_mut().push(item),
                            Err(cut) => return cut,
                        }
                        queue.task_done().unwrap();
                    }
                })
            })
            .collect();
        for item in 0..20 {
            queue.put(item).await?;
        }
        queue.join().await?;
        for consumer in consumers {
            consumer.cancel().await?;
            assert!(consumer.await?.is_cancelled());
        }
        got.borrow_mut().sort_unstable();
        assert_eq!(*got.borrow(), (0..20).collect::<Vec<_>>());
        assert!(queue.task_done().is_err());
        Ok(())
    });
}

#[test]
fn closing_gives_putters_their_items_and_getters_the_rest() {
    run(async {
        let queue = Queue::bounded(1);
        queue.put('a').await?;
        let putter = {
            let queue = queue.clone();
            spawn(async move { queue.put('b').await })
        };
        yield_now().await?;
        queue.close();
        let refused: PutError<char> = putter.await?.unwrap_err();
        assert!(refused.is_closed() && refused.as_cancelled().is_none());
        assert_eq!(refused.into_item(), Some('b'));
        assert_eq!(queue.get().await.unwrap(), 'a');
        assert!(matches!(queue.get().await, Err(GetError::Closed)));
        assert!(matches!(
            Error::from(queue.put('c').await.unwrap_err()),
            Error::Closed
        ));
        Ok(())
    });
}

#[test]
fn a_lifo_queue_gives_out_the_youngest() {
    run(async {
        let queue = LifoQueue::unbounded();
        for n in 0..3 {
            queue.put(n).await?;
        }
        assert_eq!(queue.get().await.unwrap(), 2);
        Ok(())
    });
}

#[test]
fn a_monitor_sees_what_tasks_wait_for() {
    let mut kernel = bibelot::Kernel::builder()
        .backend(Sim::calm())
        .build()
        .unwrap();
    let reader = kernel.reader();
    kernel.block_on(async {
        let (queue, full, event) = (Queue::<u8>::unbounded(), Queue::bounded(1), Event::new());
        full.put(0u8).await.unwrap();
        queue.put(0).await.unwrap();
        queue.try_get().unwrap();
        let other = Queue::<u8>::unbounded();
        let tasks = [
            spawn(async move { drop(other.get().await) }),
            spawn(async move { drop(full.put(1).await) }),
            spawn(async move { drop(event.wait().await) }),
            spawn(async move { drop(queue.join().await) }),
        ];
        yield_now().await.unwrap();
        let waits: Vec<_> = tasks
            .iter()
            .map(|task| reader.get(task.id().number()).unwrap().wait())
            .collect();
        let expected = [
            WaitReason::QueueGet,
            WaitReason::QueuePut,
            WaitReason::Event,
            WaitReason::QueueJoin,
        ];
        assert_eq!(waits, expected.map(Some));
        for task in tasks {
            task.cancel_nowait();
        }
    });
}

#[test]
fn a_limit_around_a_get_says_timed_out_and_the_queue_goes_on() {
    run(async {
        let queue = Queue::unbounded();
        let cut = timeout_after(SHORT, queue.get()).await.unwrap_err();
        assert!(cut.timed_out() && now() == 10);
        queue.put(1).await?;
        assert_eq!(queue.get().await.unwrap(), 1);
        Ok::<(), Error>(())
    });
}

#[test]
fn errors_of_queues_become_the_facades() {
    fn both(cut: GetError) -> Error {
        cut.into()
    }
    assert!(matches!(both(GetError::Closed), Error::Closed));
    let cut = || Cancelled::new(bibelot::Cause::Task);
    assert!(matches!(
        both(GetError::Cancelled(cut())),
        Error::Cancelled(_)
    ));
    let put = PutError::<u8>::from(cut());
    assert!(put.is_cancelled() && put.item.is_none());
    assert!(matches!(Error::from(put), Error::Cancelled(_)));
}

#[test]
fn a_lock_is_handed_on_in_order_and_past_those_that_were_cut() {
    run(async {
        let lock = Lock::new(Vec::new());
        let guard = lock.lock().await?;
        let take = |lock: Lock<Vec<i32>>, n| {
            spawn(async move {
                lock.lock().await?.push(n);
                bibelot::Ok(())
            })
        };
        let tasks = [0, 1, 2].map(|n| take(lock.clone(), n));
        yield_now().await?;
        tasks[1].cancel_nowait();
        yield_now().await?;
        drop(guard);
        let ended = bibelot::gather(tasks).await;
        assert_eq!(
            ended.iter().filter(|end| matches!(end, Ok(Ok(())))).count(),
            2
        );
        assert_eq!(*lock.lock().await?, [0, 2]);
        Ok(())
    });
}

#[test]
fn permits_come_back_and_a_closed_semaphore_gives_none() {
    run(async {
        let seats = Semaphore::new(1);
        let held = seats.acquire().await?;
        let cut = timeout_after(SHORT, seats.acquire()).await.unwrap_err();
        assert!(cut.timed_out());
        drop(held);
        assert_eq!(seats.available_permits(), 1);
        seats.close();
        assert!(matches!(seats.acquire().await, Err(AcquireError::Closed)));
        Ok(())
    });
}

#[test]
fn readers_share_and_a_writer_waits_for_them() {
    run(async {
        let shelf = RwLock::new(1);
        let (one, two) = (shelf.read().await?, shelf.read().await?);
        assert_eq!(*one + *two, 2);
        assert!(
            timeout_after(SHORT, shelf.write())
                .await
                .unwrap_err()
                .timed_out()
        );
        drop((one, two));
        *shelf.write().await? += 1;
        assert_eq!(*shelf.read().await?, 2);
        Ok(())
    });
}

#[test]
fn a_cut_wait_for_a_condition_has_the_lock_again() {
    run(async {
        let (lock, condition) = (Lock::new(0), Condition::new());
        let task = {
            let (lock, condition) = (lock.clone(), condition.clone());
            spawn(async move {
                let guard = lock.lock().await.unwrap();
                let (mut guard, told) = condition.wait(guard).await;
                *guard += 1;
                (told.is_err(), now())
            })
        };
        yield_now().await?;
        let held = lock.lock().await?;
        task.cancel_nowait();
        sleep(SHORT).await?;
        assert!(!task.is_finished(), "it takes the lock again first");
        drop(held);
        assert_eq!(task.await?, (true, 10));
        assert_eq!(*lock.lock().await?, 1);
        Ok(())
    });
}

#[test]
fn a_wait_that_was_notified_is_not_cut() {
    run(async {
        let (lock, condition) = (Lock::new(0), Condition::new());
        let task = {
            let (lock, condition) = (lock.clone(), condition.clone());
            spawn(async move {
                let guard = lock.lock().await.unwrap();
                let (guard, told) = condition.wait(guard).await;
                drop(guard);
                (told.is_ok(), sleep(SHORT).await.is_err())
            })
        };
        yield_now().await?;
        let held = lock.lock().await?;
        condition.notify(1);
        task.cancel_nowait();
        yield_now().await?;
        drop(held);
        assert_eq!(task.await?, (true, true));
        Ok(())
    });
}

#[test]
fn a_notification_that_a_dropped_wait_had_goes_to_the_next() {
    run(async {
        let (lock, condition) = (Lock::new(()), Condition::new());
        let wait = |lock: Lock<()>, condition: Condition| {
            spawn(async move {
                let guard = lock.lock().await.unwrap();
                condition.wait(guard).await.1.is_ok()
            })
        };
        let first = wait(lock.clone(), condition.clone());
        let second = wait(lock.clone(), condition.clone());
        yield_now().await?;
        let held = lock.lock().await?;
        condition.notify(1);
        first.abort();
        drop(held);
        assert!(second.await?);
        Ok(())
    });
}
