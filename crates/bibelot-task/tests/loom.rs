//! Every order of what other threads may do to a task, and what its home does meanwhile.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p bibelot-task --release loom`
#![cfg(loom)]
#![allow(unsafe_code, reason = "implements `Schedule`, and wakers that tell")]

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use bibelot_task::{Aborted, PanicPayload, Ran, Runnable, Schedule, Site, TaskRef};
use bibelot_task::{JoinError, JoinHandle, spawn, spawn_joinable};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

loom::thread_local! {
    static HOME: Cell<usize> = Cell::new(0);
}

/// What a task carries. Loom fails a run that leaks the post, and with it a cell.
struct Tag {
    home: usize,
    post: Arc<Post>,
    /// Read by every use of the cell and written by its end: loom fails a run in which no order lies
    /// between.
    cell: UnsafeCell<()>,
}

impl Drop for Tag {
    fn drop(&mut self) {
        // The crate contains panics, so loom's is kept for the end of the model.
        if std::panic::catch_unwind(AssertUnwindSafe(|| self.cell.with_mut(|_| ()))).is_err() {
            FAILED.set(true);
        }
    }
}

std::thread_local! {
    /// Loom runs all threads of a model on one thread of the system.
    static FAILED: Cell<bool> = const { Cell::new(false) };
}

struct Post {
    ready: Mutex<Vec<Runnable<Tag>>>,
    open: Cell<bool>,
}

// SAFETY: `open` is under the lock of `ready`.
unsafe impl Send for Post {}
// SAFETY: as above.
unsafe impl Sync for Post {}

// SAFETY: that loom checks `cell` is what it is for.
unsafe impl Sync for Tag {}

// SAFETY: each model numbers its homes, and only its main thread has one.
unsafe impl Schedule for Tag {
    fn is_home(&self) -> bool {
        self.cell.with(|_| ());
        HOME.try_with(|home| home.get() == self.home)
            .unwrap_or(false)
    }

    fn push(&self, runnable: Runnable<Self>) {
        assert!(self.is_home());
        self.push_foreign(runnable);
    }

    fn report(&self, _: Site, _: PanicPayload) {
        FAILED.set(true);
    }

    fn push_foreign(&self, runnable: Runnable<Self>) {
        let mut ready = self.post.ready.lock().unwrap();
        if self.post.open.get() {
            // One from home and one from afar: the models have one task in a house.
            assert!(ready.len() < 2, "more runnables than rights to run");
            ready.push(runnable);
        } else {
            drop(ready);
            drop(runnable);
        }
    }
}

struct House {
    number: usize,
    post: Arc<Post>,
}

impl House {
    fn new(number: usize) -> Self {
        HOME.with(|home| home.set(number));
        let post = Post {
            ready: Mutex::new(Vec::new()),
            open: Cell::new(true),
        };
        Self {
            number,
            post: Arc::new(post),
        }
    }

    fn tag(&self) -> Tag {
        let cell = UnsafeCell::new(());
        Tag {
            home: self.number,
            post: self.post.clone(),
            cell,
        }
    }

    /// Runs what is ready now; says what ended.
    fn run(&self) -> Option<Ran<Tag>> {
        let mut end = None;
        loop {
            let Some(runnable) = self.post.ready.lock().unwrap().pop() else {
                return end;
            };
            match runnable.run() {
                Ran::Woken(runnable) => self.post.ready.lock().unwrap().push(runnable),
                Ran::Parked | Ran::Stale => {}
                ran => assert!(end.replace(ran).is_none(), "two ends"),
            }
        }
    }

    /// Ends the home: nothing runs here any more.
    fn end(self, task: Option<TaskRef<Tag>>) {
        if let Some(task) = task {
            let _ = task.end_home();
        }
        let left = {
            let mut ready = self.post.ready.lock().unwrap();
            self.post.open.set(false);
            std::mem::take(&mut *ready)
        };
        drop(left);
        HOME.with(|home| home.set(0));
    }
}

/// Counts drops. `Arc` of std, so that counting adds no steps to the model.
#[derive(Clone, Default)]
struct Count(std::sync::Arc<std::sync::atomic::AtomicUsize>);

struct Counted(Count);

impl Count {
    fn one(&self) -> Counted {
        Counted(self.clone())
    }

