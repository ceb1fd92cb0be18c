//! The owner's side of a group: body, wait, end.
//!
//! The *body* spawns members. Then the owner *waits* for what the group is for. At the *end* the group
//! is closed, whoever still runs is cancelled, all before any is awaited, and all are awaited under a
//! shield. However the owner goes, by an error, a request, a panic or by being dropped, no member stays:
//! those that were not awaited are aborted as the owner's future is dropped.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

use bibelot_kernel::{AsCancelled, Cancelled, Edge, Trap, ignore_after, shield};

use super::handle::Group;
use super::outcome::Outcome;
use super::state::{Asks, Shared};
use super::wait::{GroupOp, Wait};

/// Runs `body` with a new group, waits for its members, and gives what became of them.
///
/// The body spawns members, which may spawn siblings through clones of the handle, also while the owner
/// waits. When the body has returned `Ok`, the owner waits for what [`Wait`] says; then, or when the body
/// returned `Err`, the members that still run are cancelled and awaited. A member that fails ends the wait;
/// it does not cut the body (see [`eager_group`]). No member runs when this has returned or was dropped.
///
/// Curio: `async with TaskGroup(wait=..) as g`.
///
/// # Errors
///
/// The body's own error, or, as one, the request that reached the owner while it waited. The failures of
/// members that nobody took then go to the [crash hook](crate::set_crash_hook). Without such an error
/// they are all in the [`Outcome`].
///
/// # Cancellation
///
/// A request that reaches the owner while it waits cancels the members, with
/// [`Cause::Task`](crate::Cause::Task), and is returned when they have ended. While they end, the owner
/// is behind a shield. Dropped, it aborts its members, newest first.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{Wait, sleep, task_group};
///
/// # bibelot::run(async {
/// let outcome = task_group(Wait::All, async |group| {
///     for n in [3, 1, 2] {
///         group.spawn(async move {
///             sleep(Duration::from_millis(n)).await?;
///             bibelot::Ok(n)
///         })?;
///     }
///     bibelot::Ok(())
/// });
/// assert_eq!(outcome.await?.into_results()?, [3, 1, 2]);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[track_caller]
#[doc(alias = "nursery")]
#[doc(alias = "open_nursery")]
pub fn task_group<T, E, R, X, Via>(
    wait: Wait<T>,
    body: impl AsyncFnOnce(&Group<T, E>) -> Result<R, X>,
) -> impl Future<Output = Result<Outcome<T, E, R>, X>>
where
    T: 'static,
    E: AsCancelled<Via> + fmt::Display + 'static,
    X: From<Cancelled>,
{
    TaskGroup::new(wait).scope(body)
}

/// The same, for a group whose first failure also cuts the body.
///
/// The body is then asked to stop, once, like the body of a limit whose time has come, and its error says
/// [`timed_out`](AsCancelled::timed_out) and [`Cause::Group`](crate::Cause::Group) of itself.
///
/// trio: a nursery; asyncio: `TaskGroup`.
///
/// # Errors
///
/// As [`task_group`].
///
/// # Cancellation
///
/// As [`task_group`].
#[track_caller]
pub fn eager_group<T, E, R, X, Via, ViaX>(
    wait: Wait<T>,
    body: impl AsyncFnOnce(&Group<T, E>) -> Result<R, X>,
) -> impl Future<Output = Result<Outcome<T, E, R>, X>>
where
    T: 'static,
    E: AsCancelled<Via> + fmt::Display + 'static,
    X: AsCancelled<ViaX> + From<Cancelled>,
{
    TaskGroup::new(wait).eager_scope(body)
}

/// A group and its owner's rights over it: for groups that are no block, a field of a server for
/// example.
///
/// It dereferences to the [`Group`]. Dropping it closes the group and aborts its members, newest first;
/// [`join`](Self::join) is the orderly end.
///
/// Curio: `TaskGroup`.
#[must_use = "dropping it aborts its members"]
#[doc(alias = "JoinSet")]
pub struct TaskGroup<T: 'static, E: 'static> {
    group: Group<T, E>,
    wait: Wait<T>,
    grace: Option<Duration>,
}

impl<T, E> TaskGroup<T, E> {
    /// A group without members.
    pub fn new<Via>(wait: Wait<T>) -> Self
    where
        E: AsCancelled<Via> + fmt::Display,
    {
        let asks = Asks {
            is_cut: |error: &E| error.is_cancelled(),
            describe: E::to_string,
        };
        let group = Group {
            shared: Shared::new(asks),
        };
        Self {
            group,
            wait,
            grace: None,
        }
    }

    /// Has the end of the group wait at most so long for the members that it cancelled, and then abort them.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Lets at most `members` run at a time that were spawned by
    /// [`spawn_queued`](Group::spawn_queued).
    ///
    /// # Panics
    ///
    /// When `members` is 0.
    pub fn limit(self, members: usize) -> Self {
        assert!(members > 0, "a group without room would never run a member");
        self.group.shared.lock().limit = members;
        self
    }

