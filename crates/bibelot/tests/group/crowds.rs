//! Crowds: what many who wait cost, in steps and not in time.

use std::time::Duration;

use bibelot::{Kernel, TaskGroup, Wait, sleep, spawn, yield_now};
use bibelot_sim::Sim;

const CROWD: usize = 3000;

fn kernel() -> Kernel {
    Kernel::builder().backend(Sim::calm()).build().unwrap()
}

#[test]
fn a_crowd_that_waits_for_room_is_woken_one_by_one_and_in_order() {
    let mut kernel = kernel();
    let started = kernel.block_on(async {
        let group = TaskGroup::new(Wait::All).limit(2);
        let (tell, told) = std::sync::mpsc::channel();
        let mut waiting = Vec::new();
        for n in 0..CROWD {
            let (group, tell) = ((*group).clone(), tell.clone());
            waiting.push(spawn(async move {
                let member = async move {
                    tell.send(n).unwrap();
                    sleep(Duration::from_millis(1)).await?;
                    bibelot::Ok(n)
                };
                group.spawn_queued(member).await.map(drop)
            }));
        }
        for waits in waiting {
            waits.await.unwrap().unwrap();
        }
        let results = group.join().await.unwrap().into_results().unwrap();
        assert_eq!(results.len(), CROWD);
        told.try_iter().collect::<Vec<usize>>()
    });
    assert_eq!(started, (0..CROWD).collect::<Vec<_>>());
    let polls = kernel.counters().polls;
    assert!(polls < 20 * CROWD as u64, "{polls} polls");
}

#[test]
fn one_that_leaves_the_line_lets_the_next_one_in() {
    let mut kernel = kernel();
    kernel.block_on(async {
        let group = TaskGroup::new(Wait::All).limit(1);
        let first = group.spawn(async {
            sleep(Duration::from_millis(10)).await?;
            bibelot::Ok(0)
        });
        let mut waiting = Vec::new();
        for n in 1..4 {
            let group = (*group).clone();
            waiting.push(spawn(async move {
                group
                    .spawn_queued(async move { bibelot::Ok(n) })
                    .await
                    .map(drop)
            }));
            yield_now().await.unwrap();
        }
        // The first in the line is called, and leaves before it has looked.
        let caller = waiting.remove(0);
        first.unwrap();
        sleep(Duration::from_millis(10)).await.unwrap();
        caller.abort();
        for waits in waiting {
            waits.await.unwrap().unwrap();
        }
        assert_eq!(
            group.join().await.unwrap().into_results().unwrap(),
            [0, 2, 3]
        );
    });
}