    fn get(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// A waker that counts its wakes.
fn teller(told: &'static std::sync::atomic::AtomicUsize) -> Waker {
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(|data| RawWaker::new(data, &TABLE), tell, tell, |_| ());
    fn tell(data: *const ()) {
        // SAFETY: the data is a static counter.
        let told = unsafe { &*data.cast::<std::sync::atomic::AtomicUsize>() };
        told.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    // SAFETY: the data is valid for ever.
    unsafe { Waker::new(std::ptr::from_ref(told).cast(), &TABLE) }
}

fn counter() -> &'static std::sync::atomic::AtomicUsize {
    Box::leak(Box::default())
}

fn read(counter: &std::sync::atomic::AtomicUsize) -> usize {
    counter.load(std::sync::atomic::Ordering::SeqCst)
}

/// A future that is pending for ever, and what it saw of `flag` in its last poll.
fn watcher(
    flag: &Arc<AtomicUsize>,
    held: Counted,
) -> (impl Future<Output = ()> + 'static, std::rc::Rc<Cell<usize>>) {
    let seen = std::rc::Rc::new(Cell::new(0));
    let (flag, inner) = (flag.clone(), seen.clone());
    let future = poll_fn(move |_| {
        let _held = &held;
        // Relaxed: that the wake comes first must be enough to see what was before it.
        inner.set(flag.load(Ordering::Relaxed));
        Poll::Pending
    });
    (future, seen)
}

/// Every interleaving; with a bound, those with so many preemptions at most.
fn model(bound: Option<usize>, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound;
    builder.check(move || {
        body();
        assert!(!FAILED.get(), "see above");
    });
}

mod loom_finds {
    use super::*;

    #[test]
    fn that_a_wake_from_afar_against_a_run_is_followed_by_a_poll() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let flag = Arc::new(AtomicUsize::new(0));
            let (future, seen) = watcher(&flag, count.one());
            let (runnable, task) = spawn(future, house.tag());
            let waker = task.waker();
            let other = thread::spawn(move || {
                flag.fetch_add(1, Ordering::Relaxed);
                waker.wake_by_ref();
                flag.fetch_add(1, Ordering::Relaxed);
                waker.wake();
            });
            assert!(matches!(runnable.run(), Ran::Parked));
            house.run();
            other.join().unwrap();
            house.run();
            assert_eq!(seen.get(), 2);
            assert_eq!(count.get(), 0);
            house.end(Some(task));
            assert_eq!(count.get(), 1);
        });
    }

    #[test]
    fn that_wakes_from_two_threads_and_home_are_followed_by_a_poll() {
        model(Some(3), || {
            let (house, count) = (House::new(1), Count::default());
            let flag = Arc::new(AtomicUsize::new(0));
            let (future, seen) = watcher(&flag, count.one());
            let (runnable, task) = spawn(future, house.tag());
            let others = [1, 2].map(|_| {
                let (flag, waker) = (flag.clone(), task.waker());
                thread::spawn(move || {
                    flag.fetch_add(1, Ordering::Relaxed);
                    waker.wake();
                })
            });
            assert!(matches!(runnable.run(), Ran::Parked));
            flag.fetch_add(1, Ordering::Relaxed);
            task.wake();
            house.run();
            for other in others {
                other.join().unwrap();
            }
            house.run();
            assert_eq!(seen.get(), 3);
            house.end(Some(task));
            assert_eq!(count.get(), 1);
        });
    }

    #[test]
    fn that_a_wake_against_the_end_frees_all_once() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let (runnable, task) = spawn(async move { held }, house.tag());
            let waker = task.waker();
            let other = thread::spawn(move || {
                waker.wake_by_ref();
                drop(waker.clone());
            });
            assert!(matches!(runnable.run(), Ran::Returned));
            assert!(house.run().is_none());
            drop(task.waker());
            drop(task);
            assert_eq!(count.get(), 1);
            other.join().unwrap();
            assert!(house.run().is_none());
            house.end(None);
        });
    }

    #[test]
    fn that_a_waker_made_after_the_end_frees_the_cell() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let (runnable, task) = spawn(async move { held }, house.tag());
            assert!(matches!(runnable.run(), Ran::Returned));
            let waker = task.waker();
            let other = thread::spawn(move || drop(waker.clone()));
            drop(task);
            assert_eq!(count.get(), 1);
            house.end(None);
            other.join().unwrap();
        });
    }

    #[test]
    fn that_a_detached_task_that_returns_is_freed_by_its_last_waker() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let (runnable, task) = spawn(async move { held }, house.tag());
            let waker = task.waker();
            drop(task);
            let other = thread::spawn(move || drop(waker.clone()));
            assert!(matches!(runnable.run(), Ran::Returned));
            assert_eq!(count.get(), 1);
            house.end(None);
            other.join().unwrap();
        });
    }

    #[test]
    fn that_the_drop_of_a_runnable_against_a_wake_ends_the_task() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let flag = Arc::new(AtomicUsize::new(0));
            let (future, _) = watcher(&flag, count.one());
            let (runnable, task) = spawn(future, house.tag());
            let waker = task.waker();
            let other = thread::spawn(move || waker.wake());
            drop(runnable);
            assert_eq!(count.get(), 1);
            assert!(task.is_ended());
            drop(task);
            other.join().unwrap();
            assert!(house.run().is_none());
            house.end(None);
        });
    }

    #[test]
    fn that_a_clone_sent_home_does_not_hide_the_waker_it_came_from() {
        model(None, || {
            let house = House::new(1);
            let (runnable, task) = spawn(async {}, house.tag());
            let waker = task.waker();
            let sent = Arc::new(Mutex::new(None));
            let other = thread::spawn({
                let sent = sent.clone();
                move || {
                    *sent.lock().unwrap() = Some(waker.clone());
                    waker.wake_by_ref();
                }
            });
            assert!(matches!(runnable.run(), Ran::Returned));
            drop(sent.lock().unwrap().take());
            drop(task);
            other.join().unwrap();
            drop(sent.lock().unwrap().take());
            house.end(None);
        });
    }

    #[test]
    fn that_the_last_waker_of_a_detached_task_has_it_dropped_at_home() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let seen = std::rc::Rc::new(Cell::new(None));
            let inner = seen.clone();
            // Not `Send`: loom would see the `Rc`'s count race if another thread dropped it.
            let future = poll_fn(move |cx| {
                let _held = &held;
                inner.set(Some(cx.waker().clone()));
                Poll::<()>::Pending
            });
            let (runnable, task) = spawn(future, house.tag());
            assert!(matches!(runnable.run(), Ran::Parked));
            let waker = seen.take().unwrap();
            let other = thread::spawn(move || {
                drop(waker.clone());
                drop(waker);
            });
            drop(task);
            other.join().unwrap();
            assert!(matches!(house.run(), None | Some(Ran::Aborted)));
            assert_eq!(count.get(), 1);
            house.end(None);
        });
    }

    #[test]
    fn that_the_end_of_a_home_against_wakers_frees_all_once() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let flag = Arc::new(AtomicUsize::new(0));
            let (future, _) = watcher(&flag, count.one());
            let (runnable, task) = spawn(future, house.tag());
            let second = task.clone();
            let waker = task.waker();
            let other = thread::spawn(move || {
                let clone = waker.clone();
                waker.wake();
                drop(clone);
            });
            assert!(matches!(runnable.run(), Ran::Parked));
            let kept = task.waker();
            house.end(Some(task));
            assert_eq!(count.get(), 1);
            // Another home on the same thread: for the old wakers it is a foreign thread.
            let next = House::new(2);
            kept.wake_by_ref();
            second.wake();
            drop(kept.clone());
            drop(kept);
            drop(second);
            assert!(next.run().is_none());
            next.end(None);
            other.join().unwrap();
        });
    }

    #[test]
    fn that_a_join_from_another_thread_gets_the_value_and_is_woken() {
        model(None, || {
            let house = House::new(1);
            let (runnable, task, handle) = spawn_joinable(async { Box::new(7) }, house.tag());
            let other = thread::spawn(move || join(handle));
            assert!(matches!(runnable.run(), Ran::Returned));
            drop(task);
            assert_eq!(*other.join().unwrap().unwrap(), 7);
            house.end(None);
        });
    }

    #[test]
    fn that_a_join_which_changes_its_waker_is_woken_by_the_last() {
        model(None, || {
            let house = House::new(1);
            let (runnable, task, mut handle) = spawn_joinable(async { Box::new(7) }, house.tag());
            let other = thread::spawn(move || {
                let told = [counter(), counter()];
                for told in told {
                    let waker = teller(told);
                    let poll = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
                    if let Poll::Ready(value) = poll {
                        return (*value.unwrap(), None);
                    }
                }
                (0, Some((handle, told[1])))
            });
            assert!(matches!(runnable.run(), Ran::Returned));
            drop(task);
            match other.join().unwrap() {
                (value, None) => assert_eq!(value, 7),
                (_, Some((handle, told))) => {
                    assert_eq!(read(told), 1);
                    assert!(handle.is_ended());
                    assert_eq!(*join(handle).unwrap(), 7);
                }
            }
            house.end(None);
        });
    }

    #[test]
    fn that_a_detach_against_the_end_drops_the_value_once() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let (runnable, task, mut handle) = spawn_joinable(async move { held }, house.tag());
            let other = thread::spawn(move || {
                let waker = teller(counter());
                let poll = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
                drop((poll, handle));
            });
            assert!(matches!(runnable.run(), Ran::Returned));
            drop(task);
            other.join().unwrap();
            assert_eq!(count.get(), 1);
            house.end(None);
        });
    }

    #[test]
    fn that_an_abort_from_afar_against_a_run_ends_the_task_at_home() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let held = count.one();
            let future = async move {
                let _held = held;
                pending::<()>().await;
            };
            let (runnable, task, handle) = spawn_joinable(future, house.tag());
            let other = thread::spawn(move || {
                handle.abort();
                handle
            });
            let mut ends = usize::from(matches!(runnable.run(), Ran::Aborted));
            ends += usize::from(house.run().is_some());
            let handle = other.join().unwrap();
            ends += usize::from(house.run().is_some());
            assert_eq!(ends, 1);
            assert_eq!(count.get(), 1);
            drop(task);
            assert!(matches!(join(handle), Err(JoinError::Aborted)));
            house.end(None);
        });
    }

    #[test]
    fn that_a_home_that_ends_against_a_join_says_aborted() {
        model(None, || {
            let house = House::new(1);
            let (runnable, task, handle) = spawn_joinable(pending::<()>(), house.tag());
            let other = thread::spawn(move || join(handle));
            assert!(matches!(runnable.run(), Ran::Parked));
            house.end(Some(task));
            assert!(matches!(other.join().unwrap(), Err(JoinError::Aborted)));
        });
    }

    #[test]
    fn that_a_home_that_ends_inside_an_abort_against_a_join_leaves_the_joiner_to_one_of_them() {
        struct Ends(std::rc::Rc<Cell<Option<TaskRef<Tag>>>>);
        impl Drop for Ends {
            fn drop(&mut self) {
                assert_eq!(self.0.take().unwrap().end_home(), Aborted::HadEnded);
            }
        }
        model(None, || {
            let house = House::new(1);
            let slot = std::rc::Rc::new(Cell::new(None));
            let ends = Ends(slot.clone());
            let future = async move {
                let _ends = ends;
                pending::<()>().await;
            };
            let (runnable, task, handle) = spawn_joinable(future, house.tag());
            slot.set(Some(task));
            let other = thread::spawn(move || join(handle));
            drop(runnable);
            house.end(None);
            assert!(matches!(other.join().unwrap(), Err(JoinError::Aborted)));
        });
    }

    #[test]
    fn that_a_runnable_dropped_afar_leaves_the_future_to_its_home() {
        model(None, || {
            let (house, count) = (House::new(1), Count::default());
            let flag = Arc::new(AtomicUsize::new(0));
            let (future, _) = watcher(&flag, count.one());
            let (runnable, task) = spawn(future, house.tag());
            let other = thread::spawn(move || drop(runnable));
            task.wake();
            drop(task.waker());
            assert_eq!(count.get(), 0);
            house.end(Some(task));
            assert_eq!(count.get(), 1);
            other.join().unwrap();
        });
    }
}

/// Polls until ready, again only after a wake: loom finds a wake that is lost as a deadlock.
fn join<T>(mut handle: JoinHandle<T, Tag>) -> Result<T, JoinError> {
    let woken = Arc::new(Notify::new());
    let waker = notify_waker(&woken);
    loop {
        if let Poll::Ready(value) = Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        woken.wait();
    }
}

/// A waker that notifies.
fn notify_waker(woken: &Arc<Notify>) -> Waker {
    const TABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            let woken = notify_of(data);
            let data = Arc::into_raw(Arc::clone(&woken));
            std::mem::forget(woken);
            RawWaker::new(data.cast(), &TABLE)
        },
        |data| notify_of(data).notify(),
        |data| {
            let woken = notify_of(data);
            woken.notify();
            std::mem::forget(woken);
        },
        |data| drop(notify_of(data)),
    );
    fn notify_of(data: *const ()) -> Arc<Notify> {
        // SAFETY: the data is that of an `Arc`, which the callers own or give back.
        unsafe { Arc::from_raw(data.cast()) }
    }
    // SAFETY: the table keeps the count of the `Arc`.
    unsafe { Waker::new(Arc::into_raw(woken.clone()).cast(), &TABLE) }
}
