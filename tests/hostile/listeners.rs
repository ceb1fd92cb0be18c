//! Observers and listeners that use the kernel and panic.

use std::cell::RefCell;
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
