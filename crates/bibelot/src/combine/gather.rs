//! `gather`: any number of futures of one type, their values in order.
//!
//! A few arms are all polled whenever one of them is woken, with the task's own waker, which costs
//! nothing; many have a waker each, so that a wake polls one arm.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bibelot_kernel::{Framed, branch, is_deaf};

use super::hub::{Hub, Line};

/// Up to so many arms are polled all together.
const FEW: usize = 16;

/// The future of [`gather`].
#[must_use = "futures do nothing until polled"]
pub struct Gather<F: Future> {
    arms: Vec<Arm<F>>,
    left: usize,
    hub: Option<Arc<Hub>>,
    woken: Vec<usize>,
}

struct Arm<F: Future> {
    /// Here until it has ended.
    body: Option<Pin<Box<Framed<F>>>>,
    value: Option<F::Output>,
    line: Option<Line>,
}

/// Runs all `futures`, or what becomes one, such as tasks, and gives their values in their order.
///
/// They take turns within the task that awaits this, so they may borrow from it. Spawned, it is one
/// task: to cancel it is to cancel them all. What a future returns is its value, an `Err` included: a
/// failure stops nobody.
///
/// asyncio: `gather(.., return_exceptions=True)`.
///
/// # Cancellation
///
/// A request to stop reaches every future once; their values, with what they made of it, are given as
/// always. Dropped, it drops those that have not ended.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bibelot::{gather, sleep};
///
/// # bibelot::run(async {
/// let sleepers = [3, 1, 2].map(|n| async move {
///     sleep(Duration::from_millis(n)).await?;
///     bibelot::Ok(n)
/// });
/// let values: Result<Vec<u64>, _> = gather(sleepers).await.into_iter().collect();
/// assert_eq!(values?, [3, 1, 2]);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[doc(alias = "join_all")]
pub fn gather<I>(futures: I) -> Gather<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator<Item: IntoFuture>,
{
    let arm = |future| Arm {
        body: Some(Box::pin(branch(IntoFuture::into_future(future)))),
        value: None,
        line: None,
    };
    let mut arms: Vec<_> = futures.into_iter().map(arm).collect();
    let left = arms.len();
    let mut hub = None;
    if left > FEW {
        let (made, lines) = Hub::new(left);
        for (arm, line) in arms.iter_mut().zip(lines) {
            arm.line = Some(line);
        }
        hub = Some(made);
    }
    Gather {
        arms,
        left,
        hub,
        woken: Vec::new(),
    }
}

impl<F: Future> Gather<F> {
    /// How many have not ended.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }
}

impl<F: Future> Gather<F> {
    /// Lets all arms begin, before the first poll of any.
    fn begin(&mut self) {
        let first = self.arms.first().and_then(|arm| arm.body.as_ref());
        if first.is_some_and(|body| body.is_new()) {
            let bodies = self.arms.iter_mut().filter_map(|arm| arm.body.as_mut());
            bodies.for_each(|body| body.as_mut().enter());
        }
    }
}

impl<F: Future> Arm<F> {
    /// Polls the arm if it has not ended; whether it ended now.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let Some(body) = &mut self.body else {
            return false;
        };
        let polled = match &self.line {
            Some(line) => body.as_mut().poll(&mut Context::from_waker(line.begin())),
            None => body.as_mut().poll(context),
        };
        let Poll::Ready(value) = polled else {
            return false;
        };
        self.value = Some(value);
        self.body = None;
        self.line = None;
        true
    }
}

/// Futures are pinned in boxes of their own, values are never pinned.
impl<F: Future> Unpin for Gather<F> {}

impl<F: Future> Future for Gather<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.begin();
        match &this.hub {
            None => {
                let ended = this.arms.iter_mut().map(|arm| arm.poll(context));
                this.left -= ended.filter(|&has_ended| has_ended).count();
            }
            Some(hub) => {
                hub.drain(context.waker(), &mut this.woken);
                for &arm in &this.woken {
                    this.left -= usize::from(this.arms[arm].poll(context));
                }
                if this.left > 0 && is_deaf() {
                    let ended = this.arms.iter_mut().map(|arm| arm.poll(context));
                    this.left -= ended.filter(|&has_ended| has_ended).count();
                }
            }
        }
        if this.left > 0 {
            return Poll::Pending;
        }
        this.hub = None;
        Poll::Ready(this.arms.drain(..).filter_map(|arm| arm.value).collect())
    }
}

impl<F: Future> fmt::Debug for Gather<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
