//! The holders of both shells: counted pointers to a cell, to a value set once, to a shared value.

use std::cell::{OnceCell, RefCell};
use std::rc::{self, Rc};
use std::sync::{self, Arc, OnceLock, PoisonError, TryLockError};

use super::sealed::{Cell, Kept, Once, Shared};
use crate::mutex::Mutex;

impl<D> Cell<D> for Rc<RefCell<Kept<D>>> {
    type Weak = rc::Weak<RefCell<Kept<D>>>;

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

    fn downgrade(&self) -> Self::Weak {
        Rc::downgrade(self)
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade()
    }
}

impl<D> Cell<D> for Arc<Mutex<Kept<D>>> {
    type Weak = sync::Weak<Mutex<Kept<D>>>;

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

    fn downgrade(&self) -> Self::Weak {
        Arc::downgrade(self)
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade()
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

impl<T> Once<T> for Arc<OnceLock<T>> {
    fn new() -> Self {
        Arc::default()
    }

    fn set(&self, value: T) -> Result<(), T> {
        OnceLock::set(self, value)
    }

    fn get(&self) -> Option<&T> {
        OnceLock::get(self)
    }
}

impl<T> Shared<T> for Rc<T> {
    type Weak = rc::Weak<T>;

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

impl<T> Shared<T> for Arc<T> {
    type Weak = sync::Weak<T>;

    fn new(value: T) -> Self {
        Arc::new(value)
    }

    #[inline]
    fn sole(&mut self) -> Option<&mut T> {
        Arc::get_mut(self)
    }

    fn into_sole(self) -> Result<T, Self> {
        Arc::try_unwrap(self)
    }

    fn count(&self) -> usize {
        Arc::strong_count(self)
    }

    fn downgrade(&self) -> Self::Weak {
        Arc::downgrade(self)
    }

    fn upgrade(weak: &Self::Weak) -> Option<Self> {
        weak.upgrade()
    }

    fn alive(weak: &Self::Weak) -> usize {
        weak.strong_count()
    }
}
