//! The threads for jobs, as the builder limits them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bibelot::{Backend, Kernel, gather, run_in_thread};

#[test]
fn no_more_jobs_run_at_once_than_there_may_be_threads() {
    for backend in [Backend::Uring, Backend::Poll] {
        for threads in [1, 3] {
            // In any order: the limit belongs to no backend.
            let builder = Kernel::builder()
                .worker_threads_max(threads)
                .backend(backend)
                .worker_idle(Duration::from_secs(1));
            let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let seen = most.clone();
            let ran = builder.run(async move {
                let jobs = (0..12).map(|_| {
                    let (now, most) = (now.clone(), most.clone());
                    run_in_thread(move || {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(5));
                        now.fetch_sub(1, Ordering::SeqCst);
                    })
                });
                for done in gather(jobs).await {
                    done.unwrap();
                }
            });
            match ran {
                Ok(()) => assert_eq!(seen.load(Ordering::SeqCst), threads),
                Err(error) => eprintln!("skipped on {backend:?}: {error}"),
            }
        }
    }
}
