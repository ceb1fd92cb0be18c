//! Lines to wait in, for primitives of a program's own.

use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, Result, Task, WaitLine, WaitReason, sleep, spawn, timeout_after, universal,
    yield_now,
};

const SHORT: Duration = Duration::from_millis(10);
/// Enough for all others to park, whatever the order in which they run.
const MS: Duration = Duration::from_millis(1);

/// So many tasks that stand in line in their order, and hear of a request after their call.
async fn queued<const N: usize>(line: &WaitLine) -> [Task<(bool, bool)>; N] {
    let mut tasks = Vec::new();
    for count in 1..=N {
        let line = line.clone();
        let waits = line.clone();
        tasks.push(spawn(async move {
            let called = waits.suspend("its turn").await.is_ok();
            (called, sleep(SHORT).await.is_err())
        }));
        while line.len() < count {
            yield_now().await.unwrap();
        }
    }
    tasks.try_into().unwrap()
}

#[bibelot::test(uring, poll, sim)]
async fn a_monitor_shows_the_reason_in_the_programs_words() -> Result<()> {
    let line = WaitLine::new();
    let waits = line.clone();
    let task = spawn(async move { waits.suspend("a cheese to ripen").await });
    sleep(MS).await?;
    let info = task.info().unwrap();
    assert_eq!(info.wait(), Some(WaitReason::named("a cheese to ripen")));
    let shown = info.to_string();
    assert!(shown.contains("a cheese to ripen at ") && shown.contains("sync_lines.rs"));
    assert_eq!((line.len(), line.wake(2), line.len()), (1, 1, 0));
    task.await??;
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn so_many_are_called_in_order_and_nothing_is_kept_for_those_who_come_later() -> Result<()> {
    let line = WaitLine::new();
    assert_eq!((line.wake(3), line.wake_all()), (0, 0));
    let [one, two, three, four] = queued(&line).await;
    assert_eq!(line.wake(2), 2);
    assert_eq!((one.await?, two.await?), ((true, false), (true, false)));
    assert_eq!((line.len(), line.wake_all()), (2, 2));
    assert_eq!((three.await?, four.await?), ((true, false), (true, false)));
    let cut = timeout_after(SHORT, line.suspend("nobody")).await;
    assert!(cut.unwrap_err().timed_out() && line.is_empty());
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_call_wins_over_a_request_and_is_handed_on_by_one_that_is_dropped() -> Result<()> {
    let line = WaitLine::new();
    let [called, dropped, next, last] = queued(&line).await;
    assert_eq!(line.wake(2), 2);
    called.cancel_nowait();
    dropped.abort();
    last.cancel_nowait();
    assert_eq!(called.await?, (true, true));
    assert_eq!(next.await?, (true, false));
    assert_eq!(last.await?, (false, false));
    assert!(line.is_empty() && dropped.await.is_err());
    Ok(())
}

#[bibelot::test(uring, poll)]
async fn a_universal_line_is_for_tasks_and_threads() -> Result<()> {
    let line = universal::WaitLine::new();
    let waiting = thread::spawn({
        let line = line.clone();
        move || line.wait_blocking()
    });
    while line.wake(1) == 0 {
        thread::yield_now();
    }
    waiting.join().unwrap();
    let calls = line.clone();
    let calling = thread::spawn(move || {
        while calls.wake_all() == 0 {
            thread::yield_now();
        }
    });
    line.suspend("a thread").await?;
    calling.join().unwrap();
    assert!(!line.wait_timeout(Duration::ZERO));
    Ok(())
}
