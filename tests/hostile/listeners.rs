//! Observers and listeners that use the kernel and panic.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bibelot::{Observer, TaskBuilder, TaskId, spawn, yield_now};

use crate::meddler::meddle;
use crate::run::on_each;

/// Meddles whenever it hears something, and panics.
struct Noisy;

impl Observer for Noisy {
    fn created(&self, _: TaskId) {
        panic!("an observer panics");
    }

    fn running(&self, task: TaskId) {
        assert!(bibelot::try_current().is_some_and(|current| current.id() == task));
    }

    fn terminated(&self, _: TaskId, _: bibelot::Terminated) {
        let _ = bibelot::clock();
        panic!("an observer panics");
    }
}

#[test]
fn an_observer_that_panics_disturbs_nobody() {
    on_each(|builder| {
        let value = builder
            .observer(Noisy)
            .run(async {
                let task = spawn(async {
                    yield_now().await.unwrap();
                    7
                });
                task.await
            })
            .unwrap();
        assert_eq!(value.unwrap(), 7);
    });
}

/// Ends each task in a way of its own when it is about to run.
struct Assassin(Cell<u32>);

impl Observer for Assassin {
    fn running(&self, _: TaskId) {
        let Some(task) = bibelot::try_current() else {
            return;
        };
        let n = self.0.get();
        self.0.set(n + 1);
        match n % 5 {
            0 => task.abort(),
            1 => drop(task.cancel_nowait()),
            2 => drop(task.interrupt()),
            3 => meddle(),
            _ => {}
        }
    }

    fn suspended(&self, _: TaskId, _: bibelot::Suspended) {
        meddle();
    }
}

#[test]
fn an_observer_may_end_what_is_about_to_run() {
    on_each(|builder| {
        let mut kernel = builder.observer(Assassin(Cell::new(1))).build().unwrap();
        let tasks = kernel.block_on(async {
            let tasks = [(); 40].map(|()| {
                spawn(async {
                    for _ in 0..3 {
                        let _ = yield_now().await;
                    }
                    7
                })
            });
            for _ in 0..20 {
                let _ = yield_now().await;
            }
            tasks
        });
        let ends = tasks
            .iter()
            .map(|task| task.try_take().expect("it has ended"));
        let returned = ends.filter(Result::is_ok).count();
        assert!(returned < 40, "some were aborted before they ran");
        assert_eq!(kernel.counters().panicked, 0);
        drop(tasks);
        assert!(kernel.shutdown().failure.is_none());
    });
}

/// Notes every task that it hears of.
struct Noting(Rc<RefCell<Vec<TaskId>>>);

impl Observer for Noting {
    fn created(&self, task: TaskId) {
        self.0.borrow_mut().push(task);
    }
}

#[test]
fn a_listener_that_panics_or_meddles_is_contained() {
    on_each(|builder| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let mut kernel = builder.observer(Noting(seen.clone())).build().unwrap();
        kernel.block_on(async {
            let task = TaskBuilder::new()
                .on_end(|_| {
                    meddle();
                    panic!("a listener panics");
                })
                .spawn(async { 7 });
            assert_eq!(task.join().await.unwrap(), 7);
        });
        assert!(seen.borrow().len() >= 3);
        kernel.shutdown();
    });
}
