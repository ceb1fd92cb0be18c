//! UNI: one object among tasks, plain threads and several kernels.

use std::thread;

use bibelot::universal::{Event, OnceResult, Queue};
use bibelot::{Kernel, run_in_thread, sleep, spawn, timeout_after, yield_now};

use crate::{each_kernel_of_this_machine, ms, on_threads};

#[test]
fn a_task_a_thread_and_a_second_kernel_share_a_queue() {
    each_kernel_of_this_machine(|builder| {
        let queue = Queue::bounded(1);
        let (to_thread, to_kernel) = (queue.clone(), queue.clone());
        let plain = thread::spawn(move || {
            for item in 0..100 {
                to_thread.put_blocking(item).unwrap();
            }
        });
        let other = thread::spawn(move || {
            bibelot::run(async move {
                for item in 100..200 {
                    to_kernel.put(item).await.unwrap();
                }
            });
        });
        let mut got = builder
            .run(async move {
                let mut got = Vec::new();
                for _ in 0..200 {
                    got.push(queue.get().await.unwrap());
                }
                got
            })
            .unwrap();
        plain.join().unwrap();
        other.join().unwrap();
        got.sort_unstable();
        assert_eq!(got, (0..200).collect::<Vec<_>>());
    });
}

#[test]
fn three_kernels_take_each_of_a_thousand_items_once() {
    let queue = Queue::bounded(16);
    let takers: Vec<_> = (0..3)
        .map(|_| {
            let queue = queue.clone();
            thread::spawn(move || {
                Kernel::new().unwrap().block_on(async {
                    let mut got = Vec::new();
                    while let Ok(item) = queue.get().await {
                        got.push(item);
                        // A limit that never fires, as between any two items of a service.
                        timeout_after(ms(60_000), yield_now()).await.unwrap();
                    }
                    got
                })
            })
        })
        .collect();
    for item in 0..1000 {
        queue.put_blocking(item).unwrap();
    }
    queue.close();
    let mut got: Vec<i32> = takers
        .into_iter()
        .flat_map(|taker| taker.join().unwrap())
        .collect();
    got.sort_unstable();
    assert_eq!(got, (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_task_waits_until_threads_have_done_everything() {
    on_threads(|| async {
        let queue = Queue::unbounded();
        for item in 0..50 {
            queue.put(item).await.unwrap();
        }
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let mut count = 0;
                    while queue.get_blocking().is_ok() {
                        count += 1;
                        queue.task_done().unwrap();
                    }
                    count
                })
            })
            .collect();
        queue.join().await?;
        queue.close();
        let count: i32 = workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum();
        assert_eq!(count, 50);
        Ok(())
    });
}

#[test]
fn an_event_is_set_and_waited_for_in_every_world() {
    on_threads(|| async {
        let (there, back) = (Event::new(), Event::new());
        let (hears, answers) = (there.clone(), back.clone());
        let answering = thread::spawn(move || {
            for _ in 0..10 {
                hears.wait_blocking();
                hears.clear();
                answers.set();
            }
        });
        for _ in 0..10 {
            // A wait that is cut leaves; the event goes on.
            let cut = spawn({
                let back = back.clone();
                async move { timeout_after(ms(1), back.wait()).await }
            });
            yield_now().await?;
            cut.cancel().await?;
            there.set();
            back.wait().await?;
            back.clear();
        }
        answering.join().unwrap();
        Ok(())
    });
}

#[test]
fn a_result_goes_from_thread_to_task_and_from_task_to_thread() {
    on_threads(|| async {
        let (question, answer) = (OnceResult::<u32, String>::new(), OnceResult::new());
        let (asked, says) = (question.clone(), answer.clone());
        let thread = thread::spawn(move || {
            let doubled = asked.get_blocking().clone().map(|number| number * 2);
            says.set(doubled).unwrap();
        });
        sleep(ms(1)).await?;
        question.set(Ok(21)).unwrap();
        assert_eq!(answer.get().await?, &Ok(42));
        assert_eq!(
            run_in_thread(move || answer.get_blocking().clone()).await?,
            Ok(42)
        );
        assert!(question.set(Err("again".to_owned())).is_err());
        thread.join().unwrap();
        Ok(())
    });
}
