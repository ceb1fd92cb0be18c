//! The gates: one pass for each key in the whole process, handed on in order.
//!
//! A gate is there while somebody holds its pass. Whoever comes meanwhile leaves a sender behind, to
//! whom the pass is sent when it is dropped; a pass that was sent and never seen is dropped, and so goes
//! to the next one.
//!
//! # Invariants
//!
//! - A key is in the map if and only if its pass exists, which it does once.
//! - Under a key that this thread holds nobody waits here: it would be for ever.
//! - A pass is sent outside the lock: whoever waits is woken by it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use bibelot_sync::{OneshotReceiver, OneshotSender, SendError, oneshot};

pub(super) type Key = Cow<'static, str>;

type Line = VecDeque<OneshotSender<Pass>>;

static GATES: LazyLock<Mutex<HashMap<Key, Line>>> = LazyLock::new(Mutex::default);

thread_local! {
    /// The keys under which code runs on this thread.
    static HELD: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// The right to be the one that runs under a key. Its drop hands it on.
pub(super) struct Pass {
    /// `None` if it is not a pass any more.
    key: Option<Key>,
}

/// What came of coming to a gate.
#[must_use]
pub(super) enum Came {
    /// It was free.
    In(Pass),
    /// The pass comes here.
    Waits(OneshotReceiver<Pass>),
    /// It is this thread that has the pass, and it cannot wait for itself.
    HasIt,
}

/// Comes to the gate of `key`.
pub(super) fn come(key: &Key) -> Came {
    if HELD.with_borrow(|held| held.contains(key)) {
        return Came::HasIt;
    }
    let mut gates = gates();
    let Some(line) = gates.get_mut(key) else {
        gates.insert(key.clone(), Line::new());
        let key = Some(key.clone());
        return Came::In(Pass { key });
    };
    if line.len() == line.capacity() {
        // Before it grows for those who come, it forgets those who left.
        line.retain(|waits| !waits.is_closed());
    }
    let (sender, receiver) = oneshot();
    line.push_back(sender);
    Came::Waits(receiver)
}

impl Pass {
    /// Runs `body` under the key, on this thread.
    pub(super) fn run<T>(self, body: impl FnOnce() -> T) -> T {
        let _holds = self.hold();
        body()
    }

    fn hold(self) -> Holds {
        let key = self.key.clone().expect("it is a pass until it is dropped");
        HELD.with_borrow_mut(|held| held.push(key));
        Holds { _pass: self }
    }
}

/// Code runs under a key on this thread.
struct Holds {
    _pass: Pass,
}

impl Drop for Holds {
    fn drop(&mut self) {
        // What was taken last is let go of first.
        let key = HELD.with_borrow_mut(Vec::pop);
        drop(key);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        while let Some(key) = self.key.take() {
            let mut gates = gates();
            let Some(next) = gates.get_mut(&key).and_then(VecDeque::pop_front) else {
                gates.remove(&key);
                return;
            };
            drop(gates);
            let pass = Self { key: Some(key) };
            if let Err(SendError(mut refused)) = next.send(pass) {
                self.key = refused.key.take();
            }
        }
    }
}

fn gates() -> MutexGuard<'static, HashMap<Key, Line>> {
    // Nothing under the lock can leave the map half-changed.
    GATES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(key: &'static str) -> OneshotReceiver<Pass> {
        match come(&Cow::Borrowed(key)) {
            Came::Waits(receiver) => receiver,
            Came::In(_) | Came::HasIt => panic!("another has the pass"),
        }
    }

    #[test]
    fn a_pass_goes_to_those_who_wait_in_order() {
        let Came::In(pass) = come(&"order".into()) else {
            panic!("it is free");
        };
        let (mut first, gone, mut third) = (waits("order"), waits("order"), waits("order"));
        drop(gone);
        assert!(first.try_recv().is_err());
        drop(pass);
        let pass = first.try_recv().unwrap();
        assert!(third.try_recv().is_err());
        drop(pass);
        drop(third.try_recv().unwrap());
        assert!(!gates().contains_key("order"));
    }

    #[test]
    fn a_pass_that_nobody_saw_is_handed_on() {
        let Came::In(pass) = come(&"unseen".into()) else {
            panic!("it is free");
        };
        let (first, mut second) = (waits("unseen"), waits("unseen"));
        drop(pass);
        drop(first);
        assert!(second.try_recv().is_ok());
    }

    #[test]
    fn a_thread_that_has_a_pass_does_not_wait_for_it() {
        let Came::In(pass) = come(&"mine".into()) else {
            panic!("it is free");
        };
        pass.run(|| assert!(matches!(come(&"mine".into()), Came::HasIt)));
        let Came::In(pass) = come(&"mine".into()) else {
            panic!("it is free again");
        };
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pass.run(|| std::panic::resume_unwind(Box::new(())));
        }));
        let _: Result<(), _> = unwound;
        assert!(matches!(come(&"mine".into()), Came::In(_)));
    }

    #[test]
    fn a_line_forgets_those_who_left() {
        let Came::In(pass) = come(&"left".into()) else {
            panic!("it is free");
        };
        for _ in 0..10_000 {
            drop(waits("left"));
        }
        assert!(gates()["left"].capacity() < 100);
        drop(pass);
        assert!(!gates().contains_key("left"));
    }
}
