//! Jobs that block: their values, their order, and what becomes of them when nobody waits any more.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bibelot::{
    AsCancelled, Cause, Error, TaskError, WaitReason, WorkerError, block_in_thread, is_abandoned,
    run_in_thread, sleep, spawn, testing, timeout_after, try_current, yield_now,
};
use bibelot_sim::Sim;

const SHORT: Duration = Duration::from_millis(10);

/// Runs a test where jobs have threads.
fn on_threads<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    testing::on_uring(async || make().await.unwrap());
    testing::on_poll(async || make().await.unwrap());
}

/// Runs a test that leaves jobs to themselves, and lets their threads say that they have ended.
fn leaving_jobs<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    on_threads(async || {
        make().await?;
        sleep(Duration::from_millis(100)).await?;
        Ok(())
    });
}

/// Runs a test everywhere.
fn everywhere<F: Future<Output = bibelot::Result<()>>>(make: impl Fn() -> F) {
    on_threads(&make);
    Sim::calm().block_on(make()).unwrap();
}

/// A gate on which a job can be held, and word that it is there.
fn gate() -> (Held, Keeper) {
    let ((came, comes), (opens, open)) = (channel(), channel());
    (Held { came, open }, Keeper { comes, opens })
}

struct Held {
    came: Sender<()>,
    open: Receiver<()>,
}

struct Keeper {
    comes: Receiver<()>,
    opens: Sender<()>,
}

impl Held {
    fn wait(self) {
        self.came.send(()).unwrap();
        self.open.recv().unwrap();
    }
}

impl Keeper {
    async fn has_come(&self) -> bibelot::Result<()> {
        while self.comes.try_recv().is_err() {
            sleep(Duration::from_micros(100)).await?;
        }
        Ok(())
    }

    fn open(&self) {
        self.opens.send(()).unwrap();
    }
}

async fn until(mut holds: impl FnMut() -> bool) -> bibelot::Result<()> {
    while !holds() {
        sleep(Duration::from_micros(100)).await?;
    }
    Ok(())
}

#[test]
fn a_job_gives_its_value_from_another_thread() {
    on_threads(|| async {
        let home = thread::current().id();
        let there = run_in_thread(move || (thread::current().id(), try_current().is_none()));
        let (there, has_no_task) = there.await?;
        assert!(there != home && has_no_task);
        Ok(())
    });
    everywhere(|| async {
        assert_eq!(run_in_thread(|| 6 * 7).await?, 42);
        assert_eq!(run_in_thread(|| Err::<(), _>("own")).await?, Err("own"));
        Ok(())
    });
}

#[test]
fn a_panic_is_an_error_that_can_go_on_unwinding() {
    everywhere(|| async {
        let panics = run_in_thread(|| -> () { resume_unwind(Box::new("gone wrong")) });
        let WorkerError::Panicked(panic) = panics.await.unwrap_err() else {
            panic!("it panicked");
        };
        assert_eq!(panic.message(), Some("gone wrong"));
        let passed_on = Error::from(WorkerError::Panicked(panic));
        assert!(matches!(passed_on, Error::Task(TaskError::Panicked(_))));
        Ok(())
    });
}

#[test]
fn a_cancel_frees_the_caller_at_once_and_the_late_value_goes_where_it_was_told() {
    leaving_jobs(|| async {
        let ((held, keeper), (late, lates)) = (gate(), channel());
        let task = spawn(async move {
            let job = run_in_thread(move || {
                assert!(!is_abandoned());
                held.wait();
                is_abandoned()
            });
            job.on_abandon(move |value| late.send((thread::current().id(), value)).unwrap())
                .await
        });
        keeper.has_come().await?;
        assert_eq!(task.info().unwrap().wait(), Some(WaitReason::Thread));
        task.cancel().await?;
        let told = task.await?.unwrap_err();
        assert!(told.is_cancelled());
        assert!(matches!(told, WorkerError::Cancelled(told) if !told.outcome_unknown()));
        keeper.open();
        let mut got = None;
        until(|| {
            got = lates.try_recv().ok();
            got.is_some()
        })
        .await?;
        let (whose, was_abandoned) = got.unwrap();
        assert!(was_abandoned && whose != thread::current().id());
        Ok(())
    });
}

