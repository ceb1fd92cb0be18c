//! The pieces: memory for receives that bring none of their own.

use std::sync::Arc;

use bibelot_reactor::{Buf, Home};

/// Lends buffers of one length, and takes them back from wherever they are dropped.
#[derive(Debug)]
pub(crate) struct Pieces {
    home: Arc<Home>,
    free: Vec<Vec<u8>>,
    len: usize,
}

impl Pieces {
    pub(crate) fn new(len: usize) -> Self {
        Self {
            home: Arc::new(Home::new(len)),
            free: Vec::new(),
            len,
        }
    }

    /// An empty buffer; new memory is made only if none has come back.
    pub(crate) fn lend(&mut self) -> Buf {
        if self.free.is_empty() && self.home.has_returned() {
            self.home.take_back_into(&mut self.free);
        }
        let memory = self.free.pop().unwrap_or_else(|| vec![0; self.len]);
        Buf::lent(memory, self.home.clone())
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.home.close();
    }
}
