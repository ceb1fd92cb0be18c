//! Delivery: how the rules of cancellation meet the kernel's state.
//!
//! The rules themselves are plain functions over the path and what a task was asked (`cancel::request`);
//! here they are given the running task, and what they decide is carried out.

use std::rc::Rc;
use std::task::Waker;

use crate::cancel::{self, Asked, Cancelled, Cause, Listed, Parking, Request, Spot, View, Wish};
use crate::core::{Core, wake_all};
use crate::current::Parked;
use crate::tasks::TaskKey;

static NOTHING_ASKED: Asked = Asked {
    cancel: None,
    note: None,
};

impl Core {
    /// The strongest request that may be delivered here.
    #[inline]
    pub(crate) fn due(&self, spot: Option<Spot>) -> Option<Request> {
        if self.is_calm() {
            None
        } else {
            self.due_closer(spot)
        }
    }

    /// Whether nothing can be due: no limit around has passed, and nobody asked.
    #[inline]
    pub(crate) fn is_calm(&self) -> bool {
        self.path.alarm() > self.now() && !self.current.asked.get()
    }

    #[inline(never)]
    fn due_closer(&self, spot: Option<Spot>) -> Option<Request> {
        self.counters.slow_looks.add(1);
        self.view(|view| view.due(spot))
    }

    /// The strongest request made here so far, whatever shields there are.
    pub(crate) fn due_behind_shields(&self) -> Option<Request> {
        self.view(|view| view.due_behind_shields())
    }

