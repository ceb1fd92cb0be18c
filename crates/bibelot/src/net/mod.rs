//!
//! A listener and a stream are names of objects of the kernel, which own what arrives and what leaves:
//! a dropped accept leaves its connection with the listener, a dropped write has been taken or not. They
//! are `Send`, and used under another kernel they say so.
//!
//! | File | What it holds |
//! |---|---|
//! | `addrs` | what names an address, and finding it |
//! | `listener`, `accept` | taking connections |
//! | `tcp_stream`, `halves` | a connection, whole and in two |
//! | `connect`, `shut_down` | making one; ending a direction of it |
//! | `server` | one task for each connection |

pub(crate) mod accept;
pub(crate) mod addrs;
pub(crate) mod connect;
pub(crate) mod halves;
pub(crate) mod listener;
pub(crate) mod server;
mod shut_down;
pub(crate) mod tcp_stream;

pub use accept::{Accept, CloseListener};
pub use addrs::{Addrs, ToAddrs};
pub use connect::Connect;
pub use halves::{ReadHalf, WriteHalf};
pub use listener::{Bind, ListenOptions};
pub use server::{StartServer, WaitClosed, serve};
pub use shut_down::ShutDown;
pub use tcp_stream::{CloseStream, MovingStream};
