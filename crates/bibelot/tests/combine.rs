//! Combinators: values, order, and how a request reaches the arms.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AllCompleted, AsCancelled, Cancelled, Error, FirstCompleted, Queue, clock, gather, join, race,
    select, sleep, spawn, timeout_after, try_join, wait, yield_now,
};
use bibelot_sim::Sim;

const HOUR: Duration = Duration::from_secs(3600);

fn run<F: Future<Output = bibelot::Result<()>>>(main: F) {
    Sim::calm().block_on(main).unwrap();
}

fn now() -> u64 {
    clock().as_nanos() / 1_000_000
}

async fn after<T>(n: u64, value: T) -> Result<T, Cancelled> {
    sleep(Duration::from_millis(n)).await?;
    Ok(value)
}

#[test]
fn join_gives_all_values_of_up_to_twelve_types() {
    run(async {
        let words = String::from("borrowed");
        let (a, b, c) = join!(after(3, 1), async { words.len() }, after(1, "c"));
        assert_eq!((a?, b, c?, now()), (1, 8, "c", 3));
        let many = join((
            async { 1 },
            async { 2 },
            async { 3 },
            async { 4 },
            async { 5 },
            async { 6 },
            async { 7 },
            async { 8 },
            async { 9 },
            async { 10 },
            async { 11 },
            async { 12 },
        ));
        let (a, .., l) = many.await;
        assert_eq!((a, l), (1, 12));
        Ok(())
    });
}

#[test]
fn a_request_reaches_every_arm_once_and_the_code_after_them_not() {
    run(async {
        let task = spawn(async {
            let arm = async || {
                let first = after(100, ()).await.is_err();
                (first, after(5, ()).await.is_ok())
            };
            let ((a, b), c) = join!(async { join!(arm(), arm()) }, arm());
            (a, b, c, after(1, ()).await.is_ok())
        });
        after(10, ()).await?;
        task.cancel_nowait();
        assert_eq!(
            task.await?,
            ((true, true), (true, true), (true, true), true)
        );
        assert_eq!(now(), 16);
        Ok(())
    });
}

#[test]
fn try_join_ends_with_the_first_error() {
    run(async {
        let failed = try_join!(after(100, ()), async {
            after(5, ()).await.ok();
            Err::<(), _>(Cancelled::new(bibelot::Cause::Interrupt))
        });
        assert!(failed.is_err() && now() == 5);
        let (a, b) = try_join!(after(1, 'a'), after(2, "b"))?;
        assert_eq!((a, b, now()), ('a', "b", 7));
        Ok(())
    });
}

#[test]
fn race_and_select_give_the_first_and_prefer_the_one_written_first() {
    run(async {
        assert_eq!(race((after(5, 1), after(3, 2), after(3, 3))).await?, 2);
        let queue = Queue::<u8>::unbounded();
        let won = select! {
            _ = queue.get() => "item",
            Ok(n) = after(2, 7u64) => if n == 7 { "seven" } else { "other" },
            else => "else",
        };
        assert_eq!((won, now()), ("seven", 5));
        let missed = select! {
            Ok(()) = async { Err::<(), ()>(()) } => "matched",
            _ = std::future::pending::<()>() => "never",
            else => "else",
        };
        assert_eq!(missed, "else");
        Ok(())
    });
}

#[test]
fn losers_are_dropped_before_the_winner_goes_on_unless_they_were_lent() {
    run(async {
        let mut slow = sleep(Duration::from_millis(20));
        let mut count = 0;
        let mut ticks = Vec::new();
        loop {
            select! {
                woke = &mut slow => { woke?; break },
                _ = after(6, ()) => {
                    count += 1;
                    ticks.push(now());
                },
            }
        }
        assert_eq!((count, ticks, now()), (3, vec![6, 12, 18], 20));
        Ok(())
    });
}

#[test]
fn gather_gives_values_in_order_for_few_and_many() {
    run(async {
        for count in [0, 1, 5, 16, 17, 300] {
            let start = now();
            let values = gather((0..count).map(|n| after(1 + (n * 7) % 13, n))).await;
            let values: Result<Vec<u64>, _> = values.into_iter().collect();
            assert_eq!(values?, (0..count).collect::<Vec<_>>());
            assert!(now() - start <= 13);
        }
        Ok(())
    });
}

