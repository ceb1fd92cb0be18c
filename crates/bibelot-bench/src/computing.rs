//! The computing cells: one text for every runtime.
//!
//! The futures of one runtime are `Send` and those of another are not, so no trait can be over both, and
//! a macro is. A runtime says how it spawns, gives way (and lets everybody run once), sleeps and limits, and gets the
//! cells in return.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cell::Cell;

/// Polls a future once and leaves it pending.
pub async fn poll_once<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        assert!(polled.is_pending(), "it was to wait");
        Poll::Ready(())
    })
    .await;
}

/// Lets what is ready run first, where a runtime has no such thing of its own.
pub fn give_way() -> impl Future<Output = ()> {
    GiveWay(false)
}

/// Keeps a kernel busy, for ever.
#[cfg(feature = "peers")]
pub async fn give_way_always() {
    loop {
        give_way().await;
    }
}

struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// How many tasks have begun. All are of one thread, so nothing is ordered.
#[derive(Clone)]
pub struct Began(Arc<AtomicUsize>);

impl Began {
    /// None yet.
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// One more.
    pub fn one(self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Sees to it that whoever gave way let all others run, as it is supposed to do.
    pub fn expect(&self, tasks: usize) {
        assert_eq!(
            self.0.load(Ordering::Relaxed),
            tasks,
            "who gives way goes first"
        );
    }
}

/// The deadlines of sleeps that stand around: far away, and each in another place.
pub fn far(index: usize) -> Duration {
    Duration::from_millis(100_000 + (index as u64 * 7919) % 3_000_000)
}

/// A deadline that is never reached.
pub const LIMIT: Duration = Duration::from_secs(10);

/// How long the sleeps of [`Cell::Lateness`] are.
pub const NAP: Duration = Duration::from_micros(2300);

/// When the first of many timers is to fire: when all have been set, which is looked after.
pub fn horizon(timers: u64) -> Duration {
    Duration::from_millis(50) + Duration::from_micros(timers)
}

/// How far apart many timers fire.
pub fn spread(timers: u64) -> Duration {
    Duration::from_nanos(timers * 97)
}

/// Polls all of them once.
pub async fn poll_all<F: Future>(futures: &mut [Pin<Box<Option<F>>>]) {
    poll_fn(|context| {
        for future in &mut *futures {
            if let Some(future) = future.as_mut().as_pin_mut() {
                let _ = future.poll(context);
            }
        }
        Poll::Ready(())
    })
    .await;
}

/// Whether a cell is one of these and needs no clock.
pub fn has(cell: Cell) -> bool {
    !cell.has_network() && !matches!(cell, Cell::Lateness | Cell::Message { .. })
}

/// Defines `compute(cell, ops)` for a runtime.
macro_rules! computing {
    (
        spawn: $spawn:path,
        give_way: $give_way:expr,
        settle: $settle:expr,
        sleep: $sleep:path,
        timeout: $timeout:path,
        sync: $sync:path $(,)?
    ) => {
        /// Runs a cell inside the runtime.
        async fn compute(cell: $crate::cell::Cell, ops: u64) -> $crate::watch::Sample {
            use $crate::cell::Cell;
            match cell {
                Cell::Spawn { batch } => spawns(batch, ops).await,
                Cell::Yield { tasks } => yields(tasks, ops).await,
                Cell::Ring { tasks } => ring(tasks, ops).await,
                Cell::Timer { others } => timers(others, ops).await,
                Cell::Timers(step) => many_timers(step, ops).await,
                Cell::Lateness => lateness(ops).await,
                Cell::Timeout { others } => timeouts(others, ops).await,
                Cell::Memory { sleeping } => memory(sleeping, ops).await,
                _ if cell.is_sync() => $sync(cell, ops).await,
                _ => unreachable!("not a computing cell"),
            }
        }

        async fn spawns(batch: usize, ops: u64) -> $crate::watch::Sample {
            let mut tasks = Vec::with_capacity(batch);
            let watch = $crate::watch::Watch::start();
            if batch == 1 {
                for _ in 0..ops {
                    let _ = $spawn(async {}).await;
                }
                return watch.stop(ops);
            }
            for _ in 0..ops / batch as u64 {
                tasks.extend((0..batch).map(|_| $spawn(async {})));
                for task in tasks.drain(..) {
                    let _ = task.await;
                }
            }
            watch.stop(ops)
        }

        async fn yields(tasks: usize, ops: u64) -> $crate::watch::Sample {
            let each = ops / tasks as u64;
            let began = $crate::computing::Began::none();
            let spawned = (0..tasks).map(|_| {
                let began = began.clone();
                $spawn(async move {
                    began.one();
                    for _ in 0..=each {
                        let _ = $give_way.await;
                    }
                })
            });
            let spawned: Vec<_> = spawned.collect();
            let _ = $settle.await;
            began.expect(tasks);
            let watch = $crate::watch::Watch::start();
            for task in spawned {
                let _ = task.await;
            }
            watch.stop(ops)
        }

        async fn ring(tasks: usize, ops: u64) -> $crate::watch::Sample {
            let ring = $crate::ring::Ring::new(tasks, ops);
            let spawned: Vec<_> = (0..tasks).map(|at| $spawn(ring.hop(at))).collect();
            while !ring.is_closed() {
                let _ = $settle.await;
            }
            let watch = $crate::watch::Watch::start();
            ring.start();
            for task in spawned {
                let _ = task.await;
            }
            watch.stop(ops)
        }

        async fn timers(others: usize, ops: u64) -> $crate::watch::Sample {
            let _others = sleepers(others).await;
            let watch = $crate::watch::Watch::start();
            for _ in 0..ops {
                let sleep = std::pin::pin!($sleep($crate::computing::LIMIT));
                $crate::computing::poll_once(sleep).await;
            }
            watch.stop(ops)
        }

        async fn timeouts(others: usize, ops: u64) -> $crate::watch::Sample {
            let _others = sleepers(others).await;
            let watch = $crate::watch::Watch::start();
            for _ in 0..ops {
                let _ = $timeout($crate::computing::LIMIT, $give_way).await;
            }
            watch.stop(ops)
        }

        async fn many_timers(step: $crate::cell::Step, ops: u64) -> $crate::watch::Sample {
            use $crate::{cell::Step, computing};
            let mut sleeps = Vec::with_capacity(ops as usize);
            for index in 0..ops {
                let span = match step {
                    Step::Fire => computing::horizon(ops) + computing::spread(index),
                    _ => computing::far(index as usize),
                };
                // Whoever sets a timer when a sleep is made does it when this is polled.
                sleeps.push(Box::pin(Some(async move {
                    let _ = $sleep(span).await;
                })));
            }
            let began = std::time::Instant::now();
            let mut watch = $crate::watch::Watch::start();
            computing::poll_all(&mut sleeps).await;
            if step == Step::Fire {
                assert!(began.elapsed() < computing::horizon(ops), "set too slowly");
            }
            if step != Step::Insert {
                watch = $crate::watch::Watch::start();
            }
            match step {
                Step::Insert => {}
                Step::Cancel => sleeps.iter_mut().for_each(|it| it.as_mut().set(None)),
                Step::Fire => {
                    let _ = $sleep(computing::horizon(ops) + computing::spread(ops)).await;
                }
            }
            watch.stop(ops)
        }

        async fn lateness(ops: u64) -> $crate::watch::Sample {
            let mut late = $crate::histogram::Histogram::new();
            for _ in 0..ops {
                let began = std::time::Instant::now();
                let _ = $sleep($crate::computing::NAP).await;
                late.add(began.elapsed().saturating_sub($crate::computing::NAP));
            }
            $crate::watch::Sample::median(&late)
        }

        async fn sleepers(count: usize) -> impl Sized {
            let mut sleeps = Vec::with_capacity(count);
            for index in 0..count {
                let mut sleep = Box::pin($sleep($crate::computing::far(index)));
                $crate::computing::poll_once(sleep.as_mut()).await;
                sleeps.push(sleep);
            }
            sleeps
        }

        async fn memory(sleeping: bool, ops: u64) -> $crate::watch::Sample {
            $crate::parked::make_room(ops as usize);
            let before = $crate::watch::resident_bytes();
            for index in 0..ops as usize {
                if sleeping {
                    drop($spawn(async move {
                        let _ = $sleep($crate::computing::far(index)).await;
                    }));
                } else {
                    drop($spawn($crate::parked::Parked(false)));
                }
            }
            let _ = $settle.await;
            let _ = $settle.await;
            let amount = $crate::watch::resident_bytes() - before;
            $crate::watch::Sample { amount, ops }
        }
    };
}

pub(crate) use computing;
