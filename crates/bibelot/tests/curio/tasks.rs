//! TSK: tasks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::{
    AsCancelled, Cause, Condition, Event, Lock, Queue, Semaphore, Task, TaskBuilder, TaskError,
    TaskState, WaitReason, clock, current, shield, sleep, spawn, timeout_after, try_current,
    yield_now,
};

use crate::{LONG, each_kernel, exactly, ms, now};

#[bibelot::test(uring, poll, sim)]
async fn a_spawn_is_no_blocking_point_and_the_child_starts_when_its_parent_parks() {
    let started = Rc::new(Cell::new(false));
    let flag = started.clone();
    current_is_cancelled(async move {
        let child = spawn(async move { flag.set(true) });
        assert!(!started.get());
        assert!(yield_now().await.is_err(), "here it was heard");
        child.await.unwrap();
        assert!(started.get());
    })
    .await;
}

/// Runs `body` in a task that was asked to stop before its first poll.
async fn current_is_cancelled(body: impl Future<Output = ()> + 'static) {
    let task = spawn(body);
    task.cancel_nowait();
    task.await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn a_task_outlives_the_one_that_spawned_it_and_is_not_cancelled_with_it() {
    let parent = spawn(async {
        let child = spawn(async { sleep(ms(5)).await.map_or("cut", |_| "grown") });
        let _ = sleep(LONG).await;
        child
    });
    yield_now().await.unwrap();
    parent.cancel_nowait();
    let child = parent.await.unwrap();
    assert!(!child.is_finished() && !child.was_cancelled());
    assert_eq!(child.await.unwrap(), "grown");
}

#[test]
fn a_task_knows_itself_and_outside_there_is_none() {
    assert!(try_current().is_none());
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        kernel.block_on(async {
            let task = spawn(async { (current().id(), try_current().unwrap().id()) });
            let id = task.id();
            assert_eq!(task.await.unwrap(), (id, id));
        });
        assert!(try_current().is_none());
    });
}

#[bibelot::test(uring, poll, sim)]
async fn to_wait_for_a_task_collects_nothing_and_raises_nothing() {
    let panics = spawn(async { std::panic::resume_unwind(Box::new("on purpose")) });
    panics.wait().await.unwrap();
    panics.wait().await.unwrap();
    let ended: Result<(), TaskError> = panics.await;
    assert!(matches!(ended, Err(TaskError::Panicked(_))));
    // The only error is the waiter's own.
    let endless = Rc::new(spawn(sleep(LONG)));
    let waits = endless.clone();
    let waiter = spawn(async move { waits.wait().await });
    yield_now().await.unwrap();
    waiter.cancel_nowait();
    assert!(matches!(
        waiter.await.unwrap().unwrap_err().cause(),
        Cause::Task
    ));
    endless.cancel().await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancel_of_an_ended_task_is_nothing() {
    let task = spawn(async { 7 });
    task.wait().await.unwrap();
    assert!(!task.cancel_nowait());
    task.cancel().await.unwrap();
    assert!(!task.was_cancelled());
    assert_eq!(task.await.unwrap(), 7);
}

#[bibelot::test(uring, poll, sim)]
async fn what_goes_wrong_while_a_task_dies_is_not_told_to_who_cancels_it() {
    let task = spawn(async {
        let _ = sleep(LONG).await;
        std::panic::resume_unwind(Box::new("in its clean-up"))
    });
    yield_now().await.unwrap();
    task.cancel().await.unwrap();
    let ended: Result<(), TaskError> = task.await;
    assert!(matches!(ended, Err(TaskError::Panicked(_))));
}

#[test]
fn a_cancel_that_was_not_waited_out_and_a_second_leave_the_clean_up_alone() {
    exactly(async {
        let task = spawn(async {
            let cut = sleep(LONG).await.unwrap_err();
            (sleep(ms(50)).await.is_ok(), cut.is_live(), now())
        });
        yield_now().await?;
        let cut = timeout_after(ms(10), task.cancel()).await;
        assert!(cut.unwrap_err().timed_out());
        assert!(!task.is_finished());
        task.cancel().await?;
        assert_eq!(task.await?, (true, true, 50));
        Ok(())
    });
}

#[bibelot::test(uring, poll, sim)]
async fn a_cancel_of_a_task_that_wakes_in_the_same_turn_comes_at_its_next_wait() {
    let deadline = clock() + ms(5);
    let target: Rc<RefCell<Option<Task<_>>>> = Rc::default();
    let aims = target.clone();
    let first = spawn(async move {
        bibelot::sleep_until(deadline).await.unwrap();
        aims.borrow().as_ref().unwrap().cancel_nowait()
    });
    *target.borrow_mut() = Some(spawn(async move {
        let woke = bibelot::sleep_until(deadline).await;
        (woke.is_ok(), sleep(LONG).await.is_err())
    }));
    assert!(first.await.unwrap());
    let target = target.take().unwrap();
    assert_eq!(target.await.unwrap(), (true, true));
}

#[bibelot::test(uring, poll, sim)]
async fn to_cancel_oneself_and_wait_is_cut_at_once() {
    let own: Rc<RefCell<Option<Rc<Task<bool>>>>> = Rc::default();
    let me = own.clone();
    let task = Rc::new(spawn(async move {
        let me = me.take().unwrap();
        let cut = me.cancel().await;
        matches!(cut.unwrap_err().cause(), Cause::Task)
    }));
    *own.borrow_mut() = Some(task.clone());
    assert!(task.join().await.unwrap());
}

#[test]
fn numbers_grow_over_all_kernels_and_say_who_spawned_whom() {
    let mut last = 0;
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let (parent, child, born) = kernel.block_on(async {
            let parent = spawn(async {
                let child = TaskBuilder::new().name("kid").spawn(sleep(ms(1)));
                (child.id(), child.info().unwrap())
            });
            let id = parent.id();
            let (child, born) = parent.await.unwrap();
            (id, child, born)
        });
        assert!(parent < child && parent.number() < child.number());
        assert_eq!(
            (born.parent, born.number),
            (parent.number(), child.number())
        );
        assert_eq!(born.name.as_deref(), Some("kid"));
        assert!(born.spawn_site.unwrap().file().ends_with("curio/tasks.rs"));
    });
    for _ in 0..3 {
        let mut kernel = bibelot::Kernel::new().unwrap();
        let number = kernel.block_on(async { spawn(async {}).id().number() });
        assert!(number > last, "never used twice in a process");
        last = number;
    }
}