    fn view<R>(&self, look: impl FnOnce(View<'_>) -> R) -> R {
        let tasks = self.tasks.borrow();
        let entry = self.current.key().and_then(|key| tasks.get(key));
        let asked = entry
            .and_then(|entry| entry.extra())
            .map_or(&NOTHING_ASKED, |e| &e.asked);
        self.path.look(|path| {
            look(View {
                path,
                asked,
                task: self.current.number(),
                now: self.now(),
            })
        })
    }

    /// Delivers `request` here, now.
    pub(crate) fn tell(&self, request: Request) -> Cancelled {
        self.path
            .change(|path| cancel::tell(path, request.origin, self.last_stamp(), self.now()));
        Cancelled::new(request.cause)
    }

    /// A spot in the running task.
    #[inline]
    pub(crate) fn spot(&self) -> Spot {
        Spot {
            task: self.current.number(),
            stamp: self.next_stamp(),
        }
    }

    /// A trap parks here: what it holds from an earlier time in this task, or something new; listed if it
    /// is polled with a waker that is not the task's own.
    #[inline]
    pub(crate) fn park(&self, held: &mut Parking, waker: &Waker, parked: Option<Parked>) {
        if held.is_new() && self.current.is_own(waker) {
            held.spot = self.spot();
        } else {
            self.park_again(held, waker, parked);
        }
    }

    #[inline(never)]
    fn park_again(&self, held: &mut Parking, waker: &Waker, parked: Option<Parked>) {
        if held.spot.task != self.current.number() || held.is_new() {
            // In another task, or in none, it parks as for the first time.
            held.unlist();
            held.spot = self.spot();
        }
        let Some(key) = self.current.key() else {
            return;
        };
        if self.current.is_own(waker) {
            return held.unlist();
        }
        let waker = waker.clone();
        let place = held.listed().map(|listed| listed.place);
        let (new, replaced) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return held.unlist();
            };
            self.path.look(|path| {
                let scopes = path.iter().map(|frame| frame.around());
                entry.add_foreign(place, waker, parked, scopes)
            })
        };
        drop(replaced);
        if place != Some(new) {
            let listed = Listed {
                kernel: self.id,
                key,
                place: new,
            };
            let before = held.aside.get_or_insert_default().listed.replace(listed);
            drop(before);
        }
    }

    /// Takes a trap with a waker of its own off its task's list.
    pub(crate) fn leave_foreign(&self, key: TaskKey, place: u32) {
        let waker = {
            let mut tasks = self.tasks.borrow_mut();
            tasks
                .get_mut(key)
                .and_then(|entry| entry.remove_foreign(place))
        };
        drop(waker);
    }

    /// Wakes the running task's traps that have wakers of their own and are inside `scope`.
    pub(crate) fn wake_inside(&self, scope: u64) {
        let Some(key) = self.current.key() else {
            return;
        };
        let mut wakers = Vec::new();
        if let Some(entry) = self.tasks.borrow_mut().get_mut(key) {
            entry.take_foreign(Some(scope), &mut wakers);
        }
        wake_all(wakers);
    }

    /// A request that nothing inside the innermost frame on the path has heard or will hear.
    #[inline]
    pub(crate) fn unheard(&self) -> Option<Request> {
        if self.is_calm() {
            None
        } else {
            self.unheard_closer()
        }
    }

    #[inline(never)]
    fn unheard_closer(&self) -> Option<Request> {
        if !self.is_deaf() {
            return None;
        }
        self.view(|view| {
            let own = view.due(None);
            own.or_else(|| self.path.unheard.left().and_then(|origin| view.of(origin)))
        })
    }

    /// Whether something was asked, or is to be looked for, that nothing parked inside the innermost frame
    /// on the path can hear.
    pub(crate) fn is_deaf(&self) -> bool {
        let (false, Some((id, false))) = (self.is_calm(), self.path.innermost()) else {
            return false;
        };
        self.current.key().is_some_and(|key| {
            let tasks = self.tasks.borrow();
            !tasks.get(key).is_some_and(|entry| entry.has_foreign(id))
        })
    }

    /// The stamp of the newest request around the code being polled, heard or not; 0 if there is none.
    pub(crate) fn newest_request(&self) -> u64 {
        if self.is_calm() {
            return 0;
        }
        self.view(|view| {
            let asked = [&view.asked.cancel, &view.asked.note];
            let asked = asked.into_iter().flatten().map(|wish| wish.stamp);
            let fired = view.path.iter().map(|frame| frame.fired);
            asked.chain(fired).max().unwrap_or(0)
        })
    }

    /// Asks the task to stop, once; whether this was the first time.
    pub(crate) fn cancel(self: &Rc<Self>, key: TaskKey, cause: Cause) -> bool {
        let stamp = self.next_stamp();
        // A cause that is not needed may hold code of users, and is dropped outside the borrow.
        let mut wish = Some(Wish { stamp, cause });
        let asked = self.ask(key, |asked| {
            let is_first = asked.cancel.is_none();
            if is_first {
                asked.cancel = wish.take();
            }
            is_first
        });
        if asked {
            self.records.cancelled(key.slot);
        }
        asked
    }

    /// Asks the task to stop what it waits for; whether it has not ended.
    pub(crate) fn interrupt(self: &Rc<Self>, key: TaskKey) -> bool {
        let stamp = self.next_stamp();
        let mut replaced = None;
        let asked = self.ask(key, |asked| {
            replaced = asked.note.replace(Wish {
                stamp,
                cause: Cause::Interrupt,
            });
            true
        });
        drop(replaced);
        asked
    }

    /// Changes what a live task was asked; if it changed, wakes it and all its listed traps.
    fn ask(self: &Rc<Self>, key: TaskKey, change: impl FnOnce(&mut Asked) -> bool) -> bool {
        let mut wakers = Vec::new();
        {
            let mut tasks = self.tasks.borrow_mut();
            let Some(entry) = tasks.get_mut(key) else {
                return false;
            };
            if entry.end.is_some() || !change(&mut entry.extra_mut().asked) {
                return false;
            }
            entry.take_foreign(None, &mut wakers);
        }
        self.records.heed(key.slot);
        if self.current.key() == Some(key) {
            self.current.asked.set(true);
        }
        wake_all(wakers);
        self.wake_task(key);
        true
    }

    /// Puts the task or main future `key` into the ready queue, unless it is there.
    pub(crate) fn wake_task(self: &Rc<Self>, key: TaskKey) {
        let task = {
            let tasks = self.tasks.borrow();
            match tasks.get(key) {
                Some(entry) => entry.task().cloned(),
                None => return,
            }
        };
        match task {
            Some(task) => task.wake(),
            None => self.wake_main(),
        }
    }
}
