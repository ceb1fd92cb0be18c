//! One harness for every primitive, in both shells.
//!
//! A random program begins waits, polls them, moves them to other wakers, cuts them before and after
//! their grant, lets go of what they got, acts without waiting, and arms wakers that call back into the
//! primitive while they are woken. Beside it runs a model that says by rules, not by hand-over, who is to
//! be served. After every step:
//!
//! - what came out is what the model says, in both shells;
//! - those that were woken are those that the model serves, and nobody else;
//! - nobody sleeps while a newcomer could be served without waiting;
//!
//! and at the end, when all waits are cut and all is let go, every item and token is where it was.

mod barrier;
mod broadcast;
mod condition;
mod event;
mod limiter;
mod linear;
mod lock;
mod notify;
mod once;
mod once_cell;
mod order;
mod queue;
mod reentrant;
mod rendezvous;
mod rwlock;
mod semaphore;
mod wait_line;
mod watch;
mod world;

use proptest::prelude::*;
use world::{Step, Subject, run, steps};

/// Runs a program in both shells; they are to give the same log.
fn same<L: Subject, U: Subject>(setting: u8, program: &[Step]) {
    let local = run::<L>(setting, program);
    let universal = run::<U>(setting, program);
    assert_eq!(local, universal, "the shells differ");
}

macro_rules! subjects {
    ($($name:ident: $subject:ident of $module:ident),* $(,)?) => {
        proptest! {
            #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
            $(
                #[test]
                fn $name(setting in 0_u8..4, program in steps()) {
                    use bibelot_sync::generic::{Local, Universal};
                    same::<$module::$subject<Local>, $module::$subject<Universal>>(setting, &program);
                }
            )*
        }
    };
}

subjects! {
    events_keep_their_promises: Subject of event,
    queues_keep_their_promises: Fifo of queue,
    stacks_keep_their_promises: Lifo of queue,
    priority_queues_keep_their_promises: Priority of queue,
    rendezvous_keep_their_promises: Subject of rendezvous,
    locks_keep_their_promises: Subject of lock,
    rwlocks_keep_their_promises: Subject of rwlock,
    semaphores_keep_their_promises: Subject of semaphore,
    notifications_keep_their_promises: Subject of notify,
    conditions_keep_their_promises: Subject of condition,
    reentrant_locks_keep_their_promises: Subject of reentrant,
    limiters_keep_their_promises: Subject of limiter,
    barriers_keep_their_promises: Subject of barrier,
    once_cells_keep_their_promises: Subject of once_cell,
    watches_keep_their_promises: Subject of watch,
    broadcasts_keep_their_promises: Subject of broadcast,
    lines_keep_their_promises: Subject of wait_line,
    results_keep_their_promises: Subject of once,
}
