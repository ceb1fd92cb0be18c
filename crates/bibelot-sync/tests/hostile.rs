//! Code of users that calls back or panics wherever it is run: wakers that are cloned, woken and dropped,
//! items that are dropped, formatters.

mod common;

use bibelot_sync::generic::{Event, Fifo, Lock, Queue, Semaphore, Shell};
use common::{Flag, in_both_shells, now, poll};
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use telling::{Told, tell};

in_both_shells! {
    a_waker_that_puts_while_it_is_cloned_ends_the_wait_at_once,
    a_waker_that_takes_the_grant_away_while_it_is_cloned_leaves_the_wait_parked,
    a_waker_may_use_the_queue_whatever_is_done_to_it,
    of_many_wakers_all_are_woken_though_some_panic,
    a_panicking_waker_does_not_lose_the_item_of_who_woke_it,
    a_wake_that_wakes_others_reaches_all,
    an_item_may_use_its_queue_while_it_is_dropped,
    a_formatter_may_use_what_it_prints,
    a_wait_polled_after_its_end_panics_and_breaks_nothing,
    a_waker_whose_clones_all_differ_is_woken_once,
}

/// A waker that tells of everything that is done to it.
mod telling {
    use std::cell::RefCell;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Told {
        Cloned,
        Woken,
        Dropped,
    }

    type Listener = Box<dyn FnMut(Told)>;

    thread_local! {
        static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
    }

    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            told(Told::Cloned);
            // No two clones are alike, so `will_wake` is never true.
            RawWaker::new(data.wrapping_byte_add(1), &TABLE)
        },
        |_| told(Told::Woken),
        |_| told(Told::Woken),
        |_| told(Told::Dropped),
    );

    /// Runs the listener, unless it is running.
    fn told(what: Told) {
        if let Some(mut listener) = LISTENER.take() {
            listener(what);
            LISTENER.set(Some(listener));
        }
    }

    /// Runs `body` with a waker of which `listener` hears.
    pub fn tell(listener: impl FnMut(Told) + 'static, body: impl FnOnce(&Waker)) {
        LISTENER.set(Some(Box::new(listener)));
        // SAFETY: the data is a number that is never followed, and all functions of the table are sound
        // for any number and on any thread.
        let waker = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) };
        body(&waker);
        LISTENER.take();
    }
}

fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A waker that runs `body` when it is woken, which must not use what belongs to another thread.
struct Waking<F>(F);

impl<F: Fn() + Send + Sync> Wake for Waking<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

type Fifoq<T, S> = Queue<Fifo<T>, S>;

fn a_waker_that_puts_while_it_is_cloned_ends_the_wait_at_once<S: Shell>() {
    let queue = Fifoq::<u32, S>::unbounded();
    let mut get = queue.get();
    let other = queue.clone();
    let puts = move |what| {
        if what == Told::Cloned {
            other.try_put(1).unwrap();
        }
    };
    tell(puts, |waker| {
        assert_eq!(poll_with(&mut get, waker), Poll::Ready(Ok(1)));
    });
}

fn a_waker_that_takes_the_grant_away_while_it_is_cloned_leaves_the_wait_parked<S: Shell>() {
    let queue = Fifoq::<u32, S>::bounded(1);
    queue.try_put(1).unwrap();
    let mut put = queue.put(2);
    let other = queue.clone();
    let gets_and_puts = move |what| {
        if what == Told::Cloned {
            assert_eq!(other.try_get(), Ok(1));
            other.try_put(1).unwrap();
        }
    };
    tell(gets_and_puts, |waker| {
        assert!(poll_with(&mut put, waker).is_pending());
    });
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(poll(&mut put, &Flag::new()), Poll::Ready(Ok(())));
}

fn a_waker_may_use_the_queue_whatever_is_done_to_it<S: Shell>() {
    let queue = Fifoq::<u32, S>::bounded(1);
    let other = queue.clone();
    let uses = move |_| {
        let (mut get, mut put) = (other.get(), other.put(9));
        let _ = poll(&mut get, &Flag::new());
        let _ = poll(&mut put, &Flag::new());
        let _ = (format!("{other:?}"), other.try_put(9), other.try_get());
        drop(put);
        drop(get);
        while other.try_get().is_ok() {}
    };
    tell(uses, |waker| {
        let mut gets = [queue.get(), queue.get(), queue.get()];
        for get in &mut gets {
            if poll_with(get, waker).is_pending() {
                let _ = poll_with(get, waker);
            }
        }
        let mut joins = [queue.join(), queue.join()];
        queue.try_put(1).unwrap();
        for join in &mut joins {
            let _ = poll_with(join, waker);
        }
        queue.close();
        drop(gets);
        drop(joins);
    });
    assert!(format!("{queue:?}").contains("getters: 0, putters: 0, joiners: 0"));
}

fn of_many_wakers_all_are_woken_though_some_panic<S: Shell>() {
    let event = Event::<S>::new();
    let flags: Vec<_> = (0..20).map(|_| Flag::new()).collect();
    let panicking = Waker::from(Arc::new(Waking(|| resume_unwind(Box::new(())))));
    let mut waits: Vec<_> = flags.iter().map(|_| event.wait()).collect();
    for (index, (wait, flag)) in waits.iter_mut().zip(&flags).enumerate() {
        match index % 3 {
            0 => assert!(poll_with(wait, &panicking).is_pending()),
            _ => assert!(poll(wait, flag).is_pending()),
        }
    }
    event.set();
    for (index, (wait, flag)) in waits.iter_mut().zip(&flags).enumerate() {
        assert_eq!(flag.take(), index % 3 != 0);
        assert!(poll(wait, flag).is_ready());
    }
}

