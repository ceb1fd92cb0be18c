//! Streams: what everything that brings and takes bytes has in common.
//!
//! A stream is buffered. What arrives is kept by the kernel in the stream's inbox; a read moves it into
//! the stream's front, looks whether it is enough, and takes it out only then. What is written goes to
//! the stream's outbox and leaves at the end of the turn. So no future of a stream owns a byte: one that
//! is cancelled, timed out or dropped has changed nothing, except that a write says how much was taken.
//!
//! | File | What it holds |
//! |---|---|
//! | `front` | the bytes that have arrived and are still to be read |
//! | `goal` | what a read waits for, and how it takes it |
//! | `reading`, `writing` | the futures |
//! | `methods` | the methods that all streams have |

mod front;
mod goal;
mod methods;
mod reading;
mod writing;

/// A piece of what has arrived, as it lies.
pub use bibelot_reactor::Buf;
pub use goal::{Any, Chunk, Exact, Fill, Goal, Line, ToEnd, Until};
pub use reading::Reading;
pub use writing::{Drain, Flush, Source, Write};

pub(crate) use front::Front;
pub(crate) use methods::{reading_methods, writing_methods};
pub(crate) use writing::push;
