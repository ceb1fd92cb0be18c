//! The handle: how children come into a local scope.

use std::error::Error;
use std::fmt;
use std::rc::Rc;

use bibelot_kernel::{Cancelled, Edge, TaskError, branch};

use super::child::{LocalTask, Slot};
use super::state::State;

/// Spawns children into a [`local_scope`](super::local_scope()).
///
/// `'env` is what they may borrow: everything that was there before the scope. Clones are the same scope;
/// a child that takes one along may spawn siblings.
#[derive(Clone)]
pub struct LocalScope<'env> {
    state: Rc<State<'env>>,
}

impl<'env> LocalScope<'env> {
    pub(super) fn new(state: Rc<State<'env>>) -> Self {
        Self { state }
    }

    /// Adds a child, which runs in turn with the others within the owner's task, and for the first time after
    /// the caller has parked.
    ///
    /// What it borrows outlives the scope: where the compiler says that something does not live long enough,
    /// `async move` takes the reference along, or the thing belongs in front of the scope.
    ///
    /// What it returns is its handle's alone, also an error: awaited by nobody, that is dropped. A panic is not,
    /// see [`local_scope`](super::local_scope()).
    ///
    /// A child that is added to a scope that has ended is dropped, and its handle says
    /// [`Aborted`](TaskError::Aborted).
    ///
    /// Curio has no such thing; trio: `nursery.start_soon`.
    ///
    /// # Examples
    ///
    /// What the body itself has is gone before its children are, so they cannot borrow it:
    ///
    /// ```compile_fail,E0597
    /// # bibelot::run(async {
    /// bibelot::local_scope(async |scope| {
    ///     let word = String::from("spam");
    ///     scope.spawn(async { word.len() });
    /// })
    /// .await;
    /// # });
    /// ```
    pub fn spawn<F>(&self, future: F) -> LocalTask<'env, F::Output>
    where
        F: Future + 'env,
        F::Output: 'env,
    {
        let slot = Slot::new();
        let edge = Edge::new();
        let (ends, stop) = (slot.clone(), edge.clone());
        let running = async move {
            let body = async { Ok::<_, Unheard>(future.await) };
            let ended = branch(stop.run(body)).await;
            ends.put(ended.map_err(|Unheard(told)| TaskError::Cancelled(told)));
        };
        match self
            .state
            .add(Box::pin(running), edge.clone(), slot.clone())
        {
            Ok(place) => LocalTask::new(slot, self.state.clone(), edge, place),
            Err(refused) => {
                drop(refused);
                slot.put(Err(TaskError::Aborted));
                LocalTask::new(slot, self.state.clone(), edge, 0)
            }
        }
    }

    /// Asks all children to stop, newest first, and those that are still to come; once, as
    /// [`LocalTask::cancel`].
    pub fn cancel(&self) {
        self.state.stop();
    }

    /// How many children have not ended.
    #[must_use]
    pub fn live(&self) -> usize {
        self.state.live()
    }
}

impl fmt::Debug for LocalScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalScope")
            .field("live", &self.live())
            .field("is_closed", &self.state.is_closed())
            .finish()
    }
}

/// The request for which a child was dropped; no scope finds its own in it.
#[derive(Debug)]
struct Unheard(Cancelled);

impl fmt::Display for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Unheard {}

impl From<Cancelled> for Unheard {
    fn from(told: Cancelled) -> Self {
        Self(told)
    }
}
