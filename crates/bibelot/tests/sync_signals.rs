//! What has happened: barriers, notifications, results, once-cells, oneshots, as blocking points.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    AsCancelled, Barrier, ClosedError, Condition, Lock, Notify, OnceCell, OnceResult, Result,
    WaitReason, oneshot, shield, sleep, spawn, timeout_after, yield_now,
};

const SHORT: Duration = Duration::from_millis(10);
/// Enough for all others to park, whatever the order in which they run.
const MS: Duration = Duration::from_millis(1);

#[bibelot::test(uring, poll, sim)]
async fn a_cut_waiter_does_not_count_at_a_barrier() -> Result<()> {
    let barrier = Barrier::new(2);
    let cut = timeout_after(SHORT, barrier.wait()).await.unwrap_err();
    assert!(cut.timed_out() && barrier.arrived() == 0);
    let other = spawn({
        let barrier = barrier.clone();
        async move { barrier.wait().await }
    });
    sleep(MS).await?;
    assert_eq!(barrier.arrived(), 1);
    let (mine, theirs) = (barrier.wait().await?, other.await??);
    assert!(mine.is_last && !theirs.is_last);
    assert_eq!((mine.round, theirs.round), (0, 0));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_barrier_that_is_passed_wins_over_a_request() -> Result<()> {
    let barrier = Barrier::new(2);
    let other = spawn({
        let barrier = barrier.clone();
        async move { (barrier.wait().await.is_ok(), sleep(SHORT).await.is_err()) }
    });
    yield_now().await?;
    barrier.wait().await?;
    other.cancel_nowait();
    assert_eq!(other.await?, (true, true));
    barrier.close();
    assert!(matches!(barrier.wait().await, Err(ClosedError::Closed)));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_notification_passes_those_that_were_cut_and_is_handed_on_by_those_dropped() -> Result<()>
{
    let changed = Notify::new();
    let wait = |changed: Notify| spawn(async move { changed.notified().await });
    let tasks = [0, 1, 2].map(|_| wait(changed.clone()));
    sleep(MS).await?;
    tasks[0].cancel_nowait();
    sleep(MS).await?;
    changed.notify_one();
    tasks[1].abort();
    let [cut, _, told] = tasks;
    assert!(cut.await?.unwrap_err().is_live());
    told.await??;
    changed.notify_one();
    changed.notified().await?;
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_result_is_read_by_many_and_set_once() -> Result<()> {
    let answer = OnceResult::<i32, String>::new();
    let cut = timeout_after(SHORT, answer.get()).await.unwrap_err();
    assert!(cut.timed_out());
    let readers = [0, 1].map(|_| {
        let answer = answer.clone();
        spawn(async move { answer.get().await.cloned() })
    });
    yield_now().await?;
    answer.set(Ok(42)).unwrap();
    assert_eq!(answer.set(Ok(43)).unwrap_err().0, Ok(42 + 1));
    for reader in readers {
        assert_eq!(reader.await??, Ok(42));
    }
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn an_initialiser_that_is_cut_fails_and_the_next_one_makes_the_value() -> Result<()> {
    let cell = OnceCell::new();
    let first = spawn({
        let cell = cell.clone();
        async move {
            let made = cell.get_or_try_init(async || {
                sleep(Duration::from_secs(9)).await?;
                bibelot::Ok(1)
            });
            made.await.copied()
        }
    });
    sleep(MS).await?;
    let second = spawn({
        let cell = cell.clone();
        async move { cell.get_or_init(async || 2).await.copied() }
    });
    sleep(MS).await?;
    let third = spawn({
        let cell = cell.clone();
        async move { cell.get_or_init(async || 3).await.copied() }
    });
    sleep(MS).await?;
    third.cancel_nowait();
    first.cancel_nowait();
    assert!(first.await?.unwrap_err().is_cancelled());
    assert_eq!(second.await??, 2);
    assert!(third.await?.unwrap_err().is_live());
    assert_eq!(cell.get(), Some(&2));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn an_initialiser_behind_a_shield_is_driven_to_its_end() -> Result<()> {
    let cell = OnceCell::new();
    let made = timeout_after(
        SHORT,
        cell.get_or_try_init(async || {
            shield(sleep(SHORT * 5)).await?;
            bibelot::Ok("made")
        }),
    );
    assert_eq!(made.await?, &"made");
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_cut_oneshot_receiver_can_be_asked_again() -> Result<()> {
    let (sender, mut receiver) = oneshot();
    let cut = timeout_after(SHORT, receiver.recv()).await.unwrap_err();
    assert!(cut.timed_out());
    assert!(!sender.is_closed());
    sender.send("late").unwrap();
    assert_eq!(receiver.recv().await?, "late");
    assert!(matches!(receiver.recv().await, Err(ClosedError::Closed)));

    let (mut sender, receiver) = oneshot::<()>();
    let task = spawn(async move { receiver.await });
    yield_now().await?;
    task.cancel_nowait();
    sender.closed().await?;
    assert!(task.await?.unwrap_err().is_cancelled());

    let (sender, receiver) = oneshot::<()>();
    drop(sender);
    assert!(matches!(receiver.await, Err(ClosedError::Closed)));
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_condition_is_waited_for_until_it_holds() -> Result<()> {
    let (stock, changed) = (Lock::new(0), Condition::new());
    let looks = Rc::new(Cell::new(0));
    let buyer = spawn({
        let (stock, changed, looks) = (stock.clone(), changed.clone(), looks.clone());
        async move {
            let guard = stock.lock().await?;
            let unmet = |stock: &mut i32| {
                looks.set(looks.get() + 1);
                *stock < 2
            };
            let (guard, told) = changed.wait_while(guard, unmet).await;
            told?;
            bibelot::Ok(*guard)
        }
    });
    for _ in 0..2 {
        sleep(MS).await?;
        *stock.lock().await? += 1;
        changed.notify(100);
    }
    assert_eq!((buyer.await??, looks.get()), (2, 3));
    let guard = stock.lock().await?;
    let (guard, told) = changed.wait_while(guard, |stock| *stock > 5).await;
    assert!(*guard == 2 && told.is_ok(), "it holds already");
    let cut = timeout_after(SHORT, async {
        let (guard, told) = changed.wait_while(guard, |_| true).await;
        assert_eq!(*guard, 2, "the guard comes back in any case");
        told
    });
    assert!(cut.await.unwrap_err().timed_out());
    assert!(!stock.is_locked());
    Ok(())
}

#[test]
fn a_monitor_sees_these_waits_and_where_they_are() {
    let mut kernel = bibelot::Kernel::builder()
        .backend(bibelot_sim::Sim::calm())
        .build()
        .unwrap();
    let reader = kernel.reader();
    kernel.block_on(async {
        let here = (file!(), line!());
        let tasks = [
            spawn(async { drop(Barrier::new(2).wait().await) }),
            spawn(async { drop(Notify::new().notified().await) }),
            spawn(async { drop(OnceResult::<(), ()>::new().get().await) }),
            spawn(async {
                let (_sender, receiver) = oneshot::<()>();
                drop(receiver.await);
            }),
        ];
        yield_now().await.unwrap();
        let seen: Vec<_> = tasks
            .iter()
            .map(|task| reader.get(task.id().number()).unwrap())
            .collect();
        let waits: Vec<_> = seen.iter().map(|info| info.wait().unwrap()).collect();
        use WaitReason::{Barrier as AtBarrier, Event, Promise};
        assert_eq!(waits, [AtBarrier, Event, Promise, Promise]);
        for (seen, away) in seen.iter().zip([2, 3, 4, 7]) {
            let site = seen.site.unwrap();
            assert_eq!((site.file(), site.line()), (here.0, here.1 + away));
        }
        for task in tasks {
            task.cancel_nowait();
        }
    });
}
