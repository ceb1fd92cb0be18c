//! No operation allocates once a primitive has grown, parked waits and many wakes included.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use bibelot_sync::generic::{
    Barrier, CapacityLimiter, Condition, Event, Fifo, Lock, Notify, Priority, Queue, ReentrantLock,
    RwLock, Semaphore, Shell, watch,
};
use common::in_both_shells;

in_both_shells! {
    queues_do_not_allocate,
    events_do_not_allocate,
    locks_and_semaphores_do_not_allocate,
    notifications_and_conditions_do_not_allocate,
    rwlocks_and_reentrant_locks_do_not_allocate,
    limiters_and_barriers_do_not_allocate,
    reserved_ranked_and_forced_items_do_not_allocate,
    a_watch_whose_values_are_not_kept_does_not_allocate,
}

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator; the count is a thread-local without a destructor, so
// touching it allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of this function, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs `round` until the primitives have grown, then counts.
fn assert_steady(mut round: impl FnMut()) {
    for _ in 0..3 {
        round();
    }
    let before = COUNT.get();
    for _ in 0..100 {
        round();
    }
    assert_eq!(COUNT.get() - before, 0, "allocations");
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn queues_do_not_allocate<S: Shell>() {
    let queue = Queue::<Fifo<[u64; 4]>, S>::bounded(4);
    assert_steady(|| {
        let mut gets = [(); 8].map(|()| queue.get());
        gets.iter_mut()
            .for_each(|get| assert!(poll(get).is_pending()));
        for item in 0..12 {
            queue.try_put([item; 4]).unwrap();
        }
        let mut puts = [(); 4].map(|()| queue.put([9; 4]));
        puts.iter_mut()
            .for_each(|put| assert!(poll(put).is_pending()));
        let mut join = queue.join();
        assert!(poll(&mut join).is_pending());
        drop(puts);
        gets.iter_mut()
            .for_each(|get| assert!(poll(get).is_ready()));
        while queue.try_get().is_ok() {}
        while queue.task_done().is_ok() {}
        assert!(poll(&mut join).is_ready());
    });
}

fn events_do_not_allocate<S: Shell>() {
    let event = Event::<S>::new();
    assert_steady(|| {
        let mut waits = [(); 64].map(|()| event.wait());
        waits
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        event.set();
        waits
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_ready()));
        event.clear();
    });
}

fn locks_and_semaphores_do_not_allocate<S: Shell>() {
    let (lock, semaphore) = (Lock::<u64, S>::new(0), Semaphore::<S>::new(3));
    assert_steady(|| {
        let guard = lock.try_lock().unwrap();
        let permit = semaphore.try_acquire_many(3).unwrap();
        let mut locks = [(); 5].map(|()| lock.lock());
        let mut acquires = [(); 5].map(|()| semaphore.acquire());
        locks
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        acquires
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        drop((guard, permit));
        assert!(poll(&mut locks[0]).is_ready());
        acquires[..3]
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_ready()));
    });
}

fn notifications_and_conditions_do_not_allocate<S: Shell>() {
    let (notify, condition, lock) = (
        Notify::<S>::new(),
        Condition::<S>::new(),
        Lock::<_, S>::new(0),
    );
    assert_steady(|| {
        let mut waits = [(); 3].map(|()| notify.notified());
        waits
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        notify.notify_one();
        notify.notify_all();
        waits
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_ready()));
        let mut wait = condition.wait(lock.try_lock().unwrap());
        assert!(poll(&mut wait).is_pending());
        condition.notify(1);
        assert!(poll(&mut wait).is_ready());
    });
}

fn rwlocks_and_reentrant_locks_do_not_allocate<S: Shell>() {
    let (lock, own) = (RwLock::<u64, S>::new(0), ReentrantLock::<u64, S>::new(0));
    assert_steady(|| {
        let (guard, held) = (lock.try_write().unwrap(), own.try_lock(9_u64).unwrap());
        let mut reads = [(); 4].map(|()| lock.read());
        let mut locks = [1_u64, 2, 1, 2].map(|owner| own.lock(owner));
        reads
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        locks
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        drop((guard, held));
        assert!(reads.iter_mut().all(|wait| poll(wait).is_ready()));
        assert!(poll(&mut locks[2]).is_ready());
    });
}

fn limiters_and_barriers_do_not_allocate<S: Shell>() {
    let (limiter, barrier) = (CapacityLimiter::<S>::new(2), Barrier::<S>::new(4));
    assert_steady(|| {
        let tokens = [1_u64, 2].map(|owner| limiter.try_borrow(owner).unwrap());
        let mut borrows = [3_u64, 4, 5].map(|owner| limiter.borrow(owner));
        let mut waits = [(); 3].map(|()| barrier.wait());
        borrows
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        waits
            .iter_mut()
            .for_each(|wait| assert!(poll(wait).is_pending()));
        drop(tokens);
        assert!(borrows[..2].iter_mut().all(|wait| poll(wait).is_ready()));
        assert!(poll(&mut barrier.wait()).is_ready());
        assert!(waits.iter_mut().all(|wait| poll(wait).is_ready()));
    });
}

fn reserved_ranked_and_forced_items_do_not_allocate<S: Shell>() {
    let queue = Queue::<Priority<u8, u64>, S>::bounded(4);
    let rendezvous = Queue::<Fifo<u64>, S>::rendezvous();
    assert_steady(|| {
        queue.try_reserve().unwrap().put((1, 1));
        for rank in 0..6 {
            queue.force_put((rank, 2)).unwrap();
        }
        let mut reserve = queue.reserve();
        assert!(poll(&mut reserve).is_pending());
        drop(queue.try_get_guard().unwrap());
        assert!(poll(&mut reserve).is_ready());
        while queue.try_get().is_ok() {}
        let mut put = rendezvous.put(1);
        assert!(poll(&mut put).is_pending());
        rendezvous.try_get().unwrap();
    });
}

fn a_watch_whose_values_are_not_kept_does_not_allocate<S: Shell>() {
    let (sender, mut receiver) = watch::<u64, S>(0);
    assert_steady(|| {
        let mut wait = receiver.changed();
        assert!(poll(&mut wait).is_pending());
        sender.send(1);
        sender.update(|value| *value += 1);
        assert!(poll(&mut wait).is_ready());
        drop(wait);
        assert_eq!(*receiver.see(), 2);
    });
}
