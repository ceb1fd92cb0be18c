//! The cells of synchronisation: one text for every runtime, as in `computing`.
//!
//! A contender says how it makes and uses a lock, a semaphore and an event, and gets the cells in return.

/// Defines `sync_cell(cell, ops)` for a runtime.
macro_rules! syncing {
    (
        spawn: $spawn:path,
        channel: $channel:path,
        put: $put:path,
        get: $get:path,
        lock: $new_lock:path, $lock:path,
        semaphore: $new_semaphore:path, $acquire:path,
        event: $new_event:path, $set:path, $wait:path $(,)?
    ) => {
        /// Runs a cell of synchronisation inside the runtime.
        async fn sync_cell(cell: $crate::cell::Cell, ops: u64) -> $crate::watch::Sample {
            use $crate::cell::Cell;
            match cell {
                Cell::Queue { capacity } => {
                    $crate::syncing::items!($spawn, $channel, $put, $get, capacity, ops)
                }
                Cell::Lock => {
                    let lock = $new_lock();
                    let watch = $crate::watch::Watch::start();
                    for _ in 0..ops {
                        $lock(&lock).await;
                    }
                    watch.stop(ops)
                }
                Cell::Semaphore => $crate::syncing::permits!($new_semaphore, $acquire, ops),
                Cell::Event => {
                    let (there, back) = ($new_event(), $new_event());
                    let watch = $crate::watch::Watch::start();
                    let other = $spawn({
                        let (there, back) = (there.clone(), back.clone());
                        async move {
                            for _ in 0..ops / 2 {
                                $wait(&there).await;
                                $set(&back);
                            }
                        }
                    });
                    for _ in 0..ops / 2 {
                        $set(&there);
                        $wait(&back).await;
                    }
                    let _ = other.await;
                    watch.stop(ops)
                }
                _ => unreachable!("not a cell of synchronisation"),
            }
        }
    };
}

/// One task puts, this one takes.
macro_rules! items {
    ($spawn:path, $channel:path, $put:path, $get:path, $capacity:expr, $ops:expr) => {{
        let ops = $ops;
        let (sender, mut receiver) = $channel($capacity);
        let watch = $crate::watch::Watch::start();
        let putter = $spawn(async move {
            for item in 0..ops {
                $put(&sender, item).await;
            }
        });
        for item in 0..ops {
            assert_eq!($get(&mut receiver).await, item);
        }
        let _ = putter.await;
        watch.stop(ops)
    }};
}

/// A permit is taken and given back.
macro_rules! permits {
    ($new_semaphore:path, $acquire:path, $ops:expr) => {{
        let ops = $ops;
        let semaphore = $new_semaphore();
        let watch = $crate::watch::Watch::start();
        for _ in 0..ops {
            $acquire(&semaphore).await;
        }
        watch.stop(ops)
    }};
}

pub(crate) use {items, permits, syncing};
