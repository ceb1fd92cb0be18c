//! The choice: the one seam through which a run can go another way.
//!
//! Everything the outside world could decide is a question put to one object. A run is a function of
//! the program and the answers; a failure is the list of answers that differ from 0.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;

use crate::Point;

/// Answers what could go another way in a real run.
pub trait Choice {
    /// Which alternative is taken; less than [`at.len()`](Point::len). 0 is what production would do.
    fn choose(&mut self, at: &Point<'_>) -> usize;
}

impl<C: Choice + ?Sized> Choice for &mut C {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        (**self).choose(at)
    }
}

impl<C: Choice + ?Sized> Choice for Box<C> {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        (**self).choose(at)
    }
}

/// A chooser that whoever set it up can look into after the run.
impl<C: Choice + ?Sized> Choice for Rc<RefCell<C>> {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        self.borrow_mut().choose(at)
    }
}

/// Does at each point what production would do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Production;

impl Choice for Production {
    fn choose(&mut self, _at: &Point<'_>) -> usize {
        0
    }
}
