//! Tasks: spawning, joining, cancelling, aborting, looking.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bibelot::{
    Cause, Observer, Suspended, Task, TaskBuilder, TaskError, TaskId, TaskState, Terminated,
    WaitReason, current, sleep, spawn, yield_now,
};

const LONG: Duration = Duration::from_secs(3600);

fn is_send<T: Send>(value: T) -> T {
    value
}

#[bibelot::test(uring, poll, sim)]
async fn handles_are_send_whatever_the_task_is() {
    let local = Rc::new(7);
    let task = is_send(spawn(async move {
        yield_now().await.unwrap();
        local
    }));
    assert_eq!(*task.await.unwrap(), 7);
    is_send(sleep(Duration::ZERO)).await.unwrap();
}

#[bibelot::test(uring, poll, sim)]
async fn a_value_is_taken_once_and_everybody_may_wait() {
    let task = Rc::new(spawn(async {
        sleep(Duration::from_millis(1)).await.unwrap();
        String::from("value")
    }));
    let waiters: Vec<Task<()>> = (0..3)
        .map(|_| {
            let task = task.clone();
            spawn(async move { task.wait().await.unwrap() })
        })
        .collect();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(task.join().await.unwrap(), "value");
    assert!(matches!(task.join().await, Err(TaskError::Taken)));
    assert!(task.is_finished());
}

#[bibelot::test(uring, poll, sim)]
async fn a_panic_is_the_joiners_to_handle() {
    let task = spawn(async { panic!("{} on purpose", "panicked") });
    match task.await {
        Err(TaskError::Panicked(panic)) => {
            assert_eq!(panic.message(), Some("panicked on purpose"));
        }
        other => panic!("unexpected: {other:?}"),
    }
}

#[bibelot::test(uring, poll, sim)]
async fn a_second_cancel_only_waits() {
    let task = spawn(async {
        let first = sleep(LONG).await.unwrap_err();
        assert!(matches!(first.cause(), Cause::Task));
        sleep(Duration::from_millis(5)).await.unwrap();
        42
    });
    yield_now().await.unwrap();
    assert!(task.cancel_nowait());
    assert!(!task.cancel_nowait());
    task.cancel().await.unwrap();
    assert!(task.was_cancelled());
    assert_eq!(task.join().await.unwrap(), 42);
    assert!(!task.cancel_nowait(), "it has ended");
}

#[bibelot::test(uring, poll, sim)]
async fn a_reason_of_ones_own_arrives() {
    let task = spawn(sleep(LONG));
    yield_now().await.unwrap();
    task.cancel_with(std::fmt::Error);
    let cut = task.await.unwrap().unwrap_err();
    assert!(cut.downcast_ref::<std::fmt::Error>().is_some());
}

#[bibelot::test(uring, poll, sim)]
async fn an_interrupted_task_goes_on() {
    let task = spawn(async {
        let mut interrupts = 0;
        while let Err(cut) = sleep(Duration::from_millis(50)).await {
            assert!(matches!(cut.cause(), Cause::Interrupt));
            interrupts += 1;
        }
        interrupts
    });
    for _ in 0..3 {
        sleep(Duration::from_millis(1)).await.unwrap();
        assert!(task.interrupt());
    }
    assert!(!task.was_cancelled());
    assert_eq!(task.await.unwrap(), 3);
}

