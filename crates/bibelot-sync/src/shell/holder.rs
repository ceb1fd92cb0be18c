//! The holders of both shells: counted pointers to a cell, to a value set once, to a shared value.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::{OnceLock, PoisonError, TryLockError};

use super::sealed::{Cell, Kept, Once, Shared};
use crate::mutex::{Arc, Mutex};

impl<D> Cell<D> for Rc<RefCell<Kept<D>>> {
    fn new(data: D) -> Self {
        Rc::new(RefCell::new(Kept::new(data)))
    }

    #[inline(always)]
    fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R {
        body(&mut self.borrow_mut())
    }

    fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R> {
        self.try_borrow().ok().map(|kept| body(&kept.data))
    }
}

impl<D> Cell<D> for Arc<Mutex<Kept<D>>> {
    fn new(data: D) -> Self {
        Arc::new(Mutex::new(Kept::new(data)))
    }

    #[inline(always)]
    fn with<R>(&self, body: impl FnOnce(&mut Kept<D>) -> R) -> R {
        // No code of users runs under the lock, so a poisoned one is a good one.
        body(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn glance<R>(&self, body: impl FnOnce(&D) -> R) -> Option<R> {
        match self.try_lock() {
            Ok(kept) => Some(body(&kept.data)),
            Err(TryLockError::Poisoned(poisoned)) => Some(body(&poisoned.into_inner().data)),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<T> Once<T> for Rc<OnceCell<T>> {
    fn new() -> Self {
        Rc::default()
    }

    fn set(&self, value: T) -> Result<(), T> {
        OnceCell::set(self, value)
    }

    fn get(&self) -> Option<&T> {
        OnceCell::get(self)
    }
}

impl<T> Once<T> for std::sync::Arc<OnceLock<T>> {
    fn new() -> Self {
        std::sync::Arc::default()
    }

    fn set(&self, value: T) -> Result<(), T> {
        OnceLock::set(self, value)
    }

    fn get(&self) -> Option<&T> {
        OnceLock::get(self)
    }
}

impl<T> Shared<T> for Rc<T> {
    type Weak = std::rc::Weak<T>;

    fn new(value: T) -> Self {
        Rc::new(value)
    }

    #[inline]
    fn sole(&mut self) -> Option<&mut T> {
        Rc::get_mut(self)
    }

    fn into_sole(self) -> Result<T, Self> {
        Rc::try_unwrap(self)
    }

    fn count(&self) -> usize {
        Rc::strong_count(self)
    }

    fn downgrade(&self) -> Self::Weak {
        Rc::downgrade(self)
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade()
    }

    fn alive(weak: &Self::Weak) -> usize {
        weak.strong_count()
    }
}

impl<T> Shared<T> for std::sync::Arc<T> {
    type Weak = std::sync::Weak<T>;

    fn new(value: T) -> Self {
        std::sync::Arc::new(value)
    }

    #[inline]
    fn sole(&mut self) -> Option<&mut T> {
        std::sync::Arc::get_mut(self)
    }

    fn into_sole(self) -> Result<T, Self> {
        std::sync::Arc::try_unwrap(self)
    }

    fn count(&self) -> usize {
        std::sync::Arc::strong_count(self)
    }

    fn downgrade(&self) -> Self::Weak {
        std::sync::Arc::downgrade(self)
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade()
    }

    fn alive(weak: &Self::Weak) -> usize {
        weak.strong_count()
    }
}
