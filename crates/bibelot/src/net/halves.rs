//! The halves: the two directions of a connection, for two tasks.

use std::fmt;
use std::net::Shutdown;

use bibelot_kernel::io::Object;

use super::shut_down::ShutDown;
use super::tcp_stream::TcpStream;
use crate::stream::{Front, reading_methods, writing_methods};

/// The direction of a connection that is read from.
///
/// The connection is closed when both halves are gone.
pub struct ReadHalf {
    object: Object,
    front: Front,
}

/// The direction of a connection that is written to.
///
/// Dropped, it tells the peer that nothing more comes, when everything that was written has been sent.
/// The connection is closed when both halves are gone.
pub struct WriteHalf {
    object: Object,
    /// Its drop ends the direction.
    ends: bool,
}

impl ReadHalf {
    pub(super) fn new(object: Object, front: Front) -> Self {
        Self { object, front }
    }

    reading_methods!();

    /// Puts the connection together again.
    ///
    /// # Errors
    ///
    /// The halves come back if they are not of the same connection.
    pub fn reunite(self, mut write: WriteHalf) -> Result<TcpStream, (Self, WriteHalf)> {
        if self.object != write.object {
            return Err((self, write));
        }
        write.ends = false;
        Ok(TcpStream::from_parts(self.object, self.front))
    }
}

impl WriteHalf {
    pub(super) fn new(object: Object) -> Self {
        Self { object, ends: true }
    }

    writing_methods!();

    /// Sends what was written, and tells the peer that nothing more comes; see
    /// [`TcpStream::shutdown`].
    ///
    /// # Errors
    ///
    /// That of a send that failed; `Cancelled`.
    ///
    /// # Cancellation
    ///
    /// The peer is told all the same. Dropped before its first poll it does nothing.
    #[track_caller]
    pub fn shutdown(&mut self) -> ShutDown<'_> {
        ShutDown::new(&self.object, Shutdown::Write)
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if self.ends {
            self.object.finish();
        }
    }
}

impl fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf")
            .field("object", &self.object)
            .field("buffered", &self.front.len())
            .finish()
    }
}

impl fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteHalf").field(&self.object).finish()
    }
}