    /// Drops the values of members as they end, unless somebody joins them: the outcome then holds only
    /// the members that gave none. For groups that live long or spawn very many.
    ///
    /// # Panics
    ///
    /// Unless the group waits for [`Wait::All`]; the others look at values.
    pub fn discard_values(self) -> Self {
        assert!(
            matches!(self.wait, Wait::All),
            "only a group that waits for all can do without values"
        );
        self.group.shared.lock().discards = true;
        self
    }

    /// Waits for the members and ends the group; what [`task_group`] does after its body.
    ///
    /// Curio: `g.join()`.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the caller was asked to stop while it waited; the members have ended then, too.
    ///
    /// # Cancellation
    ///
    /// As [`task_group`].
    #[track_caller]
    pub fn join(self) -> impl Future<Output = Result<Outcome<T, E, ()>, Cancelled>> {
        self.scope(async |_| Ok(()))
    }

    /// Cancels the members, awaits them and ends the group.
    ///
    /// # Cancellation
    ///
    /// It is behind a shield. Dropped, it aborts the members.
    #[track_caller]
    pub fn cancel(self) -> impl Future<Output = Outcome<T, E, ()>> {
        let site = Location::caller();
        async move {
            self.end(site).await;
            self.into_outcome(())
        }
    }

    /// Runs `body` with this group, and ends it; see [`task_group`].
    ///
    /// # Errors
    ///
    /// As [`task_group`].
    ///
    /// # Cancellation
    ///
    /// As [`task_group`].
    #[track_caller]
    pub fn scope<R, X>(
        self,
        body: impl AsyncFnOnce(&Group<T, E>) -> Result<R, X>,
    ) -> impl Future<Output = Result<Outcome<T, E, R>, X>>
    where
        X: From<Cancelled>,
    {
        let site = Location::caller();
        async move {
            let returned = body(&self.group).await;
            self.finish(returned, site).await
        }
    }

    /// Runs `body` with this group, whose first failure cuts it, and ends the group; see [`eager_group`].
    ///
    /// # Errors
    ///
    /// As [`task_group`].
    ///
    /// # Cancellation
    ///
    /// As [`task_group`].
    #[track_caller]
    pub fn eager_scope<R, X, Via>(
        self,
        body: impl AsyncFnOnce(&Group<T, E>) -> Result<R, X>,
    ) -> impl Future<Output = Result<Outcome<T, E, R>, X>>
    where
        X: AsCancelled<Via> + From<Cancelled>,
    {
        let site = Location::caller();
        async move {
            let edge = Edge::new();
            self.group.shared.set_edge(edge.clone());
            let returned = edge.run(body(&self.group)).await;
            self.finish(returned, site).await
        }
    }

    /// Waits if the body returned a value, and ends the group.
    async fn finish<R, X: From<Cancelled>>(
        self,
        returned: Result<R, X>,
        site: &'static Location<'static>,
    ) -> Result<Outcome<T, E, R>, X> {
        let wait = self.wait;
        let returned = match returned {
            Ok(value) => {
                let over = |group: &Shared<T, E>| group.count(wait).then_some(());
                let waited = Trap::at(GroupOp::new(&self.group.shared, over), site).await;
                waited.map(|()| value).map_err(X::from)
            }
            Err(error) => Err(error),
        };
        self.end(site).await;
        returned.map(|value| self.into_outcome(value))
    }

    /// Closes the group, cancels the members and awaits them.
    async fn end(&self, site: &'static Location<'static>) {
        let shared = &self.group.shared;
        shared.close();
        shared.cancel_all(true);
        let idle = || {
            let idle = |group: &Shared<T, E>| group.is_idle().then_some(());
            Trap::at(GroupOp::new(shared, idle), site)
        };
        if let Some(grace) = self.grace
            && !matches!(shield(ignore_after(grace, idle())).await, Ok(Some(())))
        {
            shared.abort_all();
        }
        // Under the shield nothing can cut the wait.
        while shield(idle()).await.is_err() {}
    }

    fn into_outcome<R>(self, value: R) -> Outcome<T, E, R> {
        let (members, completed) = self.group.shared.take_all();
        Outcome::new(value, members, completed)
    }
}

impl<T, E> Deref for TaskGroup<T, E> {
    type Target = Group<T, E>;

    fn deref(&self) -> &Group<T, E> {
        &self.group
    }
}

impl<T, E> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        let shared = &self.group.shared;
        shared.close();
        shared.abort_all();
        shared.report_untaken();
    }
}

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("group", &self.group)
            .field("wait", &self.wait)
            .finish()
    }
}
