//! What is held by a task in particular: reentrant locks and capacity limiters.

use std::cell::Cell;
use std::time::Duration;

use bibelot::{
    AsCancelled, BorrowError, CapacityLimiter, ReentrantLock, Result, join, sleep, spawn,
    timeout_after, universal, yield_now,
};

const SHORT: Duration = Duration::from_millis(10);
/// Enough for all others to park, whatever the order in which they run.
const MS: Duration = Duration::from_millis(1);

#[bibelot::test(uring, poll, sim)]
async fn a_task_takes_its_lock_again_and_others_wait_until_it_is_all_let_go() -> Result<()> {
    let lock = ReentrantLock::new(Cell::new(0));
    let (outer, inner) = (lock.lock().await?, lock.lock().await?);
    assert_eq!(lock.depth(), 2);
    let other = spawn({
        let lock = lock.clone();
        async move {
            let guard = lock.lock().await?;
            bibelot::Ok(guard.get())
        }
    });
    yield_now().await?;
    drop(inner);
    yield_now().await?;
    assert!(!other.is_finished());
    outer.set(7);
    drop(outer);
    assert_eq!(other.await??, 7);
    assert!(!lock.is_locked() && lock.owner().is_none());
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn futures_joined_in_one_task_are_one_owner() -> Result<()> {
    let lock = ReentrantLock::new(());
    let (one, other) = join((lock.lock(), lock.lock())).await;
    let (_one, _other) = (one?, other?);
    assert_eq!(lock.depth(), 2);
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_cut_waiter_leaves_a_reentrant_lock_to_the_next() -> Result<()> {
    let lock = ReentrantLock::new(());
    let held = lock.lock().await?;
    let take = |lock: ReentrantLock<()>| spawn(async move { lock.lock().await.map(drop) });
    let (cut, next) = (take(lock.clone()), take(lock.clone()));
    sleep(MS).await?;
    cut.cancel_nowait();
    sleep(MS).await?;
    drop(held);
    assert!(cut.await?.unwrap_err().is_live());
    next.await??;
    Ok(())
}

#[bibelot::test(uring, poll, sim)]
async fn a_task_that_borrows_twice_hears_of_it() -> Result<()> {
    let limiter = CapacityLimiter::new(1);
    let token = limiter.borrow().await?;
    let twice = limiter.borrow().await.unwrap_err();
    assert!(matches!(twice, BorrowError::AlreadyBorrowed));
    let other = spawn({
        let limiter = limiter.clone();
        async move {
            let cut = timeout_after(SHORT, limiter.borrow()).await.unwrap_err();
            assert!(cut.timed_out());
            let _token = limiter.borrow().await?;
            bibelot::Ok(limiter.borrowed())
        }
    });
    sleep(SHORT * 2).await?;
    limiter.set_total(2);
    assert_eq!(other.await??, 2);
    assert_eq!(limiter.borrowers(), [token.owner()]);
    assert!(limiter.borrow_for(7_u64).await.is_ok());
    Ok(())
}

#[test]
fn a_thread_without_a_task_is_an_owner_of_its_own() {
    let lock = universal::ReentrantLock::new(());
    let held = lock.lock_blocking();
    let (again, elsewhere) = (lock.try_lock().is_some(), {
        let lock = lock.clone();
        std::thread::spawn(move || lock.try_lock().is_some())
    });
    assert!(again && !elsewhere.join().unwrap());
    drop(held);
}