#[test]
fn a_drop_leaves_a_job_as_a_cancel_does() {
    leaving_jobs(|| async {
        let ((held, keeper), (late, lates)) = (gate(), channel());
        let mut job = run_in_thread(move || held.wait()).on_abandon(move |()| {
            late.send(()).unwrap();
        });
        {
            let first_poll = timeout_after(Duration::ZERO, &mut job).await;
            assert!(first_poll.unwrap_err().timed_out());
        }
        // It was cut before it began: what it owned is gone.
        assert!(keeper.comes.recv().is_err() && lates.recv().is_err());
        drop(job);

        let ((held, keeper), (late, lates)) = (gate(), channel());
        let job = run_in_thread(move || held.wait()).on_abandon(move |()| late.send(()).unwrap());
        let task = spawn(job);
        keeper.has_come().await?;
        task.abort();
        keeper.open();
        until(|| lates.try_recv().is_ok()).await
    });
}

#[test]
fn a_job_that_has_ended_gives_its_value_though_a_cancel_came() {
    leaving_jobs(|| async {
        // The value lies there soon after the job said so; how soon is up to the thread.
        for _ in 0..1000 {
            let (ends, ended) = channel();
            let task = spawn(async move {
                let job = run_in_thread(move || ends.send(()).unwrap());
                (job.await, sleep(SHORT).await)
            });
            yield_now().await?;
            // Nobody looks at what comes from the pool while this code runs.
            ended.recv().unwrap();
            thread::sleep(Duration::from_micros(50));
            task.cancel_nowait();
            match task.await? {
                (Ok(()), slept) => {
                    assert!(slept.unwrap_err().is_live());
                    return Ok(());
                }
                (Err(told), slept) => assert!(told.is_cancelled() && slept.is_ok()),
            }
        }
        panic!("no job ended before the cancel");
    });
}

#[test]
fn a_job_not_begun_is_taken_back_with_what_it_owns() {
    on_threads(|| async {
        let mut keepers = Vec::new();
        let mut holders = Vec::new();
        // As many as there are threads, and then one more.
        for _ in 0..32 {
            let (held, keeper) = gate();
            holders.push(spawn(run_in_thread(move || held.wait())));
            keeper.has_come().await?;
            keepers.push(keeper);
        }
        let owned = Arc::new(());
        let owns = owned.clone();
        let waits = spawn(run_in_thread(move || {
            drop(owns);
            panic!("it was taken back");
        }));
        sleep(SHORT).await?;
        assert_eq!(Arc::strong_count(&owned), 2);
        waits.cancel().await?;
        assert!(waits.await?.unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&owned), 1);
        keepers.iter().for_each(Keeper::open);
        for holder in holders {
            holder.await??;
        }
        Ok(())
    });
}

#[test]
fn jobs_that_were_left_do_not_hold_up_others() {
    leaving_jobs(|| async {
        let mut keepers = Vec::new();
        for _ in 0..32 {
            let (held, keeper) = gate();
            let task = spawn(run_in_thread(move || held.wait()));
            keeper.has_come().await?;
            task.cancel().await?;
            keepers.push(keeper);
        }
        assert_eq!(run_in_thread(|| 7).await?, 7);
        keepers.iter().for_each(Keeper::open);
        Ok(())
    });
}

#[test]
fn jobs_of_one_key_begin_in_the_order_in_which_they_came() {
    everywhere(|| async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut jobs = Vec::new();
        for number in 0..100 {
            let order = order.clone();
            jobs.push(spawn(block_in_thread("order", move || {
                order.lock().unwrap().push(number);
            })));
        }
        for job in jobs {
            job.await??;
        }
        assert_eq!(*order.lock().unwrap(), Vec::from_iter(0..100));
        Ok(())
    });
}

#[test]
fn one_job_for_each_key_runs_at_a_time_and_keys_do_not_wait_for_each_other() {
    on_threads(|| async {
        let running = Arc::new(AtomicUsize::new(0));
        let mut jobs = Vec::new();
        for _ in 0..50 {
            let running = running.clone();
            jobs.push(spawn(block_in_thread("alone", move || {
                assert_eq!(running.fetch_add(1, Ordering::AcqRel), 0);
                thread::yield_now();
                running.fetch_sub(1, Ordering::AcqRel);
            })));
        }
        let (held, keeper) = gate();
        let other = spawn(block_in_thread("other", move || held.wait()));
        keeper.has_come().await?;
        for job in jobs {
            job.await??;
        }
        keeper.open();
        other.await??;
        Ok(())
    });
}

