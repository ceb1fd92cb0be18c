//! What the compiler is to know of the types: which of them may go to another thread.

use bibelot_sync::generic::{self, Fifo, Universal};
use bibelot_sync::local;
use std::rc::Rc;

trait NotSend<Witness> {
    fn holds() {}
}
struct Other;
impl<T: ?Sized> NotSend<()> for T {}
impl<T: ?Sized + Send> NotSend<Other> for T {}

/// Ambiguous, and so refused by the compiler, if `T` is `Send`.
fn not_send<T: NotSend<W>, W>() {
    T::holds();
}

fn send_and_sync<T: Send + Sync>() {}
fn send<T: Send>() {}
fn unpin<T: Unpin>() {}

#[test]
fn the_universal_shell_goes_anywhere() {
    send_and_sync::<bibelot_sync::Event>();
    send_and_sync::<bibelot_sync::Queue<std::cell::Cell<u8>>>();
    send_and_sync::<bibelot_sync::Lock<std::cell::Cell<u8>>>();
    send_and_sync::<bibelot_sync::RwLock<u8>>();
    send_and_sync::<bibelot_sync::Semaphore>();
    send_and_sync::<bibelot_sync::Notify>();
    send_and_sync::<bibelot_sync::WaitLine>();
    send_and_sync::<bibelot_sync::Condition>();
    send_and_sync::<bibelot_sync::OnceResult<u8, u8>>();
    send_and_sync::<bibelot_sync::OnceCell<u8>>();
    send_and_sync::<bibelot_sync::ReentrantLock<u8>>();
    send_and_sync::<bibelot_sync::CapacityLimiter>();
    send_and_sync::<bibelot_sync::Barrier>();
    send_and_sync::<bibelot_sync::PriorityQueue<u8, std::cell::Cell<u8>>>();
    send_and_sync::<bibelot_sync::Sender<std::cell::Cell<u8>>>();
    send_and_sync::<bibelot_sync::Receiver<std::cell::Cell<u8>>>();
    send_and_sync::<bibelot_sync::WatchSender<u8>>();
    send_and_sync::<bibelot_sync::WatchReceiver<u8>>();
    send_and_sync::<bibelot_sync::BroadcastSender<u8>>();
    send_and_sync::<bibelot_sync::BroadcastReceiver<u8>>();
    send::<generic::Changed<'static, u8, Universal>>();
    send::<generic::Receiving<'static, u8, Universal>>();
    send::<generic::ItemGuard<'static, Fifo<u8>, Universal>>();
    send::<generic::PutPermit<'static, Fifo<u8>, Universal>>();
    send::<generic::ReentrantGuard<'static, u8, Universal>>();
    send::<bibelot_sync::OneshotReceiver<std::cell::Cell<u8>>>();
    send::<generic::Get<'static, Fifo<u8>, Universal>>();
    send::<generic::Put<'static, Fifo<u8>, Universal>>();
    send::<generic::LockGuard<'static, u8, Universal>>();
    send::<generic::ReadGuard<'static, u8, Universal>>();
    send::<generic::Permit<'static, Universal>>();
    send::<generic::Waiting<'static, u8, Universal>>();
}

#[test]
fn what_is_bound_to_one_thread_stays_there() {
    not_send::<local::Event, _>();
    not_send::<local::Queue<u8>, _>();
    not_send::<local::Get<'static, u8>, _>();
    not_send::<local::Lock<u8>, _>();
    not_send::<bibelot_sync::RwLock<std::cell::Cell<u8>>, _>();
    not_send::<bibelot_sync::ReentrantLock<std::cell::Cell<u8>>, _>();
    not_send::<bibelot_sync::WatchSender<std::cell::Cell<u8>>, _>();
    not_send::<bibelot_sync::BroadcastSender<std::cell::Cell<u8>>, _>();
    not_send::<bibelot_sync::OnceCell<std::cell::Cell<Rc<u8>>>, _>();
    not_send::<local::RwLock<u8>, _>();
    not_send::<local::Sender<u8>, _>();
    not_send::<bibelot_sync::Queue<Rc<u8>>, _>();
    not_send::<generic::LockGuard<'static, Rc<u8>, Universal>, _>();
}

#[test]
fn futures_can_be_polled_where_they_lie() {
    unpin::<local::Put<'static, std::marker::PhantomPinned>>();
    unpin::<local::Get<'static, std::marker::PhantomPinned>>();
    unpin::<local::Locking<'static, std::marker::PhantomPinned>>();
    unpin::<bibelot_sync::OneshotReceiver<u8>>();
}
