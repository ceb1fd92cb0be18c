//! The arm: one future in a branch of its own, and then what it gave.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bibelot_kernel::{Framed, branch};
use pin_project_lite::pin_project;

pin_project! {
    /// One future in a branch of its own; once it has ended it is gone and its value is here.
    #[project = ArmNow]
    pub enum Arm<F: Future> {
        Runs { #[pin] body: Framed<F> },
        Ended { value: Option<F::Output> },
    }
}

impl<F: Future> Arm<F> {
    pub(super) fn new(body: F) -> Self {
        Self::Runs { body: branch(body) }
    }

    /// Whether it has not begun.
    pub(super) fn is_new(&self) -> bool {
        matches!(self, Self::Runs { body } if body.is_new())
    }

    /// Lets it begin together with its siblings, so that what one of them is told it is told, too.
    pub(super) fn enter(self: Pin<&mut Self>) {
        if let ArmNow::Runs { body } = self.project() {
            body.enter();
        }
    }

    /// Polls it if it has not ended; whether it has.
    pub(super) fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> bool {
        let ArmNow::Runs { body } = self.as_mut().project() else {
            return true;
        };
        match body.poll(context) {
            Poll::Pending => false,
            Poll::Ready(value) => {
                self.set(Self::Ended { value: Some(value) });
                true
            }
        }
    }

    /// What it gave, for looking at.
    pub(super) fn value(self: Pin<&mut Self>) -> Option<&mut F::Output> {
        match self.project() {
            ArmNow::Runs { .. } => None,
            ArmNow::Ended { value } => value.as_mut(),
        }
    }

    /// Takes what it gave.
    pub(super) fn take(self: Pin<&mut Self>) -> Option<F::Output> {
        match self.project() {
            ArmNow::Runs { .. } => None,
            ArmNow::Ended { value } => value.take(),
        }
    }
}
