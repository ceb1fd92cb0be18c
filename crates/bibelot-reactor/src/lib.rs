//! The contract between a kernel and the world: owned operations in, completions out.
//!
//! A [`Reactor`] takes an [`Op`] that owns its descriptor and buffer, and gives back a
//! [`Completion`]. What touches the world without waiting is a [`Call`]. Nothing here knows futures,
//! kernels, io_uring or epoll, so a backend is one readable `match` and a simulated world is another.
//!
//! | File | What it holds |
//! |---|---|
//! | `reactor` | the trait and its promises |
//! | `op`, `completion`, `token` | operations, their ends, their names |
//! | `call` | what never waits |
//! | `program` | child processes |
//! | `fd`, `buf`, `pool` | what an operation owns |
//! | `inbox`, `outbox` | what has arrived at an object, and what has not left it yet |
//! | `lawful` | a reactor that watches another one keep its promises |
//! | `lookout` | when to look before a sleep, and when to end it |
//! | `unpark` | waking a sleeping reactor without needless system calls |

#![forbid(unsafe_code)]

mod atomic;
mod buf;
mod call;
mod completion;
mod fd;
mod inbox;
mod lawful;
mod lookout;
mod op;
mod outbox;
mod pool;
mod program;
mod reactor;
mod token;
mod unpark;

pub use buf::Buf;
pub use call::{Call, Counters, ListenHow, Pending, Reply};
pub use completion::{Completion, Outcome, cancelled, unsupported};
pub use fd::{Farewell, Fd, VirtualFd, WeakFd};
pub use inbox::Inbox;
pub use lawful::Lawful;
pub use lookout::{Came, Lookout};
pub use op::{Interest, Job, Op, OpKind, OpenHow};
pub use outbox::{Memory, Outbox, Spare};
pub use pool::Home;
pub use program::{Child, Program};
pub use reactor::Reactor;
pub use token::Token;
pub use unpark::Unpark;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