#[test]
fn a_task_tells_what_it_is_doing() {
    exactly(async {
        let (queue, full) = (Queue::<u8>::unbounded(), Queue::bounded(1));
        full.put(1).await?;
        let (event, lock, permits) = (Event::new(), Lock::new(()), Semaphore::new(1));
        let condition = Condition::new();
        let (held, permit) = (lock.lock().await?, permits.acquire().await?);
        let target = Rc::new(spawn(async {
            let _ = sleep(LONG).await;
        }));
        macro_rules! waits {
            ([$($name:ident)*] $body:expr) => {{
                $(let $name = $name.clone();)*
                TaskBuilder::new().spawn(async move { let _ = $body.await; })
            }};
        }
        let own = Rc::new(Lock::new(()));
        let tasks = [
            (WaitReason::Sleep, waits!([] sleep(LONG))),
            (WaitReason::Join, waits!([target] target.wait())),
            (WaitReason::Event, waits!([event] event.wait())),
            (WaitReason::Lock, waits!([lock] lock.lock())),
            (WaitReason::Semaphore, waits!([permits] permits.acquire())),
            (
                WaitReason::Condition,
                waits!([condition own] async {
                    condition.wait(own.lock().await.unwrap()).await.1
                }),
            ),
            (WaitReason::QueueGet, waits!([queue] queue.get())),
            (WaitReason::QueuePut, waits!([full] full.put(2))),
            (WaitReason::QueueJoin, waits!([full] full.join())),
        ];
        let fresh = spawn(async { current().info().unwrap().state });
        assert_eq!(fresh.info().unwrap().state, TaskState::Initial);
        yield_now().await?;
        for (reason, task) in &tasks {
            let info = task.info().unwrap();
            assert_eq!(info.state, TaskState::Parked(*reason));
            assert_eq!(info.polls, 1);
            task.cancel_nowait();
            assert_eq!(task.info().unwrap().state, TaskState::Ready);
        }
        assert_eq!(fresh.info().unwrap().state, TaskState::Terminated);
        assert_eq!(fresh.await?, TaskState::Running);
        for (_, task) in tasks {
            task.await?;
        }
        target.cancel().await?;
        drop((held, permit));
        Ok(())
    });
}

#[test]
fn a_daemon_is_missed_by_nobody_and_ends_with_its_kernel() {
    each_kernel(|builder| {
        let mut kernel = builder.build().unwrap();
        let ended = Rc::new(Cell::new(false));
        let flag = ended.clone();
        kernel.block_on(async {
            let daemon = TaskBuilder::new().daemon().spawn(async move {
                assert!(sleep(LONG).await.is_err());
                flag.set(true);
            });
            assert!(daemon.info().unwrap().daemon);
            daemon.detach();
            yield_now().await.unwrap();
        });
        assert!(!ended.get());
        assert!(kernel.shutdown().is_clean());
        assert!(ended.get());
    });
}

#[bibelot::test(uring, poll, sim)]
async fn all_who_wait_for_a_task_wake_in_the_turn_in_which_it_ends() {
    let task = Rc::new(spawn(sleep(ms(5))));
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let task = task.clone();
            spawn(async move {
                task.wait().await.unwrap();
                // The clock is read once a turn.
                clock()
            })
        })
        .collect();
    let mut woke = Vec::new();
    for waiter in waiters {
        woke.push(waiter.await.unwrap());
    }
    assert_eq!(woke, [woke[0]; 3]);
}

#[bibelot::test(uring, poll, sim)]
async fn whoever_asks_for_no_cancellation_has_a_shield_around_its_body() {
    let task = spawn(shield(async { sleep(ms(3)).await.is_ok() }));
    yield_now().await.unwrap();
    task.cancel().await.unwrap();
    assert!(task.was_cancelled() && task.await.unwrap());
}
