//! The timers: whom to wake when.
//!
//! Nearly every timer is a sleep's or a limit's that is polled with its task's own waker: then the task's key
//! is all that is kept, in the wheel's entry itself, and nothing is counted or dropped. What needs more, a
//! waker of a combinator's or an alarm of the table of objects, lies beside the wheel. The wheel is told the
//! time only when something in it may be due.
//!
//! # Invariants
//!
//! - Each of the `others` belongs to one timer in the wheel.
//! - No timer is due before `soonest`.
//! - No waker is cloned, woken or dropped under the borrow.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use bibelot_timer::{Instant, Key, Wheel};
use slab::Slab;

use crate::core::{Core, contain};
use crate::io;
use crate::tasks::TaskKey;

/// All timers of one kernel.
pub(crate) struct Timers {
    set: RefCell<Set>,
    soonest: Cell<Instant>,
}

struct Set {
    wheel: Wheel<Timer>,
    others: Slab<Other>,
}

/// What a timer does when its time has come, in ten bytes: so that an entry of the wheel has 32.
#[derive(Clone, Copy)]
enum Timer {
    /// Wakes a task.
    Task {
        slot: [u16; 2],
        generation: [u16; 2],
    },
    /// Does what is kept at this place.
    Other([u16; 2]),
}

/// What does not fit an entry.
pub(crate) enum Other {
    Wake(Waker),
    Io(io::Alarm),
}

impl Timer {
    #[inline]
    fn task(key: TaskKey) -> Self {
        Self::Task {
            slot: halves(key.slot),
            generation: halves(key.generation),
        }
    }
}

#[inline]
fn halves(word: u32) -> [u16; 2] {
    [word as u16, (word >> 16) as u16]
}

#[inline]
fn word([low, high]: [u16; 2]) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

/// Who is to be woken when a timer fires.
enum Due {
    Task(TaskKey),
    Other(Other),
}

impl Timers {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            set: RefCell::new(Set {
                wheel: Wheel::new(now),
                others: Slab::new(),
            }),
            soonest: Cell::new(Instant::FAR),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.borrow().wheel.is_empty()
    }

    /// Whether a timer may be due.
    #[inline]
    pub(crate) fn may_be_due(&self, now: Instant) -> bool {
        now >= self.soonest.get()
    }

    /// A timer is set.
    #[inline]
    fn note(&self, at: Instant) {
        if at < self.soonest.get() {
            self.soonest.set(at);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.set.borrow().wheel.next_deadline()
    }

    /// When a timer fires; `None` if it has fired.
    #[inline]
    pub(crate) fn deadline(&self, key: Key) -> Option<Instant> {
        self.set.borrow().wheel.deadline(key)
    }

    /// Sets a timer that wakes a task.
    #[inline]
    fn wake_task(&self, at: Instant, task: TaskKey) -> Key {
        self.note(at);
        self.set.borrow_mut().wheel.insert(at, Timer::task(task))
    }

    /// Sets a timer that does something else.
    pub(crate) fn insert(&self, at: Instant, other: Other) -> Key {
        self.note(at);
        let set = &mut *self.set.borrow_mut();
        let place = u32::try_from(set.others.insert(other)).expect("fewer than 2^32 timers");
        set.wheel.insert(at, Timer::Other(halves(place)))
    }

    /// Whether the timer is there and wakes this task.
    #[inline]
    fn wakes_task(&self, key: Key, task: TaskKey) -> bool {
        match self.set.borrow().wheel.get(key) {
            Some(&Timer::Task { slot, generation }) => {
                (word(slot), word(generation)) == (task.slot, task.generation)
            }
            _ => false,
        }
    }

    /// Whether the timer is there and wakes whom this waker wakes.
    fn wakes(&self, key: Key, waker: &Waker) -> bool {
        let set = self.set.borrow();
        let Some(&Timer::Other(place)) = set.wheel.get(key) else {
            return false;
        };
        match &set.others[word(place) as usize] {
            Other::Wake(kept) => kept.will_wake(waker),
            Other::Io(_) => false,
        }
    }

    /// Takes a timer out; what comes back is dropped outside the borrow.
    #[inline]
    fn remove(&self, key: Key) -> Option<Other> {
        let set = &mut *self.set.borrow_mut();
        match set.wheel.remove(key)? {
            Timer::Task { .. } => None,
            Timer::Other(place) => set.take(place),
        }
    }

    /// Takes out the next timer that is due and wakes another task than `last`, with how many there were up
    /// to it.
    fn pop(&self, now: Instant, last: Option<TaskKey>) -> (u64, Option<Due>) {
        let set = &mut *self.set.borrow_mut();
        let mut fired = 0;
        while let Some((_, timer)) = set.wheel.pop(now) {
            fired += 1;
            let due = match timer {
                Timer::Task { slot, generation } => {
                    let (slot, generation) = (word(slot), word(generation));
                    let key = TaskKey { slot, generation };
                    if last == Some(key) {
                        continue;
                    }
                    Some(Due::Task(key))
                }
                Timer::Other(place) => set.take(place).map(Due::Other),
            };
            return (fired, due);
        }
        self.soonest
            .set(set.wheel.next_deadline().unwrap_or(Instant::FAR));
        (fired, None)
    }

    /// Takes out all of them; how many there were, and what is to be dropped.
    pub(crate) fn drain(&self) -> (usize, Vec<Other>) {
        let set = &mut *self.set.borrow_mut();
        (set.wheel.drain().count(), set.others.drain().collect())
    }
}