fn a_panicking_waker_does_not_lose_the_item_of_who_woke_it<S: Shell>() {
    let queue = Fifoq::<u32, S>::bounded(1);
    queue.try_put(1).unwrap();
    let panicking = Waker::from(Arc::new(Waking(|| resume_unwind(Box::new(())))));
    let mut put = queue.put(2);
    assert!(poll_with(&mut put, &panicking).is_pending());
    assert_eq!(now(queue.get()), Ok(1));
    assert_eq!(poll(&mut put, &Flag::new()), Poll::Ready(Ok(())));
    assert_eq!(queue.try_get(), Ok(2));
}

fn a_wake_that_wakes_others_reaches_all<S: Shell>() {
    let (first, second) = (Event::<S>::new(), Event::<S>::new());
    let flags: Vec<_> = (0..9).map(|_| Flag::new()).collect();
    let mut others: Vec<_> = flags.iter().map(|_| second.wait()).collect();
    for (wait, flag) in others.iter_mut().zip(&flags) {
        assert!(poll(wait, flag).is_pending());
    }
    let chain = (first.clone(), second.clone());
    let sets = move |what| {
        if what == Told::Woken {
            chain.0.clear();
            chain.1.set();
            chain.0.set();
        }
    };
    tell(sets, |waker| {
        let mut waits = [first.wait(), first.wait(), first.wait()];
        for wait in &mut waits {
            assert!(poll_with(wait, waker).is_pending());
        }
        first.set();
        for wait in &mut waits {
            assert!(poll_with(wait, waker).is_ready());
        }
    });
    assert!(first.is_set() && flags.iter().all(Flag::take));
}

/// Puts a number into a queue when it is dropped.
struct Last<S: Shell>(Fifoq<u32, S>);

impl<S: Shell> Drop for Last<S> {
    fn drop(&mut self) {
        self.0.try_put(7).unwrap();
        let _ = poll(&mut self.0.get(), &Flag::new());
        self.0.try_put(8).unwrap();
    }
}

fn an_item_may_use_its_queue_while_it_is_dropped<S: Shell>() {
    let heard = Fifoq::<u32, S>::unbounded();
    let queue = Fifoq::<Rc<Last<S>>, S>::bounded(1);
    queue.try_put(Rc::new(Last(heard.clone()))).unwrap();
    let mut put = queue.put(Rc::new(Last(heard.clone())));
    assert!(poll(&mut put, &Flag::new()).is_pending());
    drop(put);
    assert_eq!(heard.try_get(), Ok(8));
    drop(queue);
    assert_eq!(heard.try_get(), Ok(8));
}

/// A place to print to that uses what is printed.
struct Nosy<'a, S: Shell>(&'a Event<S>, &'a Semaphore<S>, String);

impl<S: Shell> Write for Nosy<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.set();
        drop(self.1.try_acquire());
        self.2.push_str(text);
        Ok(())
    }
}

fn a_formatter_may_use_what_it_prints<S: Shell>() {
    let (event, semaphore) = (Event::<S>::new(), Semaphore::<S>::new(1));
    let mut nosy = Nosy(&event, &semaphore, String::new());
    write!(nosy, "{event:?} {semaphore:?}").unwrap();
    assert!(nosy.2.starts_with("Event { set: false, waiters: 0 }"));
    assert!(
        nosy.2
            .ends_with("free: 1, bound: 1, closed: false, waiters: 0 }")
    );
}

fn a_wait_polled_after_its_end_panics_and_breaks_nothing<S: Shell>() {
    let lock = Lock::<u32, S>::new(1);
    let mut wait = lock.lock();
    assert!(poll(&mut wait, &Flag::new()).is_ready());
    let again = catch_unwind(AssertUnwindSafe(|| {
        poll(&mut wait, &Flag::new()).is_ready()
    }));
    let message = *again.unwrap_err().downcast::<&str>().unwrap();
    assert_eq!(message, "a wait was polled after its end");
    drop(wait);
    assert!(lock.try_lock().is_some());
}

fn a_waker_whose_clones_all_differ_is_woken_once<S: Shell>() {
    let event = Event::<S>::new();
    let counts = Rc::new(std::cell::Cell::new((0, 0, 0)));
    let counted = counts.clone();
    let count = move |what| {
        let (cloned, woken, dropped) = counted.get();
        counted.set(match what {
            Told::Cloned => (cloned + 1, woken, dropped),
            Told::Woken => (cloned, woken + 1, dropped),
            Told::Dropped => (cloned, woken, dropped + 1),
        });
    };
    tell(count, |waker| {
        let mut wait = event.wait();
        for _ in 0..5 {
            assert!(poll_with(&mut wait, waker).is_pending());
        }
        event.set();
        assert!(poll_with(&mut wait, waker).is_ready());
    });
    // Woken by value, so the last clone is not dropped.
    assert_eq!(counts.get(), (5, 1, 4));
}
