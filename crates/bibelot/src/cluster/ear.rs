//! The ear: a task that takes connections off one listener and deals them out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bibelot_kernel::AsCancelled;
use bibelot_kernel::io::Arrival;
use bibelot_reactor::Fd;

use super::hall::{Dealing, Hall};
use super::handle::ClusterHandle;
use crate::net::listener::TcpListener;

/// How many connections an ear's kernel accepts ahead of it.
const KEPT_MAX: usize = 64;

/// Has an ear's place taken by another one if it is dropped before its end.
pub(super) struct Watch {
    hall: Arc<Hall>,
    fd: Option<Fd>,
    id: u64,
    dealing: Dealing,
}

impl Watch {
    pub(super) fn new(hall: Arc<Hall>, fd: Fd, id: u64, dealing: Dealing) -> Self {
        Self {
            hall,
            fd: Some(fd),
            id,
            dealing,
        }
    }

    fn end(mut self, failure: Option<io::Error>) {
        drop(self.fd.take());
        self.hall.ear_ended(self.id, failure);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(fd) = self.fd.take() {
            self.hall.ear_lost(self.id, &fd);
        }
    }
}

/// Deals out connections until it is told to end.
pub(super) async fn hear(watch: Watch) {
    let Some(fd) = watch.fd.clone() else { return };
    let own = match watch.dealing {
        Dealing::Own => ClusterHandle::try_current().and_then(|cluster| cluster.current_kernel()),
        Dealing::Chosen => None,
    };
    let listener = TcpListener::from_fd(fd, KEPT_MAX);
    let error = deal_all(&watch, &listener, own).await;
    // Interrupted, a close is waited for again; it goes on by itself.
    while listener
        .close()
        .await
        .is_err_and(|error| error.is_cancelled())
    {}
    // What was taken off the backlog is there, until the listener says that it is closed. The backlog stays
    // with the descriptor, which another ear listens to by now, unless the server closes.
    deal_all(&watch, &listener, None).await;
    drop(listener);
    watch.end((!error.is_cancelled()).then_some(error));
}

/// Deals out what comes; returns what put an end to that.
async fn deal_all(watch: &Watch, listener: &TcpListener, own: Option<usize>) -> io::Error {
    loop {
        match accept(listener).await {
            Ok((socket, peer)) => watch.hall.deal(socket, peer, own),
            Err(error) => return error,
        }
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(Fd, Option<SocketAddr>)> {
    match listener.arrival().await?? {
        Some(Arrival::Connection(socket, peer)) => Ok((socket, peer)),
        Some(Arrival::Bytes(_)) => Err(io::Error::other("a listener brings no bytes")),
        None => Err(crate::Error::Closed.into()),
    }
}
