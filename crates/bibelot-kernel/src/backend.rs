//! The backend: how a kernel gets its world, chosen by value.
//!
//! A backend is a recipe. The kernel's thread builds it, because a reactor may belong to the thread that
//! made it, and gets a [`World`]: the reactor, the clock that belongs to it, and in a simulated world the
//! chooser through which everything that could go another way is asked.

use std::fmt;
use std::io;

use bibelot_reactor::Reactor;
use bibelot_sched::Choice;
use bibelot_timer::Clock;

/// A recipe for a world.
///
/// # Examples
///
/// ```
/// use bibelot_kernel::{Backend, World};
///
/// /// The world that another backend builds, under a name of its own.
/// struct Named<B>(B);
///
/// impl<B: Backend> Backend for Named<B> {
///     fn build(self: Box<Self>) -> std::io::Result<World> {
///         let mut world = Box::new(self.0).build()?;
///         world.reason = format!("as asked: {}", world.reason);
///         Ok(world)
///     }
/// }
/// ```
pub trait Backend: Send {
    /// Builds the world, on the thread of the kernel that will live in it.
    ///
    /// # Errors
    ///
    /// When this world cannot be had here; the message says why.
    fn build(self: Box<Self>) -> io::Result<World>;
}

/// Everything outside a kernel.
pub struct World {
    /// The way to the world.
    pub reactor: Box<dyn Reactor>,
    /// The time of this world.
    pub clock: Box<dyn Clock>,
    /// Who decides what could go another way; production has none.
    pub choice: Option<Box<dyn Choice>>,
    /// Why it is this world and no other, for people.
    pub reason: String,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("reactor", &self.reactor.name())
            .field("choice", &self.choice.is_some())
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Which backend a kernel runs on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendInfo {
    /// The reactor's name: `"uring"`, `"poll"`, `"sim"`.
    pub name: &'static str,
    /// Why it is this one.
    pub reason: String,
}

impl fmt::Display for BackendInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            f.write_str(self.name)
        } else {
            write!(f, "{} ({})", self.name, self.reason)
        }
    }
}
