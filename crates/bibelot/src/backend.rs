//! The backends of the operating system, and how one is chosen.
//!
//! `Auto` takes the ring where there is one and polling where there is not, and says which and why. A
//! backend asked for by name that cannot be had is an error with the reason. `BIBELOT_REACTOR` names the
//! one that `Auto` takes.

use std::env;
use std::io;
use std::time::Duration;

use bibelot_kernel::World;
use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::Reactor;
use bibelot_timer::Quick;
use bibelot_uring::{Abilities, Ability, Uring, UringConfig};

/// The environment variable that hides what a ring offers, to see how a program fares on an older
/// operating system: `all`, or a list of abilities by their names in [`bibelot_uring::Ability`].
pub const HIDE_VARIABLE: &str = "BIBELOT_URING_HIDE";

/// The environment variable that names the backend which [`Backend::Auto`] takes.
pub const REACTOR_VARIABLE: &str = "BIBELOT_REACTOR";

/// A way to the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Backend {
    /// What `BIBELOT_REACTOR` names, else io_uring where it is to be had, else polling.
    #[default]
    Auto,
    /// io_uring.
    Uring,
    /// Readiness polling.
    Poll,
}

impl Backend {
    /// The backend of this name: `auto`, `uring` or `poll`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "uring" => Some(Self::Uring),
            "poll" => Some(Self::Poll),
            _ => None,
        }
    }
}

impl bibelot_kernel::Backend for Backend {
    fn build(self: Box<Self>) -> io::Result<World> {
        Box::new(Os {
            which: *self,
            keeping: Keeping::default(),
        })
        .build()
    }
}

/// A backend, and how its threads are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Os {
    pub which: Backend,
    pub keeping: Keeping,
}

/// The threads for what blocks, where that is not left to the reactor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Workers {
    pub threads_max: Option<usize>,
    pub idle: Option<Duration>,
}

/// How a backend of the operating system is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keeping {
    pub workers: Workers,
    pub wake_by_message: bool,
    pub look_max: Option<Duration>,
    pub gather_max: Option<Duration>,
}

impl bibelot_kernel::Backend for Os {
    fn build(self: Box<Self>) -> io::Result<World> {
        match self.which {
            Backend::Auto => auto(self.keeping),
            Backend::Uring => uring(self.keeping, "as asked"),
            Backend::Poll => poll(self.keeping, "as asked"),
        }
    }
}

fn auto(keeping: Keeping) -> io::Result<World> {
    match env::var(REACTOR_VARIABLE) {
        Ok(name) if !name.is_empty() => {
            let reason = format!("as {REACTOR_VARIABLE} says");
            match Backend::from_name(&name) {
                Some(Backend::Uring) => uring(keeping, &reason),
                Some(Backend::Poll) => poll(keeping, &reason),
                Some(Backend::Auto) => best(keeping),
                None => {
                    let message = format!(
                        "{REACTOR_VARIABLE} is {name:?}; it names `auto`, `uring` or `poll`"
                    );
                    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
                }
            }
        }
        _ => best(keeping),
    }
}

/// The ring if there is one, else polling.
fn best(keeping: Keeping) -> io::Result<World> {
    match Uring::new(ring_config(keeping)?) {
        Ok(ring) => Ok(world(with_report(ring, "it can be had"))),
        Err(error) => poll(keeping, &format!("no io_uring: {error}")),
    }
}

fn uring(keeping: Keeping, reason: &str) -> io::Result<World> {
    let ring = Uring::new(ring_config(keeping)?).map_err(io::Error::from)?;
    Ok(world(with_report(ring, reason)))
}

/// The default ring, without what the environment hides.
fn ring_config(keeping: Keeping) -> io::Result<UringConfig> {
    let hide = match env::var(HIDE_VARIABLE) {
        Ok(names) => hidden(&names)?,
        Err(_) => Abilities::NONE,
    };
    let mut config = UringConfig {
        hide,
        wake_by_message: keeping.wake_by_message,
        ..UringConfig::default()
    };
    config.look_max = keeping.look_max.unwrap_or(config.look_max);
    config.gather_max = keeping.gather_max.unwrap_or(config.gather_max);
    let (workers, limits) = (keeping.workers, &mut config.workers);
    limits.threads_max = workers.threads_max.unwrap_or(limits.threads_max);
    limits.idle = workers.idle.unwrap_or(limits.idle);
    Ok(config)
}

fn hidden(names: &str) -> io::Result<Abilities> {
    if names == "all" {
        return Ok(Abilities::ALL);
    }
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names
        .map(|name| {
            let known = Ability::ALL
                .into_iter()
                .find(|ability| format!("{ability:?}") == name);
            known.ok_or_else(|| {
                let message = format!("{HIDE_VARIABLE} names {name:?}, which is no ability");
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })
        })
        .collect()
}

fn with_report(ring: Uring, reason: &str) -> (Box<dyn Reactor>, String) {
    let reason = format!("{reason}; {}", ring.report());
    (Box::new(ring), reason)
}

fn poll(keeping: Keeping, reason: &str) -> io::Result<World> {
    let mut config = PollConfig::default();
    config.look_max = keeping.look_max.unwrap_or(config.look_max);
    let (workers, limits) = (keeping.workers, &mut config.workers);
    limits.threads_max = workers.threads_max.unwrap_or(limits.threads_max);
    limits.idle = workers.idle.unwrap_or(limits.idle);
    let poll = Poll::new(config)?;
    Ok(world((Box::new(poll), reason.to_owned())))
}

fn world((reactor, reason): (Box<dyn Reactor>, String)) -> World {
    World {
        reactor,
        clock: Box::new(Quick::new()),
        choice: None,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_known_by_its_name() {
        assert_eq!(Backend::from_name("poll"), Some(Backend::Poll));
        assert_eq!(Backend::from_name("epoll"), None);
    }

    #[test]
    fn abilities_are_hidden_by_their_names() {
        let hide = hidden("MultishotReceive, BufferRing").unwrap();
        assert!(hide.has(Ability::BufferRing) && !hide.has(Ability::Accept));
        assert_eq!(hidden("all").unwrap(), Abilities::ALL);
        assert!(
            hidden("Teleport")
                .unwrap_err()
                .to_string()
                .contains("Teleport")
        );
    }
}
