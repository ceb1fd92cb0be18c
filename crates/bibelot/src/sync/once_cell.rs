//! The once-cell: a value that the first who needs it makes, while the others wait.
//!
//! To wait for the turn is a blocking point; the initialiser is not wrapped in one but runs where it is
//! awaited, so it hears requests itself, and what it drains it drains.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bibelot_kernel::{Cancelled, Wait, WaitFuture, wait_future};
use bibelot_sync::SetError;
use bibelot_sync::generic::{self, OnceEntering, OnceEntry, OnceVacant, Shell};

/// A value that is made once, by the first who asks for it, and read by all.
///
/// Clones are handles to the same cell. An initialiser that fails, panics or is cut passes its turn on:
/// the one that has waited longest runs its own. Do not ask for the value within its initialiser, which
/// would wait for itself.
///
/// # Examples
///
/// ```
/// # bibelot::run(async {
/// let config = bibelot::OnceCell::new();
/// let read = async || bibelot::Ok("brie");
/// assert_eq!(config.get_or_try_init(read).await?, &"brie");
/// assert_eq!(config.get(), Some(&"brie"));
/// # bibelot::Ok(()) }).unwrap();
/// ```
pub struct OnceCell<T, S: Shell>(pub(super) generic::OnceCell<T, S>);

impl<T, S: Shell> OnceCell<T, S> {
    /// A cell without a value.
    #[must_use]
    pub fn new() -> Self {
        Self(generic::OnceCell::new())
    }

    /// The value, if it is there.
    #[must_use]
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// Sets the value from outside, if there is none and nobody is making one.
    ///
    /// # Errors
    ///
    /// [`SetError`] with the value.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        self.0.set(value)
    }

    /// The value; if there is none, waits for the one that is making it, or makes it with what `init`
    /// returns. It allocates once for the initialiser.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when it was asked to stop while it waited for somebody else's value. An initialiser
    /// that was asked to stop says so in its value.
    ///
    /// # Cancellation
    ///
    /// Cut or dropped while it waits, it leaves the line. Dropped while it makes the value, it drops that
    /// future and passes the turn on.
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, init: F) -> GetOrInit<'_, T, S, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        GetOrInit(Init::new(&self.0, init))
    }

    /// As [`get_or_init`](Self::get_or_init), with an initialiser that may fail.
    ///
    /// # Errors
    ///
    /// That of this call's own initialiser, after which the turn passes on; or that it was asked to stop
    /// while it waited for somebody else's value.
    ///
    /// # Cancellation
    ///
    /// As [`get_or_init`](Self::get_or_init). An initialiser that hears a request fails with it.
    #[track_caller]
    pub fn get_or_try_init<F, Fut, E>(&self, init: F) -> GetOrTryInit<'_, T, S, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Cancelled>,
    {
        GetOrTryInit(Init::new(&self.0, init))
    }
}

impl<T, S: Shell> Clone for OnceCell<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, S: Shell> Default for OnceCell<T, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, S: Shell> fmt::Debug for OnceCell<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The future of [`OnceCell::get_or_init`].
#[must_use = "futures do nothing until polled"]
pub struct GetOrInit<'a, T: 'a, S: Shell, F, Fut>(Init<'a, T, S, F, Fut>);

/// The future of [`OnceCell::get_or_try_init`].
#[must_use = "futures do nothing until polled"]
pub struct GetOrTryInit<'a, T: 'a, S: Shell, F, Fut>(Init<'a, T, S, F, Fut>);

struct Init<'a, T: 'a, S: Shell, F, Fut> {
    enter: WaitFuture<OnceEntering<'a, T, S>>,
    init: Option<F>,
    running: Option<Running<'a, T, S, Fut>>,
}

/// The initialiser in a box, since it is pinned; the turn is behind it, to be dropped after it.
type Running<'a, T, S, Fut> = (Pin<Box<Fut>>, OnceVacant<'a, T, S>);

impl<'a, T, S: Shell, F, Fut> Init<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future,
{
    #[track_caller]
    fn new(of: &'a generic::OnceCell<T, S>, init: F) -> Self {
        Self {
            enter: wait_future(Wait::Promise, of.enter()),
            init: Some(init),
            running: None,
        }
    }

    fn poll<E>(
        &mut self,
        context: &mut Context<'_>,
        read: impl FnOnce(Fut::Output) -> Result<T, E>,
    ) -> Poll<Result<Result<&'a T, E>, Cancelled>> {
        let (body, _) = match &mut self.running {
            Some(running) => running,
            None => match ready!(Pin::new(&mut self.enter).poll(context)) {
                Err(cancelled) => return Poll::Ready(Err(cancelled)),
                Ok(OnceEntry::Full(value)) => return Poll::Ready(Ok(Ok(value))),
                Ok(OnceEntry::Vacant(turn)) => {
                    let init = self.init.take();
                    let init = init.expect("there is one turn for one initialiser");
                    self.running.insert((Box::pin(init()), turn))
                }
            },
        };
        let made = ready!(body.as_mut().poll(context));
        let (body, turn) = self.running.take().expect("it was just polled");
        drop(body);
        Poll::Ready(Ok(read(made).map(|value| turn.insert(value))))
    }
}

/// The closure is only called, and its future has a box of its own.
impl<T, S: Shell, F, Fut> Unpin for Init<'_, T, S, F, Fut> {}

impl<'a, T, S: Shell, F, Fut> Future for GetOrInit<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = T>,
{
    type Output = Result<&'a T, Cancelled>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let made = ready!(self.get_mut().0.poll(context, Ok));
        Poll::Ready(made.and_then(|made: Result<_, Cancelled>| made))
    }
}

impl<'a, T, S: Shell, F, Fut, E> Future for GetOrTryInit<'a, T, S, F, Fut>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    E: From<Cancelled>,
{
    type Output = Result<&'a T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let made = ready!(self.get_mut().0.poll(context, |made| made));
        Poll::Ready(made.unwrap_or_else(|cancelled| Err(cancelled.into())))
    }
}

macro_rules! print_init {
    ($($future:ident),*) => {$(
        impl<T, S: Shell, F, Fut> fmt::Debug for $future<'_, T, S, F, Fut> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future))
                    .field("making", &self.0.running.is_some())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

print_init!(GetOrInit, GetOrTryInit);