#[test]
fn a_job_that_was_left_keeps_its_key_until_it_ends() {
    leaving_jobs(|| async {
        let (held, keeper) = gate();
        let first = spawn(block_in_thread("left", move || held.wait()));
        keeper.has_come().await?;
        let gone = spawn(block_in_thread("left", || panic!("it left the line")));
        let (began, begins) = channel();
        let last = spawn(block_in_thread("left", move || began.send(()).unwrap()));
        yield_now().await?;
        assert_eq!(last.info().unwrap().wait(), Some(WaitReason::Thread));
        gone.cancel().await?;
        first.cancel().await?;
        assert!(first.await?.unwrap_err().is_cancelled());
        sleep(SHORT).await?;
        assert!(begins.try_recv().is_err());
        keeper.open();
        last.await??;
        assert!(gone.await?.unwrap_err().is_cancelled());
        Ok(())
    });
}

#[test]
fn a_panic_under_a_key_hands_the_key_on() {
    everywhere(|| async {
        let panics = spawn(block_in_thread("panics", || resume_unwind(Box::new(()))));
        let next = spawn(block_in_thread("panics", || 7));
        let panicked: Result<(), _> = panics.await?;
        assert!(matches!(panicked, Err(WorkerError::Panicked(_))));
        assert_eq!(next.await??, 7);
        Ok(())
    });
}

#[test]
fn a_job_that_would_wait_for_itself_is_refused() {
    on_threads(|| async {
        let inner = block_in_thread("itself", || {
            bibelot::run(async {
                let other = block_in_thread("another", || 7).await;
                (other, block_in_thread("itself", || 8).await)
            })
        });
        let (other, itself) = inner.await?;
        assert_eq!(other?, 7);
        assert!(matches!(itself, Err(WorkerError::SelfWait)));
        assert_eq!(block_in_thread("itself", || 9).await?, 9);
        Ok(())
    });
}

#[test]
fn an_expired_limit_is_told_from_other_ends() {
    everywhere(|| async {
        let late = timeout_after(Duration::ZERO, run_in_thread(|| 7)).await;
        assert!(late.unwrap_err().timed_out());
        let in_time = timeout_after(Duration::from_secs(60), run_in_thread(|| 7)).await?;
        assert_eq!(in_time, 7);
        Ok(())
    });
}

#[test]
fn a_cancel_before_the_first_poll_begins_nothing() {
    everywhere(|| async {
        let task = spawn(run_in_thread(|| -> () { panic!("it never began") }));
        task.cancel_nowait();
        let told = task.await?.unwrap_err();
        assert!(
            matches!(told, WorkerError::Cancelled(told) if matches!(told.cause(), Cause::Task))
        );
        Ok(())
    });
}

#[test]
fn every_value_goes_to_one_place_however_jobs_are_cut() {
    leaving_jobs(|| async {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let (begun, late) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let owned = Arc::new(());
        let (mut returned, mut cut) = (0, 0);
        for _ in 0..20 {
            let mut tasks = Vec::new();
            for _ in 0..100 {
                let (begins, lately, owns) = (begun.clone(), late.clone(), owned.clone());
                let work = next(200);
                let job = run_in_thread(move || {
                    begins.fetch_add(1, Ordering::AcqRel);
                    thread::sleep(Duration::from_micros(work));
                    owns
                });
                let job = job.on_abandon(move |_| {
                    lately.fetch_add(1, Ordering::AcqRel);
                });
                tasks.push(spawn(job));
            }
            while let Some(task) = (!tasks.is_empty())
                .then(|| tasks.swap_remove(usize::try_from(next(tasks.len() as u64)).unwrap()))
            {
                match next(4) {
                    0 => _ = task.cancel_nowait(),
                    1 => task.abort(),
                    2 => _ = sleep(Duration::from_micros(next(300))).await?,
                    _ => yield_now().await?,
                }
                match task.await {
                    Ok(Ok(_owned)) => returned += 1,
                    Ok(Err(told)) => {
                        assert!(told.is_cancelled());
                        cut += 1;
                    }
                    Err(TaskError::Aborted) => cut += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
        assert_eq!(returned + cut, 2000);
        assert!(returned > 0 && cut > 0);
        until(|| Arc::strong_count(&owned) == 1).await?;
        let (begun, late) = (begun.load(Ordering::Acquire), late.load(Ordering::Acquire));
        assert_eq!(begun, returned + late);
        Ok(())
    });
}
