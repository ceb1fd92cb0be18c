//! Jobs on reserved threads and on somebody else's.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, WorkerError, async_thread, block_in_thread, is_abandoned, reserve_thread,
    run_in_executor, run_in_thread, sleep, spawn, testing, timeout_after, yield_now,
};
use bibelot_sim::Sim;

/// Runs a test on whatever has threads.
fn on_threads<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    testing::on_uring(async || make().await.unwrap());
    testing::on_poll(async || make().await.unwrap());
}

/// Runs a test everywhere.
fn everywhere<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    on_threads(&make);
    Sim::calm().block_on(make()).unwrap();
}

async fn until(mut holds: impl FnMut() -> bool) -> bibelot::Result<()> {
    while !holds() {
        sleep(Duration::from_micros(100)).await?;
    }
    Ok(())
}

fn elsewhere(job: Box<dyn FnOnce() + Send>) {
    thread::spawn(job);
}

#[test]
fn a_reserved_thread_does_its_jobs_one_after_another() {
    on_threads(|| async {
        let reserved = reserve_thread().await?;
        let home = thread::current().id();
        let whose = reserved.run(|| thread::current().id()).await?;
        assert_ne!(whose, home);
        let jobs: Vec<_> = (0..100)
            .map(|number| spawn(reserved.run(move || (number, thread::current().id()))))
            .collect();
        for (number, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.await??, (number, whose));
        }
        let panics = reserved.run(|| resume_unwind(Box::new("gone wrong")));
        let panicked: Result<(), _> = panics.await;
        assert!(matches!(panicked, Err(WorkerError::Panicked(_))));
        assert_eq!(reserved.run(|| thread::current().id()).await?, whose);
        reserved.release().await?;
        Ok(())
    });
}

#[test]
fn reserved_threads_take_none_of_the_pools() {
    on_threads(|| async {
        let mut reserved = Vec::new();
        for _ in 0..40 {
            reserved.push(reserve_thread().await?);
        }
        assert_eq!(run_in_thread(|| 7).await?, 7);
        for thread in reserved {
            thread.release().await?;
        }
        Ok(())
    });
}

#[test]
fn a_job_of_a_reserved_thread_is_left_and_the_next_waits_for_its_end() {
    on_threads(|| async {
        let reserved = reserve_thread().await?;
        let ((begun, begins), (late, lates)) = (channel(), channel());
        let runs = reserved.run(move || {
            begun.send(()).unwrap();
            while !is_abandoned() {
                thread::yield_now();
            }
            7
        });
        let first = spawn(runs.on_abandon(move |value| late.send(value).unwrap()));
        let never = spawn(reserved.run(|| panic!("it was taken back")));
        let next = spawn(reserved.run(|| 8));
        until(|| begins.try_recv().is_ok()).await?;
        never.cancel().await?;
        first.cancel().await?;
        assert_eq!(next.await??, 8);
        assert_eq!(lates.try_recv(), Ok(7));
        assert!(first.await?.unwrap_err().is_cancelled());
        assert!(never.await?.unwrap_err().is_cancelled());
        reserved.release().await?;
        Ok(())
    });
}

#[test]
fn a_dropped_reservation_ends_after_its_jobs_and_takes_no_more() {
    on_threads(|| async {
        let reserved = reserve_thread().await?;
        let given = spawn(reserved.run(|| 7));
        yield_now().await?;
        let late = reserved.run(|| panic!("nobody is left to run it"));
        drop(reserved);
        assert_eq!(given.await??, 7);
        let refused: Result<(), _> = late.await;
        assert!(matches!(refused, Err(WorkerError::NoThread(_))));
        // Its thread says that it has ended.
        sleep(Duration::from_millis(100)).await?;
        Ok(())
    });
}

#[test]
fn a_simulated_world_has_no_threads_to_reserve() {
    let none = Sim::calm().block_on(async { reserve_thread().await.err() });
    assert!(matches!(none, Some(WorkerError::NoThread(_))));
}

#[test]
fn an_executor_runs_a_job_wherever_it_likes() {
    on_threads(|| async {
        let home = thread::current().id();
        let there = run_in_executor(elsewhere, || thread::current().id()).await?;
        assert_ne!(there, home);
        let panics = run_in_executor(elsewhere, || resume_unwind(Box::new(())));
        let panicked: Result<(), _> = panics.await;
        assert!(matches!(panicked, Err(WorkerError::Panicked(_))));
        Ok(())
    });
    everywhere(|| async {
        assert_eq!(run_in_executor(|job| job(), || 7).await?, 7);
        let owned = Arc::new(());
        let owns = owned.clone();
        let dropped = run_in_executor(drop, move || drop(owns)).await;
        assert!(matches!(dropped, Err(WorkerError::NoThread(_))));
        assert_eq!(Arc::strong_count(&owned), 1);
        Ok(())
    });
}

#[test]
fn a_job_that_was_cut_before_its_executor_called_it_is_empty() {
    everywhere(|| async {
        let (puts, put) = channel::<Box<dyn FnOnce() + Send>>();
        let owned = Arc::new(());
        let owns = owned.clone();
        let job = run_in_executor(
            move |job| puts.send(job).unwrap(),
            move || {
                drop(owns);
                panic!("it was taken back");
            },
        );
        let cut: Result<(), _> = timeout_after(Duration::from_millis(1), job).await;
        assert!(cut.unwrap_err().timed_out());
        assert_eq!(Arc::strong_count(&owned), 1);
        put.recv().unwrap()();
        assert!(put.recv().is_err());
        let never = timeout_after(
            Duration::ZERO,
            run_in_executor(|_| panic!("it was cut before"), || ()),
        );
        assert!(never.await.unwrap_err().timed_out());
        Ok(())
    });
}

#[test]
fn futures_of_jobs_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&run_in_thread(|| ()));
    is_send(&block_in_thread("send", || ()));
    is_send(&run_in_executor(elsewhere, || ()));
    is_send(&reserve_thread());
    is_send(&async_thread(|_| ()));
}
