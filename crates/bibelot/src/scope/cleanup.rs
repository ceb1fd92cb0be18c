//! Clean-up that awaits: what runs however a body ends.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bibelot_kernel::{AsCancelled, Cancelled, Crash, CrashKind, Panic, cancellable, shield};
use pin_project_lite::pin_project;

/// How a body ended: what the clean-up of [`with_cleanup`] is given, and answers for.
#[derive(Debug)]
#[must_use = "`into_result` gives on what the body gave"]
pub enum Ended<T, E> {
    /// It returned a value.
    Value(T),
    /// It returned an error, which may be a cancellation.
    Error(E),
    /// It panicked.
    Panicked(Panic),
}

impl<T, E> Ended<T, E> {
    /// What the body gave, as it gave it: a panic goes on unwinding.
    ///
    /// # Errors
    ///
    /// The body's own.
    ///
    /// # Panics
    ///
    /// With the body's own panic.
    pub fn into_result(self) -> Result<T, E> {
        match self {
            Self::Value(value) => Ok(value),
            Self::Error(error) => Err(error),
            Self::Panicked(panic) => panic.resume(),
        }
    }

    /// Whether it returned a value.
    #[must_use]
    pub fn is_value(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// Whether it ended because it was asked to stop.
    #[must_use]
    pub fn is_cancelled<Via>(&self) -> bool
    where
        E: AsCancelled<Via>,
    {
        match self {
            Self::Error(error) => error.is_cancelled(),
            _ => false,
        }
    }
}

/// Runs `body`, and then `cleanup` with how it ended: by a value, an error, a cancellation or a panic.
///
/// The clean-up may await whatever it needs to. It is behind a shield, so that no request cuts it short; put a
/// limit around what may take long. What it returns is what this returns, so it ends with
/// [`ended.into_result()`](Ended::into_result), or with an error of its own in the place of a value. A panic of
/// the body that it neither gives on nor keeps goes to the [crash hook](crate::set_crash_hook).
///
/// Python: `try: .. finally: ..` with `await` in it.
///
/// # Errors
///
/// What the clean-up returns.
///
/// # Panics
///
/// With the body's own panic, if the clean-up gives it on, or with the clean-up's.
///
/// # Cancellation
///
/// The body hears requests, and is dropped if nothing in it can hear; its error is then made from the
/// [`Cancelled`]. What is asked during the clean-up stays due. Dropped, or aborted, while the body runs, it
/// drops the body, and the clean-up does not run: what must happen then, too, belongs into a `Drop`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{ignore_after, sleep, with_cleanup};
///
/// # bibelot::run(async {
/// let hour = Duration::from_secs(3600);
/// let mut cleaned = false;
/// let body = with_cleanup(sleep(hour), async |ended| {
///     assert!(ended.is_cancelled());
///     sleep(Duration::from_millis(1)).await?;
///     cleaned = true;
///     ended.into_result()
/// });
/// assert!(ignore_after(Duration::from_millis(5), body).await?.is_none());
/// assert!(cleaned);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "finally")]
pub async fn with_cleanup<T, E, R>(
    body: impl Future<Output = Result<T, E>>,
    cleanup: impl AsyncFnOnce(Ended<T, E>) -> R,
) -> R
where
    E: From<Cancelled>,
{
    let ended = Caught {
        body: cancellable(body),
    };
    let ended = match ended.await {
        Ok(Ok(Ok(value))) => Ended::Value(value),
        Ok(Ok(Err(error))) => Ended::Error(error),
        Ok(Err(unheard)) => Ended::Error(E::from(unheard)),
        Err(panic) => Ended::Panicked(panic),
    };
    let _kept = match &ended {
        Ended::Panicked(panic) => Some(Kept(panic.clone())),
        _ => None,
    };
    shield(cleanup(ended)).await
}

/// Tells of a panic that nobody else knows of any more.
struct Kept(Panic);

impl Drop for Kept {
    fn drop(&mut self) {
        if self.0.is_last() {
            let message = format!("{} (in a body whose clean-up ignored it)", self.0);
            Crash::new(CrashKind::Panicked, &message).report();
        }
    }
}

pin_project! {
    /// A future whose panic is a value.
    struct Caught<F> {
        #[pin]
        body: F,
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let body = self.project().body;
        match catch_unwind(AssertUnwindSafe(|| body.poll(context))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(Panic::new(payload))),
        }
    }
}
