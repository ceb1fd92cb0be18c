//! Read-write locks: one line for readers and writers, guards that become one another.

mod common;

use bibelot_sync::generic::{RwLock, Shell};
use common::{Flag, in_both_shells, now, poll};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

in_both_shells! {
    readers_share_and_a_writer_is_alone,
    a_reader_who_comes_after_a_waiting_writer_waits_behind_it,
    a_writer_lets_in_all_readers_up_to_the_next_writer,
    readers_behind_a_writer_that_is_dropped_go_on,
    a_dropped_waiter_that_was_granted_passes_the_lock_on,
    a_writer_that_becomes_a_reader_lets_readers_in_and_no_writer,
    the_only_reader_may_become_the_writer,
    owned_guards_outlive_their_handle_and_drop_the_value_with_the_last,
    a_panic_of_the_writer_lets_go,
    debug_prints_the_state_of_the_lock_and_the_value_of_a_guard,
}

fn readers_share_and_a_writer_is_alone<S: Shell>() {
    let lock = RwLock::<u32, S>::new(1);
    let (one, other) = (now(lock.read()), lock.try_read().unwrap());
    assert_eq!((*one, *other, lock.readers()), (1, 1, 2));
    assert!(lock.try_write().is_none() && !lock.is_writing());
    drop(one);
    assert!(lock.try_write().is_none());
    drop(other);
    let mut guard = now(lock.write());
    *guard += 1;
    assert!(lock.is_writing() && lock.try_read().is_none() && lock.try_write().is_none());
    drop(guard);
    assert_eq!(*now(lock.read()), 2);
}

fn a_reader_who_comes_after_a_waiting_writer_waits_behind_it<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let reader = now(lock.read());
    let flags = [Flag::new(), Flag::new()];
    let (mut write, mut read) = (lock.write(), lock.read());
    assert!(poll(&mut write, &flags[0]).is_pending());
    assert!(poll(&mut read, &flags[1]).is_pending() && lock.try_read().is_none());
    drop(reader);
    assert!(flags[0].take() && !flags[1].take());
    *now(write) = 5;
    assert!(flags[1].take());
    assert_eq!(*now(read), 5);
}

fn a_writer_lets_in_all_readers_up_to_the_next_writer<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let writer = now(lock.write());
    let flags: Vec<_> = (0..5).map(|_| Flag::new()).collect();
    let mut reads = [lock.read(), lock.read(), lock.read(), lock.read()];
    let mut write = lock.write();
    for at in 0..3 {
        assert!(poll(&mut reads[at], &flags[at]).is_pending());
    }
    assert!(poll(&mut write, &flags[3]).is_pending());
    assert!(poll(&mut reads[3], &flags[4]).is_pending());
    drop(writer);
    assert_eq!(
        flags.iter().map(Flag::take).collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
    assert_eq!(lock.readers(), 3);
    drop(reads);
    assert!(flags[3].take() && lock.is_writing());
    assert!(poll(&mut write, &flags[3]).is_ready());
}

fn readers_behind_a_writer_that_is_dropped_go_on<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let reader = now(lock.read());
    let flags = [Flag::new(), Flag::new()];
    let (mut write, mut read) = (lock.write(), lock.read());
    assert!(poll(&mut write, &flags[0]).is_pending());
    assert!(poll(&mut read, &flags[1]).is_pending());
    drop(write);
    assert!(flags[1].take());
    assert!(poll(&mut read, &flags[1]).is_ready());
    drop(reader);
}

fn a_dropped_waiter_that_was_granted_passes_the_lock_on<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let reader = now(lock.read());
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    let (mut write, mut read, mut last) = (lock.write(), lock.read(), lock.write());
    assert!(poll(&mut write, &flags[0]).is_pending());
    assert!(poll(&mut read, &flags[1]).is_pending());
    assert!(poll(&mut last, &flags[2]).is_pending());
    drop(reader);
    drop(write);
    assert!(flags[1].take() && !flags[2].take());
    drop(read);
    assert!(flags[2].take());
    *now(last) = 1;
}

fn a_writer_that_becomes_a_reader_lets_readers_in_and_no_writer<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let mut writer = now(lock.write());
    let flags = [Flag::new(), Flag::new()];
    let (mut read, mut write) = (lock.read(), lock.write());
    assert!(poll(&mut read, &flags[0]).is_pending());
    assert!(poll(&mut write, &flags[1]).is_pending());
    *writer = 3;
    let reader = writer.downgrade();
    assert!(flags[0].take() && !flags[1].take());
    assert_eq!((*reader, *now(read)), (3, 3));
    drop(reader);
    assert!(flags[1].take());
    drop(write);
}

fn the_only_reader_may_become_the_writer<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let (one, other) = (now(lock.read()), now(lock.read()));
    let one = one.try_upgrade().unwrap_err();
    drop(other);
    let mut write = lock.write();
    assert!(poll(&mut write, &Flag::new()).is_pending());
    let mut writer = one.try_upgrade().unwrap();
    *writer += 1;
    assert!(poll(&mut write, &Flag::new()).is_pending());
    drop(writer);
    assert_eq!(*now(write), 1);
}

fn owned_guards_outlive_their_handle_and_drop_the_value_with_the_last<S: Shell>() {
    let value = std::rc::Rc::new(());
    let lock = RwLock::<_, S>::new(Some(value.clone()));
    let guards = [now(lock.read()).into_owned(), now(lock.read()).into_owned()];
    drop(lock);
    for guard in guards {
        assert!(guard.is_some() && std::rc::Rc::strong_count(&value) == 2);
    }
    assert_eq!(std::rc::Rc::strong_count(&value), 1);

    let lock = RwLock::<_, S>::new(Some(value.clone()));
    let mut guard = now(lock.write()).into_owned();
    *guard = None;
    assert_eq!(std::rc::Rc::strong_count(&value), 1);
    drop(guard);
    assert!(now(lock.read()).is_none());
}

fn a_panic_of_the_writer_lets_go<S: Shell>() {
    let lock = RwLock::<u32, S>::default();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        *now(lock.write()) = 9;
        let _guard = now(lock.write());
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(panicked.is_err());
    assert_eq!(*lock.try_read().unwrap(), 9);
}

fn debug_prints_the_state_of_the_lock_and_the_value_of_a_guard<S: Shell>() {
    let lock = RwLock::<u32, S>::new(4);
    let guard = now(lock.read());
    let mut write = lock.write();
    assert!(matches!(poll(&mut write, &Flag::new()), Poll::Pending));
    assert_eq!(
        format!("{guard:?} {write:?}"),
        "4 Writing { parked: true, .. }"
    );
    assert_eq!(
        format!("{lock:?}"),
        "RwLock { readers: 1, writing: false, waiters: 1 }"
    );
}