impl Set {
    #[inline(never)]
    fn take(&mut self, place: [u16; 2]) -> Option<Other> {
        self.others.try_remove(word(place) as usize)
    }
}

impl Core {
    /// Sets a timer that wakes `waker`, or keeps the one that is set if it does; it is moved nowhere.
    #[inline]
    pub(crate) fn arm(&self, key: Option<Key>, at: Instant, waker: &Waker) -> Key {
        match self.current.key() {
            Some(task) if self.current.is_own(waker) => {
                if let Some(key) = key {
                    if self.timers.wakes_task(key, task) {
                        return key;
                    }
                    self.disarm(key);
                }
                self.timers.wake_task(at, task)
            }
            _ => self.arm_other(key, at, waker),
        }
    }

    #[inline(never)]
    fn arm_other(&self, key: Option<Key>, at: Instant, waker: &Waker) -> Key {
        if let Some(key) = key {
            if self.timers.wakes(key, waker) {
                return key;
            }
            self.disarm(key);
        }
        self.timers.insert(at, Other::Wake(waker.clone()))
    }

    /// Takes a timer out; one that has fired is ignored.
    #[inline]
    pub(crate) fn disarm(&self, key: Key) {
        if let Some(other) = self.timers.remove(key) {
            drop_other(other);
        }
    }

    /// Wakes everybody whose time has come.
    #[inline]
    pub(crate) fn fire_timers(self: &Rc<Self>, now: Instant) {
        if self.timers.may_be_due(now) {
            self.fire_due(now);
        }
    }

    #[inline(never)]
    fn fire_due(self: &Rc<Self>, now: Instant) {
        let mut last = None;
        loop {
            let (fired, due) = self.timers.pop(now, last);
            self.counters.timers_fired.add(fired);
            match due {
                Some(Due::Task(key)) => {
                    self.wake_sleeper(key);
                    // Nothing is polled in between, so once is enough.
                    last = Some(key);
                }
                Some(Due::Other(Other::Wake(waker))) => contain(|| waker.wake()),
                Some(Due::Other(Other::Io(alarm))) => self.io_alarm(alarm),
                None => return,
            }
        }
    }

    fn wake_sleeper(&self, key: TaskKey) {
        let task = match self.tasks.borrow().get(key) {
            Some(entry) => entry.task().cloned(),
            None => return,
        };
        match task {
            // A scheduler of the user's may panic.
            Some(task) => contain(|| task.wake()),
            None if self.main_key.get() == Some(key) => self.wake_main(),
            None => {}
        }
    }
}

#[cold]
#[inline(never)]
fn drop_other(other: Other) {
    drop(other);
}

