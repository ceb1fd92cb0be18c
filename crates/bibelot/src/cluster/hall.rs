//! The hall: what one server of a cluster is, on all its kernels.
//!
//! A listener is an *ear*: a task of some kernel that takes connections and deals them out. The hall holds
//! every ear's descriptor, so that it stays open while its ear moves from one kernel to another, and with it
//! the backlog. A connection on its way to another kernel is a *parcel*: one that cannot be opened there is
//! dealt out again.
//!
//! # Invariants
//!
//! - Until the hall closes, each descriptor has an ear on a kernel that runs, or one that is on its way there.
//! - `open` counts the ears, the parcels and the connections that have not ended.
//! - No code of users runs under a lock, and nothing is dropped under one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bibelot_kernel::{TaskBuilder, TaskId, TaskName};
use bibelot_reactor::Fd;

use super::ear;
use super::handle::ClusterHandle;
use super::latch::Latch;
use super::member::Seat;
use super::shared::Shared;
use super::spawn::{How, begin};
use super::task::ClusterTask;
use crate::net::accept::connection;
use crate::net::tcp_stream::TcpStream;

/// Starts the task that serves one connection.
pub(super) type Handler = Box<dyn Fn(TaskBuilder, TcpStream, SocketAddr) -> TaskName + Send + Sync>;

/// One server.
pub(super) struct Hall {
    shared: Arc<Shared>,
    handler: Handler,
    name: Arc<str>,
    pub local_addr: SocketAddr,
    state: Mutex<State>,
    open: AtomicUsize,
    /// The tasks of the connections, by kernel.
    running: Box<[Mutex<BTreeMap<TaskId, TaskName>>]>,
    /// Set when it is closing and nothing is open any more.
    pub closed: Latch,
}

#[derive(Default)]
struct State {
    is_closing: bool,
    failure: Option<io::Error>,
    last_ear: u64,
    ears: Vec<Ear>,
}

/// A listener, and where it listens.
struct Ear {
    id: u64,
    fd: Fd,
    kernel: usize,
    /// `None` while it is being sent there.
    task: Option<ClusterTask<()>>,
    /// It is to end; with its task still to come, that is told then.
    is_told: bool,
}

/// To whom an ear gives what it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dealing {
    /// To the kernel that is chosen.
    Chosen,
    /// To the ear's own kernel, while that takes anything.
    Own,
}

impl Hall {
    pub(super) fn new(shared: Arc<Shared>, local_addr: SocketAddr, handler: Handler) -> Arc<Self> {
        let kernels = shared.members.len();
        let hall = Arc::new(Self {
            handler,
            name: format!("connection at {local_addr}").into(),
            local_addr,
            state: Mutex::default(),
            open: AtomicUsize::new(0),
            running: (0..kernels).map(|_| Mutex::default()).collect(),
            closed: Latch::default(),
            shared,
        });
        hall.shared.add_hall(&hall);
        hall
    }

    /// Has `fd` listened to on `kernel`, or on another one if that takes nothing. Whether there is one.
    pub(super) fn listen(
        self: &Arc<Self>,
        fd: &Fd,
        kernel: Option<usize>,
        dealing: Dealing,
    ) -> bool {
        let mut seat = kernel.and_then(|kernel| Seat::take(&self.shared, kernel));
        loop {
            let Some(taken) = seat.or_else(|| self.shared.seat()) else {
                return false;
            };
            let kernel = taken.kernel();
            let id = {
                let mut state = self.lock();
                if state.is_closing {
                    drop(state);
                    return false;
                }
                state.last_ear += 1;
                let id = state.last_ear;
                state.ears.push(Ear {
                    id,
                    fd: fd.clone(),
                    kernel,
                    task: None,
                    is_told: false,
                });
                self.open.fetch_add(1, Ordering::SeqCst);
                id
            };
            // A kernel that began to drain before the ear was listed has not seen it there.
            if !self.shared.members[kernel].is_running() {
                drop(taken);
                self.forget_ear(id);
                self.leave();
                seat = None;
                continue;
            }
            let ear = ear::Watch::new(self.clone(), fd.clone(), id, dealing);
            let site = std::panic::Location::caller();
            let task = begin(
                taken,
                How::default(),
                async move || ear::hear(ear).await,
                site,
            );
            self.set_task(id, task);
            return true;
        }
    }

    fn set_task(&self, id: u64, task: ClusterTask<()>) {
        let unlisted = {
            let mut state = self.lock();
            match state.ears.iter_mut().find(|ear| ear.id == id) {
                Some(ear) if ear.is_told => Some(task),
                Some(ear) => {
                    ear.task = Some(task);
                    None
                }
                // It has ended already.
                None => return,
            }
        };
        if let Some(task) = unlisted {
            task.cancel_nowait();
        }
    }

    /// Moves what listens on a kernel that takes nothing new to others, backlog and all.
    pub(super) fn vacate(self: &Arc<Self>, kernel: usize) {
        let leaving: Vec<(u64, Fd)> = {
            let state = self.lock();
            let here = state.ears.iter().filter(|ear| ear.kernel == kernel);
            here.map(|ear| (ear.id, ear.fd.clone())).collect()
        };
        for (id, fd) in leaving {
            // First the new one, so that there is always one: the hall closes with its last ear.
            self.listen(&fd, None, Dealing::Chosen);
            let task = {
                let mut state = self.lock();
                let ear = state.ears.iter_mut().find(|ear| ear.id == id);
                ear.and_then(|ear| {
                    ear.is_told = true;
                    ear.task.take()
                })
            };
            if let Some(task) = task {
                task.cancel_nowait();
            }
        }
    }

