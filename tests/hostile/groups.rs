//! Groups whose members, and whose members' errors, do what they should not.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use bibelot::{Cancelled, Group, TaskGroup, Wait, sleep, yield_now};

use crate::meddler::Bomb;
use crate::run::on_each;

#[test]
fn a_group_of_bombs_ends_with_its_group() {
    on_each(|builder| {
        let ended = Rc::new(Cell::new(0));
        struct Counts(Rc<Cell<u32>>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        builder
            .run(async {
                let group: TaskGroup<(), bibelot::Error> = TaskGroup::new(Wait::All);
                for _ in 0..4 {
                    let counts = Counts(ended.clone());
                    group
                        .spawn(async move {
                            let _counts = counts;
                            let _bomb = Bomb;
                            pending::<()>().await;
                            bibelot::Ok(())
                        })
                        .unwrap();
                }
                yield_now().await.unwrap();
                drop(group);
                assert_eq!(ended.get(), 4);
            })
            .unwrap();
    });
}

#[test]
fn a_member_may_drop_its_own_group() {
    on_each(|builder| {
        builder
            .run(async {
                type Held = Rc<RefCell<Option<TaskGroup<(), bibelot::Error>>>>;
                let held: Held = Rc::default();
                let group: TaskGroup<(), bibelot::Error> = TaskGroup::new(Wait::All);
                let inner = held.clone();
                let killer = group
                    .spawn(async move {
                        let group = inner.borrow_mut().take();
                        drop(group);
                        sleep(Duration::from_secs(3600)).await?;
                        bibelot::Ok(())
                    })
                    .unwrap();
                let other = group
                    .spawn(async move {
                        sleep(Duration::from_secs(3600)).await?;
                        bibelot::Ok(())
                    })
                    .unwrap();
                held.replace(Some(group));
                killer.wait().await.unwrap();
                assert!(other.is_finished() && killer.is_finished());
            })
            .unwrap();
    });
}

#[test]
fn a_drop_in_a_group_may_use_the_group() {
    struct Uses(Group<(), bibelot::Error>, Rc<Cell<u32>>);
    impl Drop for Uses {
        fn drop(&mut self) {
            let refused = self.0.spawn(async { bibelot::Ok(()) }).is_err();
            self.1.set(self.1.get() + u32::from(refused));
            for member in self.0.members() {
                member.cancel_nowait();
                member.abort();
            }
            self.0.cancel_members();
        }
    }
    on_each(|builder| {
        builder
            .run(async {
                let refused = Rc::new(Cell::new(0));
                let group: TaskGroup<(), bibelot::Error> = TaskGroup::new(Wait::All);
                for _ in 0..5 {
                    let uses = Uses(group.clone(), refused.clone());
                    group
                        .spawn(async move {
                            let _uses = uses;
                            pending::<()>().await;
                            bibelot::Ok(())
                        })
                        .unwrap();
                }
                yield_now().await.unwrap();
                drop(group);
                assert_eq!(refused.get(), 5);
            })
            .unwrap();
    });
}

/// An error that panics when it is asked where it comes from.
#[derive(Debug)]
struct BadError;

impl fmt::Display for BadError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a display panics");
    }
}

impl Error for BadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        panic!("a source panics");
    }
}

impl From<Cancelled> for BadError {
    fn from(_: Cancelled) -> Self {
        Self
    }
}

#[test]
fn an_error_that_panics_when_it_is_looked_at_does_not_hang_its_group() {
    on_each(|builder| {
        builder
            .run(async {
                let group: TaskGroup<(), BadError> = TaskGroup::new(Wait::All);
                let member = group
                    .spawn(async {
                        let _ = sleep(Duration::from_secs(3600)).await;
                        Err(BadError)
                    })
                    .unwrap();
                yield_now().await.unwrap();
                // Only of one that was cancelled is it asked whether its error is that.
                member.cancel_nowait();
                let outcome = group.join().await.unwrap();
                assert_eq!(outcome.errors().count(), 1);
            })
            .unwrap();
    });
}
