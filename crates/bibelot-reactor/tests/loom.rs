//! The model of a sleep and its wakes: no interleaving loses a wake.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p bibelot-reactor --release loom`
#![cfg(loom)]

use bibelot_reactor::Unpark;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

/// Sleeps, as a reactor does, until `count` messages have come.
fn sleep_until<K: Fn() + Send + Sync + 'static>(
    unpark: &Unpark<K>,
    kick: &Notify,
    messages: &AtomicUsize,
    count: usize,
) {
    // Relaxed: what orders a message before its wake is to be the unpark alone.
    while messages.load(Ordering::Relaxed) < count {
        if unpark.sleep() {
            kick.wait();
        }
        unpark.woke();
    }
}

fn check(wakers: usize, preemption_bound: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemption_bound;
    model.check(move || {
        let kick = Arc::new(Notify::new());
        let messages = Arc::new(AtomicUsize::new(0));
        let kicking = kick.clone();
        let unpark = Unpark::new(move || kicking.notify());
        let threads: Vec<_> = (0..wakers)
            .map(|_| {
                let (unpark, messages) = (unpark.clone(), messages.clone());
                thread::spawn(move || {
                    messages.fetch_add(1, Ordering::Relaxed);
                    unpark.wake();
                })
            })
            .collect();
        sleep_until(&unpark, &kick, &messages, wakers);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn loom_one_wake_is_never_lost() {
    check(1, None);
}

#[test]
fn loom_of_two_wakes_none_is_lost() {
    // Without a bound this takes half a minute, and finds nothing more.
    check(2, Some(3));
}