    /// An ear has ended as it was told to, or because its listener failed.
    pub(super) fn ear_ended(&self, id: u64, failure: Option<io::Error>) {
        self.forget_ear(id);
        let unkept = {
            let mut state = self.lock();
            if state.ears.is_empty() {
                state.is_closing = true;
            }
            match &state.failure {
                None => {
                    state.failure = failure;
                    None
                }
                Some(_) => failure,
            }
        };
        drop(unkept);
        self.leave();
    }

    /// An ear was dropped, with its kernel or by somebody who aborts: another one takes its place.
    pub(super) fn ear_lost(self: &Arc<Self>, id: u64, fd: &Fd) {
        // First the new one, as in `vacate`.
        if !self.was_told(id) {
            self.listen(fd, None, Dealing::Chosen);
        }
        self.ear_ended(id, None);
    }

    /// Whether an ear was told to end.
    fn was_told(&self, id: u64) -> bool {
        let state = self.lock();
        let ear = state.ears.iter().find(|ear| ear.id == id);
        ear.is_none_or(|ear| ear.is_told)
    }

    /// Takes an ear off the list.
    fn forget_ear(&self, id: u64) {
        let ear = {
            let mut state = self.lock();
            let place = state.ears.iter().position(|ear| ear.id == id);
            place.map(|place| state.ears.swap_remove(place))
        };
        drop(ear);
    }

    /// Stops listening; what was accepted by then is served.
    pub(super) fn close(&self) {
        let tasks: Vec<ClusterTask<()>> = {
            let mut state = self.lock();
            state.is_closing = true;
            let ears = state.ears.iter_mut();
            ears.filter_map(|ear| {
                ear.is_told = true;
                ear.task.take()
            })
            .collect()
        };
        for task in tasks {
            task.cancel_nowait();
        }
        self.set_if_closed();
    }

    /// Asks all connections' tasks to stop.
    pub(super) fn cancel_handlers(&self) {
        for running in &self.running {
            let tasks: Vec<TaskName> = lock(running).values().copied().collect();
            for task in tasks {
                task.cancel_nowait();
            }
        }
    }

    /// What made a listener fail, once.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    /// Gives a connection to a kernel. Without one that takes it, it is closed.
    pub(super) fn deal(self: &Arc<Self>, socket: Fd, peer: Option<SocketAddr>, own: Option<usize>) {
        let seat = own.and_then(|kernel| Seat::take(&self.shared, kernel));
        let Some(seat) = seat.or_else(|| self.shared.seat()) else {
            return;
        };
        self.open.fetch_add(1, Ordering::SeqCst);
        let cluster = ClusterHandle::new(self.shared.clone());
        let is_here = cluster.current_kernel() == Some(seat.kernel());
        let there = seat.member_kernel();
        let parcel = Parcel {
            hall: self.clone(),
            content: Some((socket, peer, seat)),
        };
        if is_here {
            parcel.open();
        } else {
            // Refused, it comes back, and its drop deals it out again.
            drop(there.post(move || parcel.open()));
        }
    }

    /// Something that was open no longer is.
    fn leave(&self) {
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.set_if_closed();
        }
    }

    fn set_if_closed(&self) {
        // In this order: nothing is opened once it is closing and nothing is open.
        let is_closing = self.lock().is_closing;
        if is_closing && self.open.load(Ordering::SeqCst) == 0 {
            self.closed.set();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A connection on its way to the kernel that is to serve it.
struct Parcel {
    hall: Arc<Hall>,
    /// `None` once it was opened.
    content: Option<(Fd, Option<SocketAddr>, Seat)>,
}

impl Parcel {
    /// Starts the connection's task, on its kernel's thread.
    fn open(mut self) {
        let Some((socket, peer, mut seat)) = self.content.take() else {
            return;
        };
        let hall = self.hall.clone();
        let (stream, peer) = connection(socket, peer);
        let builder = TaskBuilder::new().name(hall.name.clone());
        let task = (hall.handler)(builder, stream, peer);
        seat.sit_down();
        lock(&hall.running[seat.kernel()]).insert(task.id(), task);
        let end = ConnectionEnd {
            parcel: self,
            seat,
            task: task.id(),
        };
        // Dropped when the task has ended, called or not.
        let _listens = task.listen(move |_| {
            let _ = &end;
        });
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Some((socket, peer, seat)) = self.content.take() {
            drop(seat);
            self.hall.deal(socket, peer, None);
        }
        self.hall.leave();
    }
}

/// The end of a connection's task.
struct ConnectionEnd {
    /// Empty; with it the hall is left.
    parcel: Parcel,
    seat: Seat,
    task: TaskId,
}

impl Drop for ConnectionEnd {
    fn drop(&mut self) {
        let running = &self.parcel.hall.running[self.seat.kernel()];
        lock(running).remove(&self.task);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can leave what they guard half-changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
