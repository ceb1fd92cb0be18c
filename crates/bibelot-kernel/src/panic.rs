//! A panic that was caught: what it said, and its payload for going on unwinding.

use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};

use crate::crash;

/// The panic of a task.
///
/// Clones are the same panic, whose payload is there once: whoever takes it first has it, the others get
/// the message in its place.
#[derive(Clone)]
pub struct Panic(Arc<Caught>);

struct Caught {
    message: Option<Box<str>>,
    /// A payload need not be `Sync`; only one owner gets at it.
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    /// A panic that was caught with this payload.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = crash::said(&*payload).map(Box::from);
        Self(Arc::new(Caught {
            message,
            payload: Mutex::new(Some(payload)),
        }))
    }

    /// What the panic said, where it said it in words.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Whether nobody else knows of it: its payload has not been taken, and no clone is left.
    #[must_use]
    pub fn is_last(&self) -> bool {
        let payload = self
            .0
            .payload
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        payload.is_some() && Arc::strong_count(&self.0) == 1
    }

    /// The payload, as [`std::panic::catch_unwind`] gives it; the message as a [`String`] if the owner of a
    /// clone has taken it.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        let payload = self
            .0
            .payload
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        payload.unwrap_or_else(|| Box::new(self.to_string()))
    }

    /// Goes on unwinding with it on this thread.
    pub fn resume(self) -> ! {
        resume_unwind(self.into_payload())
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().unwrap_or("no message"))
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_there_once_and_the_message_for_all() {
        let panic = Panic::new(Box::new("at the top"));
        let other = panic.clone();
        assert_eq!(other.message(), Some("at the top"));
        assert!(!panic.is_last());
        let first = panic.into_payload();
        assert_eq!(*first.downcast::<&str>().unwrap(), "at the top");
        assert!(!other.is_last());
        let second = other.into_payload();
        assert_eq!(*second.downcast::<String>().unwrap(), "at the top");
        assert!(Panic::new(Box::new(7)).is_last());
    }
}
