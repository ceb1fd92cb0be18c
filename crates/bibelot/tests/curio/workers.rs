//! WRK: jobs on threads.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bibelot::{gather, run_in_thread, sleep, timeout_after};

use crate::{each_kernel_of_this_machine, ms};

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