/// Takes a timer out of the kernel it was set in, from any thread.
#[inline]
pub(crate) fn disarm_from_anywhere(kernel: crate::home::KernelId, key: Key) {
    let here = crate::home::with_kernel(kernel, |core: &Rc<Core>| core.disarm(key));
    if here.is_none() {
        crate::remote::send(kernel, crate::remote::Message::CancelTimer(key));
    }
}

#[cfg(test)]
mod tests {
    use std::mem::size_of;
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn a_timer_takes_ten_bytes() {
        assert_eq!(size_of::<Option<Timer>>(), 10);
    }

    #[test]
    fn a_tasks_timer_names_the_whole_key() {
        let timers = Timers::new(Instant::ZERO);
        let (slot, generation) = (0xfedc_ba98, 0x1234_5678);
        let task = TaskKey { slot, generation };
        let key = timers.wake_task(Instant::from_nanos(5), task);
        assert!(timers.wakes_task(key, task));
        let generation = generation + 1;
        assert!(!timers.wakes_task(key, TaskKey { slot, generation }));
        assert!(!timers.wakes(key, Waker::noop()));
        let (fired, due) = timers.pop(Instant::from_nanos(5), None);
        assert!(matches!(due, Some(Due::Task(due)) if due == task));
        assert_eq!(fired, 1);
    }

    #[test]
    fn of_timers_that_wake_one_task_in_a_row_one_is_given() {
        let timers = Timers::new(Instant::ZERO);
        let (one, two) = (TaskKey::new(1, 1), TaskKey::new(2, 2));
        let at = Instant::from_nanos(9);
        for task in [one, one, two, one] {
            timers.wake_task(at, task);
        }
        let (_, first) = timers.pop(at, None);
        assert!(matches!(first, Some(Due::Task(due)) if due == one));
        let (fired, second) = timers.pop(at, Some(one));
        assert_eq!(fired, 2);
        assert!(matches!(second, Some(Due::Task(due)) if due == two));
        let (_, third) = timers.pop(at, Some(two));
        assert!(matches!(third, Some(Due::Task(due)) if due == one));
        assert!(matches!(timers.pop(at, Some(one)), (0, None)));
    }

    #[test]
    fn what_is_set_while_others_fire_is_not_missed() {
        let timers = Timers::new(Instant::ZERO);
        let at = Instant::from_nanos;
        let task = TaskKey::new(1, 1);
        assert!(!timers.may_be_due(at(5)));
        timers.wake_task(at(5), task);
        let early = timers.wake_task(at(3), task);
        assert!(timers.may_be_due(at(3)) && !timers.may_be_due(at(2)));
        timers.remove(early);
        assert!(matches!(timers.pop(at(4), None), (0, None)));
        assert!(!timers.may_be_due(at(4)) && timers.may_be_due(at(5)));
        assert!(matches!(timers.pop(at(5), None), (1, Some(_))));
        timers.wake_task(at(5), task);
        assert!(timers.may_be_due(at(5)));
        assert!(matches!(timers.pop(at(5), None), (1, Some(_))));
        assert!(matches!(timers.pop(at(5), None), (0, None)));
        assert!(!timers.may_be_due(at(u64::MAX - 1)));
    }

    #[test]
    fn what_lies_beside_the_wheel_goes_with_its_timer() {
        let timers = Timers::new(Instant::ZERO);
        let at = Instant::from_nanos(9);
        // `Waker::noop` may have a table in each unit of code.
        let waker = Waker::from(Arc::new(Nobody));
        let keys = [(); 3].map(|()| timers.insert(at, Other::Wake(waker.clone())));
        assert!(timers.wakes(keys[0], &waker));
        assert!(timers.remove(keys[1]).is_some());
        assert!(timers.remove(keys[1]).is_none());
        let (_, due) = timers.pop(at, None);
        assert!(matches!(due, Some(Due::Other(Other::Wake(_)))));
        assert_eq!(timers.set.borrow().others.len(), 1);
        let (count, others) = timers.drain();
        assert_eq!((count, others.len()), (1, 1));
        assert!(timers.is_empty());
    }
}
