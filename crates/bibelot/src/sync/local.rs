//! The primitives for the tasks of one kernel, as the crate's root names them.

use super::{self as sync, Fifo, Lifo, Local, Priority};

/// A flag that is set by one and waited for by many. Across threads: [`crate::universal::Event`].
pub type Event = sync::Event<Local>;
/// A wake without a value. Across threads: [`crate::universal::Notify`].
pub type Notify = sync::Notify<Local>;
/// A value that one task at a time may use. Across threads: [`crate::universal::Lock`].
pub type Lock<T> = sync::Lock<T, Local>;
/// A value that many tasks may read or one may change. Across threads: [`crate::universal::RwLock`].
pub type RwLock<T> = sync::RwLock<T, Local>;
/// A value that one task at a time may use, which may take the lock again. Across threads:
/// [`crate::universal::ReentrantLock`].
pub type ReentrantLock<T> = sync::ReentrantLock<T, Local>;
/// Permits for so many tasks at a time. Across threads: [`crate::universal::Semaphore`].
pub type Semaphore = sync::Semaphore<Local>;
/// Tokens for so many tasks at a time, each in the name of its task. Across threads:
/// [`crate::universal::CapacityLimiter`].
pub type CapacityLimiter = sync::CapacityLimiter<Local>;
/// Lets tasks through in rounds of a fixed number. Across threads: [`crate::universal::Barrier`].
pub type Barrier = sync::Barrier<Local>;
/// Waits for a change of what a [`Lock`] guards. Across threads: [`crate::universal::Condition`].
pub type Condition = sync::Condition<Local>;
/// A line to wait in until one is called. Across threads: [`crate::universal::WaitLine`].
pub type WaitLine = sync::WaitLine<Local>;
/// A result that is set once and read by many. Across threads: [`crate::universal::OnceResult`].
pub type OnceResult<T, E> = sync::OnceResult<T, E, Local>;
/// A value that is made once and read by many. Across threads: [`crate::universal::OnceCell`].
pub type OnceCell<T> = sync::OnceCell<T, Local>;
/// A queue, first in first out. Across threads: [`crate::universal::Queue`].
pub type Queue<T> = sync::Queue<Fifo<T>, Local>;
/// A queue that gives out the youngest item first. Across threads: [`crate::universal::LifoQueue`].
pub type LifoQueue<T> = sync::Queue<Lifo<T>, Local>;
/// A queue that gives out the item of the smallest rank first, put as `(rank, item)`; wrap the rank into
/// [`Reverse`](std::cmp::Reverse) for the greatest. Across threads: [`crate::universal::PriorityQueue`].
pub type PriorityQueue<K, T> = sync::Queue<Priority<K, T>, Local>;
/// Sends one value. Across threads: [`crate::universal::OneshotSender`].
pub type OneshotSender<T> = sync::OneshotSender<T, Local>;
/// Receives one value. Across threads: [`crate::universal::OneshotReceiver`].
pub type OneshotReceiver<T> = sync::OneshotReceiver<T, Local>;
/// Sends items into a channel. Across threads: [`crate::universal::Sender`].
pub type Sender<T> = sync::Sender<T, Local>;
/// Receives items from a channel. Across threads: [`crate::universal::Receiver`].
pub type Receiver<T> = sync::Receiver<T, Local>;
/// Sends the latest value of a watch. Across threads: [`crate::universal::WatchSender`].
pub type WatchSender<T> = sync::WatchSender<T, Local>;
/// Reads the latest value of a watch. Across threads: [`crate::universal::WatchReceiver`].
pub type WatchReceiver<T> = sync::WatchReceiver<T, Local>;
/// Sends each item to all receivers. Across threads: [`crate::universal::BroadcastSender`].
pub type BroadcastSender<T> = sync::BroadcastSender<T, Local>;
/// Receives every item of a broadcast. Across threads: [`crate::universal::BroadcastReceiver`].
pub type BroadcastReceiver<T> = sync::BroadcastReceiver<T, Local>;

/// A channel with room for `capacity` items: a queue that closes when one of its sides is gone. Across threads:
/// [`crate::universal::channel()`].
///
/// # Panics
///
/// When `capacity` is 0; that is [`rendezvous`].
///
/// ```
/// # bibelot::run(async {
/// let (sender, receiver) = bibelot::channel(4);
/// for greeter in ["good day", "hello"] {
///     let sender = sender.clone();
///     bibelot::spawn(async move { sender.send(greeter).await });
/// }
/// drop(sender);
/// let mut heard = Vec::new();
/// while let Ok(greeting) = receiver.recv().await {
///     heard.push(greeting);
/// }
/// assert_eq!(heard, ["good day", "hello"]);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    sync::channel(capacity)
}

/// A [`channel()`] that is never full. Across threads: [`crate::universal::unbounded`].
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    sync::unbounded()
}

/// A [`channel()`] without room, where a send waits until its item is received. Across threads:
/// [`crate::universal::rendezvous`].
#[must_use]
pub fn rendezvous<T>() -> (Sender<T>, Receiver<T>) {
    sync::rendezvous()
}

/// A watch of `value`: what sends a new one, and what reads the latest and hears of changes. Across
/// threads: [`crate::universal::watch()`].
///
/// ```
/// # bibelot::run(async {
/// let (sender, mut receiver) = bibelot::watch("closed");
/// let visitor = bibelot::spawn(async move { receiver.wait_for(|it| *it == "open").await.is_ok() });
/// sender.send("opening");
/// sender.send("open");
/// assert!(visitor.await?);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn watch<T>(value: T) -> (WatchSender<T>, WatchReceiver<T>) {
    sync::watch(value)
}

/// A broadcast, which keeps up to `capacity` items for receivers that are behind. Across threads:
/// [`crate::universal::broadcast()`].
///
/// # Panics
///
/// When `capacity` is 0.
///
/// ```
/// # bibelot::run(async {
/// let (sender, mut receiver) = bibelot::broadcast(2);
/// for item in 1..=5 {
///     sender.send(item).unwrap();
/// }
/// let lagged = receiver.recv().await.unwrap_err();
/// assert!(matches!(lagged, bibelot::BroadcastError::Lagged(3)));
/// assert_eq!(receiver.recv().await?, 4);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn broadcast<T>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    sync::broadcast(capacity)
}

/// A sender of one value and its receiver. Across threads: [`crate::universal::oneshot`].
///
/// ```
/// # bibelot::run(async {
/// let (sender, receiver) = bibelot::oneshot();
/// bibelot::spawn(async move { sender.send(6 * 7) });
/// assert_eq!(receiver.await?, 42);
/// # bibelot::Ok(()) }).unwrap();
/// ```
#[must_use]
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    sync::oneshot()
}