#[bibelot::test(uring, poll, sim)]
async fn abort_drops_the_future_on_the_spot() {
    struct Guard(Rc<Cell<bool>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let guard = Guard(dropped.clone());
    let task = spawn(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    yield_now().await.unwrap();
    task.abort();
    assert!(dropped.get());
    assert!(matches!(task.await, Err(TaskError::Aborted)));
}

#[bibelot::test(uring, poll, sim)]
async fn an_aborted_task_that_was_queued_is_not_run_and_its_slot_is_used_again() {
    let ran = Rc::new(Cell::new(0));
    for _ in 0..10 {
        let counter = ran.clone();
        let task = spawn(async move { counter.set(counter.get() + 1) });
        task.abort();
        drop(task);
        let counter = ran.clone();
        spawn(async move { counter.set(counter.get() + 100) }).detach();
    }
    sleep(Duration::from_millis(1)).await.unwrap();
    assert_eq!(ran.get(), 1000);
}

#[bibelot::test(uring, poll, sim)]
async fn a_task_that_aborts_itself_ends_when_its_poll_returns() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let seen = log.clone();
    let task = spawn(async move {
        current().abort();
        seen.borrow_mut().push("still here");
        yield_now().await.unwrap();
        seen.borrow_mut().push("never");
    });
    assert!(matches!(task.await, Err(TaskError::Aborted)));
    assert_eq!(*log.borrow(), ["still here"]);
}

#[bibelot::test(uring, poll, sim)]
async fn a_deaf_task_is_dropped_when_it_is_cancelled() {
    let task = spawn(std::future::pending::<()>());
    yield_now().await.unwrap();
    task.cancel().await.unwrap();
    match task.join().await {
        Err(TaskError::Cancelled(cut)) => assert!(matches!(cut.cause(), Cause::Task)),
        other => panic!("unexpected: {other:?}"),
    }
}

#[bibelot::test(uring, poll, sim)]
async fn the_joiner_that_is_cut_leaves_the_task_alone() {
    let worker = Rc::new(spawn(async {
        sleep(Duration::from_millis(5)).await.unwrap();
        7
    }));
    let joined = worker.clone();
    let joiner = spawn(async move { joined.join().await });
    yield_now().await.unwrap();
    joiner.cancel().await.unwrap();
    assert!(matches!(
        joiner.await.unwrap(),
        Err(TaskError::Interrupted(_))
    ));
    assert_eq!(worker.join().await.unwrap(), 7);
}

#[bibelot::test(uring, poll, sim)]
async fn requests_and_drops_from_other_threads_arrive() {
    let tasks: Vec<Task<bool>> = (0..20)
        .map(|_| spawn(async { sleep(LONG).await.is_err() }))
        .collect();
    yield_now().await.unwrap();
    let names: Vec<_> = tasks.iter().map(Task::name_it).collect();
    let dropped = spawn(async {});
    let thread = std::thread::spawn(move || {
        for name in names {
            assert!(name.cancel_nowait());
        }
        drop(dropped);
    });
    // In a simulated world time would jump past a real thread.
    thread.join().unwrap();
    for task in tasks {
        assert!(task.await.unwrap());
    }
}

#[test]
fn a_monitor_sees_name_parent_state_and_place() {
    let mut kernel = bibelot::Kernel::new().unwrap();
    let reader = kernel.reader();
    let ids: Vec<TaskId> = kernel.block_on(async {
        let parent = spawn(async {
            let child = TaskBuilder::new().name("child").daemon().spawn(sleep(LONG));
            let id = child.id();
            child.detach();
            let _ = bibelot::timeout_after(LONG, sleep(LONG)).await;
            id
        });
        for _ in 0..3 {
            yield_now().await.unwrap();
        }
        let id = parent.id();
        parent.detach();
        vec![id]
    });
    let tasks = std::thread::spawn(move || reader.snapshot())
        .join()
        .unwrap();
    let parent = tasks
        .iter()
        .find(|task| task.number == ids[0].number())
        .unwrap();
    let child = tasks
        .iter()
        .find(|task| task.name.as_deref() == Some("child"))
        .unwrap();
    assert_eq!(child.parent, parent.number);
    assert!(child.daemon && !parent.daemon);
    assert_eq!(child.state, TaskState::Parked(WaitReason::Sleep));
    assert!(child.site.unwrap().file().ends_with("tasks.rs"));
    assert_eq!(child.deadline, None);
    assert!(parent.deadline.is_some());
    assert_eq!(child.polls, 1);
}

#[test]
fn an_observer_hears_of_each_task_in_order() {
    #[derive(Default)]
    struct Log(Rc<RefCell<Vec<(u64, &'static str)>>>);
    impl Log {
        fn note(&self, task: TaskId, what: &'static str) {
            self.0.borrow_mut().push((task.number(), what));
        }
    }
    impl Observer for Log {
        fn created(&self, task: TaskId) {
            self.note(task, "created");
        }
        fn running(&self, task: TaskId) {
            self.note(task, "running");
        }
        fn suspended(&self, task: TaskId, why: Suspended) {
            let why = match why {
                Suspended::Ready => "ready",
                Suspended::Waits(_) => "waits",
            };
            self.note(task, why);
        }
        fn terminated(&self, task: TaskId, how: Terminated) {
            assert_eq!(how, Terminated::Returned);
            self.note(task, "terminated");
        }
    }
    let log = Log::default();
    let seen = log.0.clone();
    let mut kernel = bibelot::Kernel::builder().observer(log).build().unwrap();
    let id = kernel.block_on(async {
        let task = spawn(async {
            yield_now().await.unwrap();
            sleep(Duration::from_millis(1)).await.unwrap();
        });
        let id = task.id();
        task.await.unwrap();
        id
    });
    let seen: Vec<&str> = seen
        .borrow()
        .iter()
        .filter(|(number, _)| *number == id.number())
        .map(|(_, what)| *what)
        .collect();
    let expected = [
        "created",
        "running",
        "ready",
        "running",
        "waits",
        "running",
        "terminated",
    ];
    assert_eq!(seen, expected);
}
