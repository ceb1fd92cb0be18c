//! Once-cells: who makes the value, and what happens when that is cut, fails or panics.

mod common;

use bibelot_sync::generic::{OnceCell, Shell};
use bibelot_sync::{Event, SetError};
use common::{Flag, in_both_shells, now, poll};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;

in_both_shells! {
    the_first_makes_the_value_and_all_read_it,
    an_initialiser_is_not_called_when_the_value_is_there,
    a_cut_initialiser_is_dropped_before_the_next_begins,
    a_failed_initialiser_passes_its_turn_on,
    a_panicking_initialiser_passes_its_turn_on,
    a_turn_that_was_passed_to_a_dropped_waiter_goes_on,
    the_value_releases_all_that_wait_at_once,
    set_is_refused_while_the_value_is_made_and_after,
    debug_prints_the_state,
}

fn the_first_makes_the_value_and_all_read_it<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    let other = cell.clone();
    assert_eq!(now(cell.get_or_init(|| ready(1))), &1);
    assert_eq!((cell.get(), other.get()), (Some(&1), Some(&1)));
}

fn an_initialiser_is_not_called_when_the_value_is_there<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    cell.set(3).unwrap();
    let not_called = || -> std::future::Ready<u32> { panic!("called") };
    assert_eq!(now(cell.get_or_init(not_called)), &3);
}

/// Says how many of its kind are alive.
struct Alive(Rc<Cell<u32>>);

impl Alive {
    fn new(count: &Rc<Cell<u32>>) -> Self {
        count.set(count.get() + 1);
        assert_eq!(count.get(), 1, "two initialisers at a time");
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn a_cut_initialiser_is_dropped_before_the_next_begins<S: Shell>() {
    let (cell, count) = (OnceCell::<u32, S>::new(), Rc::new(Cell::new(0)));
    let flag = Flag::new();
    let mut making = cell.get_or_init(|| {
        let alive = Alive::new(&count);
        async move {
            let _alive = alive;
            pending().await
        }
    });
    assert!(poll(&mut making, &flag).is_pending());
    let mut next = cell.get_or_init(|| {
        let alive = Alive::new(&count);
        async move {
            drop(alive);
            2
        }
    });
    assert!(poll(&mut next, &flag).is_pending());
    assert!(!flag.take());
    drop(making);
    assert!(flag.take());
    assert_eq!((now(next), count.get()), (&2, 0));
}

fn a_failed_initialiser_passes_its_turn_on<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    let fails = cell.get_or_try_init(|| ready(Err::<u32, _>("no")));
    assert_eq!(now(fails), Err("no"));
    assert_eq!(
        now(cell.get_or_try_init(|| ready(Ok::<_, Infallible>(4)))),
        Ok(&4)
    );
}

fn a_panicking_initialiser_passes_its_turn_on<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    for in_closure in [true, false] {
        let made = catch_unwind(AssertUnwindSafe(|| {
            let init = || {
                if in_closure {
                    std::panic::resume_unwind(Box::new(()));
                }
                async { std::panic::resume_unwind(Box::new(())) }
            };
            now(cell.get_or_init(init));
        }));
        assert!(made.is_err() && cell.get().is_none());
    }
    assert_eq!(now(cell.get_or_init(|| ready(5))), &5);
}

fn a_turn_that_was_passed_to_a_dropped_waiter_goes_on<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    let flags = [Flag::new(), Flag::new()];
    let mut making = cell.get_or_init(pending);
    assert!(poll(&mut making, &Flag::new()).is_pending());
    let mut waits = [1, 2].map(|value| cell.get_or_init(move || ready(value)));
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    drop(making);
    assert!(flags[0].take() && !flags[1].take());
    let [first, second] = waits;
    drop(first);
    assert!(flags[1].take());
    assert_eq!(now(second), &2);
}

fn the_value_releases_all_that_wait_at_once<S: Shell>() {
    let (cell, event) = (OnceCell::<u32, S>::new(), Event::new());
    let mut making = cell.get_or_init(|| async {
        event.wait().await;
        6
    });
    assert!(poll(&mut making, &Flag::new()).is_pending());
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    let mut waits = [(); 3].map(|()| cell.get_or_init(|| ready(0)));
    for (wait, flag) in waits.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    event.set();
    assert_eq!(poll(&mut making, &Flag::new()), Poll::Ready(&6));
    assert!(flags.iter().all(Flag::take));
    for wait in waits {
        assert_eq!(now(wait), &6);
    }
}

fn set_is_refused_while_the_value_is_made_and_after<S: Shell>() {
    let cell = OnceCell::<u32, S>::new();
    let mut making = cell.get_or_init(pending);
    assert!(poll(&mut making, &Flag::new()).is_pending());
    assert!(matches!(cell.set(1), Err(SetError::Initialising(1))));
    drop(making);
    assert_eq!(cell.set(2), Ok(()));
    assert!(matches!(cell.set(3), Err(SetError::Full(3))));
    assert_eq!(cell.get(), Some(&2));
}

fn debug_prints_the_state<S: Shell>() {
    let cell = OnceCell::<u32, S>::default();
    let mut making = cell.get_or_init(pending);
    let state = || format!("{cell:?}");
    assert_eq!(state(), "OnceCell { value: none yet, waiters: 0 }");
    assert!(poll(&mut making, &Flag::new()).is_pending());
    assert_eq!(state(), "OnceCell { value: being made, waiters: 0 }");
    assert_eq!(
        format!("{making:?}"),
        "GetOrInit { parked: false, making: true, .. }"
    );
    drop(making);
    cell.set(1).unwrap();
    assert_eq!(state(), "OnceCell { value: there, waiters: 0 }");
}

#[test]
fn many_threads_make_one_value() {
    let (cell, made) = (bibelot_sync::OnceCell::new(), std::sync::Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let value = cell.get_or_init_blocking(|| {
                    *made.lock().unwrap() += 1;
                    42
                });
                assert_eq!(value, &42);
            });
        }
    });
    assert_eq!(*made.lock().unwrap(), 1);
    assert_eq!(cell.get_or_try_init_blocking(|| Err(())), Ok(&42));
}