#[test]
fn a_gather_of_many_polls_only_who_was_woken() {
    run(async {
        let polls = Rc::new(RefCell::new(0u32));
        let arm = |n: u64| {
            let polls = polls.clone();
            async move {
                let mut slept = std::pin::pin!(sleep(Duration::from_millis(n)));
                std::future::poll_fn(|cx| {
                    *polls.borrow_mut() += 1;
                    slept.as_mut().poll(cx)
                })
                .await
            }
        };
        gather((1..=100).map(arm)).await;
        assert_eq!(*polls.borrow(), 200);
        Ok(())
    });
}

#[test]
fn a_spawned_gather_is_cancelled_as_one() {
    run(async {
        for count in [3, 70] {
            let log = Rc::new(RefCell::new(Vec::new()));
            let told = log.clone();
            let start = now();
            let consumers = spawn(gather((0..count).map(move |n| {
                let told = told.clone();
                async move {
                    let cut = after(1000, ()).await;
                    told.borrow_mut().push(n);
                    cut
                }
            })));
            after(1, ()).await?;
            consumers.cancel().await?;
            assert_eq!(now() - start, 1);
            assert_eq!(*log.borrow(), (0..count).collect::<Vec<_>>());
            assert!(consumers.await?.iter().all(Result::is_err));
        }
        Ok(())
    });
}

#[test]
fn a_limit_around_a_gather_cuts_every_arm() {
    run(async {
        let slow = async { Ok::<_, Cancelled>(gather((0..40).map(|n| after(n, n))).await) };
        let values = timeout_after(Duration::from_micros(9500), slow).await?;
        let done = values.iter().filter(|value| value.is_ok()).count();
        assert_eq!((done, values.len(), now()), (10, 40, 9));
        Ok(())
    });
}

#[test]
fn wait_gives_rounds_of_done_and_pending() {
    run(async {
        let mut pending: Vec<_> = [3, 1, 2].map(|n| spawn(after(n, n))).into();
        let mut rounds = Vec::new();
        while !pending.is_empty() {
            let done;
            (done, pending) = wait(pending, FirstCompleted).await?;
            for task in done {
                rounds.push(task.await??);
            }
        }
        assert_eq!(rounds, [1, 2, 3]);
        let all = [3, 1, 2].map(|n| spawn(after(n, n)));
        let (done, pending) = wait(all, AllCompleted).await?;
        assert_eq!((done.len(), pending.len(), now()), (3, 0, 6));
        let (done, pending) = wait(Vec::<bibelot::Task<()>>::new(), FirstCompleted).await?;
        assert!(done.is_empty() && pending.is_empty());
        Ok(())
    });
}

#[test]
fn a_wait_that_is_cut_gives_its_tasks_back() {
    run(async {
        let tasks = [spawn(after(20, 1)), spawn(after(30, 2))];
        let cut = timeout_after(Duration::from_millis(5), wait(tasks, AllCompleted)).await;
        let cut = cut.unwrap_err();
        assert!(cut.timed_out());
        let mut values = Vec::new();
        for task in cut.tasks {
            values.push(task.await??);
        }
        assert_eq!((values, now()), (vec![1, 2], 30));
        yield_now().await?;
        Ok::<(), Error>(())
    });
}

#[test]
fn tasks_are_combined_as_they_are() {
    run(async {
        let values = gather([1, 2].map(|n| spawn(after(n, n)))).await;
        assert!(values.iter().all(|value| matches!(value, Ok(Ok(_)))));
        let (task, plain) = join!(spawn(after(1, 'a')), after(1, 'b'));
        assert_eq!((task??, plain?), ('a', 'b'));
        Ok(())
    });
}

#[test]
fn arms_that_begin_after_a_request_are_all_told() {
    run(async {
        let joined = spawn(async { join((sleep(HOUR), sleep(HOUR), sleep(HOUR))).await });
        joined.cancel_nowait();
        let (a, b, c) = joined.await?;
        assert!(a.is_err() && b.is_err() && c.is_err());
        for count in [3, 100] {
            let gathered = spawn(async move {
                let cuts = gather((0..count).map(|_| sleep(HOUR))).await;
                (cuts, sleep(Duration::from_millis(1)).await)
            });
            gathered.cancel_nowait();
            let (cuts, after) = gathered.await?;
            assert!(cuts.iter().all(Result::is_err));
            assert!(after.is_ok(), "it was told in its arms");
        }
        let begin = clock();
        let limited = timeout_after(Duration::ZERO, async {
            let (a, b) = join((sleep(HOUR), sleep(HOUR))).await;
            a.and(b)
        });
        assert!(limited.await.unwrap_err().timed_out());
        assert_eq!(clock(), begin);
        Ok(())
    });
}
