//! The halves: the two directions of a connection, for two tasks.

use std::fmt;

use bibelot_kernel::io::Object;

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
/// The connection is closed when both halves are gone; what was written is sent before.
pub struct WriteHalf {
    object: Object,
}

impl ReadHalf {
    pub(super) fn new(object: Object, front: Front) -> Self {
        Self { object, front }
    }

    reading_methods!();
}

impl WriteHalf {
    pub(super) fn new(object: Object) -> Self {
        Self { object }
    }

    writing_methods!();
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
