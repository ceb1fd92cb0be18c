//! WRK and THR: jobs on threads, and threads that await.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bibelot::universal::{Event, Lock};
use bibelot::{
    AsCancelled, gather, reserve_thread, run_in_thread, sleep, spawn, spawn_thread, timeout_after,
    yield_now,
};

use crate::{LONG, each_kernel_of_this_machine, ms, on_threads};

#[test]
fn jobs_are_admitted_in_the_order_in_which_they_came_and_threads_are_used_again() {
    each_kernel_of_this_machine(|builder| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = order.clone();
        let threads = builder.worker_threads_max(1).run(async move {
            let jobs = (0..20).map(|number| {
                let order = order.clone();
                run_in_thread(move || {
                    order.lock().unwrap().push(number);
                    thread::current().id()
                })
            });
            gather(jobs).await
        });
        let threads: Vec<_> = threads.unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(threads, [threads[0]; 20]);
        assert_eq!(*seen.lock().unwrap(), (0..20).collect::<Vec<_>>());
    });
}

#[test]
fn a_thread_without_a_job_ends_and_the_next_job_gets_another() {
    struct Tells(mpsc::Sender<()>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send(()).ok();
        }
    }
    thread_local! {
        static AT_END: std::cell::RefCell<Option<Tells>> = const { std::cell::RefCell::new(None) };
    }
    each_kernel_of_this_machine(|builder| {
        let ran = builder.worker_idle(ms(1)).run(async {
            let (tell, told) = mpsc::channel();
            run_in_thread(move || AT_END.set(Some(Tells(tell))))
                .await
                .unwrap();
            let ended = timeout_after(ms(60_000), async {
                while told.try_recv().is_err() {
                    sleep(ms(1)).await?;
                }
                bibelot::Ok(())
            });
            ended.await.unwrap();
            run_in_thread(|| 7).await.unwrap()
        });
        assert_eq!(ran.unwrap(), 7);
    });
}

#[test]
fn a_lock_of_threads_is_held_for_a_task_by_a_thread_of_its_own() {
    on_threads(|| async {
        let foreign = Arc::new(Mutex::new(0));
        let theirs = foreign.clone();
        let (held, release) = (Event::new(), Event::new());
        let (tells, waits) = (held.clone(), release.clone());
        let worker = reserve_thread().await?;
        let holds = spawn(worker.run(move || {
            // A guard of a thread's lock stays in its thread.
            let mut guard = theirs.lock().unwrap();
            tells.set();
            waits.wait_blocking();
            *guard += 1;
        }));
        held.wait().await?;
        assert!(
            foreign.try_lock().is_err(),
            "it is held, and the task goes on"
        );
        sleep(ms(1)).await?;
        release.set();
        holds.await??;
        assert_eq!(*foreign.try_lock().unwrap(), 1);
        worker.release().await?;
        Ok(())
    });
}

#[test]
fn an_async_thread_holds_a_lock_that_it_waited_for_as_a_task_does() {
    on_threads(|| async {
        let lock = Lock::new(0);
        let held = lock.lock().await?;
        let wanted = lock.clone();
        let late = Event::new();
        let is_late = late.clone();
        let thread = spawn_thread(move |cx| {
            let take = |lock: Lock<i32>| async move {
                // Owned, it can be held by plain code.
                Ok::<_, bibelot::Cancelled>(lock.lock().await?.into_owned())
            };
            let cut = cx.block_on(timeout_after(ms(5), take(wanted.clone())));
            assert!(cut.is_err_and(|cut| cut.timed_out()));
            is_late.set();
            let mut guard = cx.block_on(take(wanted.clone()))?;
            *guard += 1;
            assert!(wanted.is_locked());
            drop(guard);
            cx.block_on(sleep(LONG)).map(drop)
        });
        late.wait().await?;
        drop(held);
        while *lock.lock().await? == 0 {
            yield_now().await?;
        }
        thread.cancel().await?;
        assert!(thread.await?.unwrap_err().is_live());
        assert_eq!(*lock.try_lock().unwrap(), 1);
        Ok(())
    });
}
