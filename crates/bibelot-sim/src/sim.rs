//! The sim: a recipe for a simulated world.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use bibelot_sched::{Choice, Seeded};

use crate::clock::SimClock;
use crate::decide::{Decider, SharedChoice};
use crate::disk::Disk;
use crate::names::Names;
use crate::reactor::SimReactor;
use crate::report::Report;
use crate::settings::{Settings, Span, nanos};
use crate::world::{Origin, World};

/// A recipe for a simulated world: what it is like, and who decides what could go another way.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use bibelot_reactor::{Call, Reactor};
/// use bibelot_sim::Sim;
/// use bibelot_timer::Clock;
///
/// let sim = Sim::new(7)
///     .latency(Duration::from_millis(5)..=Duration::from_millis(80))
///     .name("cheese.example", ["10.0.0.7".parse().unwrap()]);
/// let (mut reactor, clock, _choice) = sim.into_parts();
///
/// // An hour passes at once, because nothing else happens.
/// reactor.poll(Some(Duration::from_secs(3600)), &mut Vec::new())?;
/// assert_eq!(clock.now().as_nanos(), 3_600_000_000_000);
/// # std::io::Result::Ok(())
/// ```
pub struct Sim {
    settings: Settings,
    hosts: Vec<IpAddr>,
    names: Names,
    disk: Disk,
    choice: Option<Box<dyn Choice + Send>>,
    reason: String,
    report: Report,
}

impl Sim {
    /// A world in which `seed` decides everything that could go another way: the same program under the
    /// same seed runs the same, step for step.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut sim = Self::chosen(Seeded::new(seed));
        sim.reason = format!("seed {seed}");
        sim
    }

    /// A world that always does what production would do: the least latencies, whole counts, first come
    /// first served.
    #[must_use]
    pub fn calm() -> Self {
        Self {
            settings: Settings::default(),
            hosts: Vec::new(),
            names: Names::default(),
            disk: Disk::default(),
            choice: None,
            reason: "nothing deviates".to_owned(),
            report: Report::default(),
        }
    }

    /// A world in which `choice` decides everything that could go another way.
    #[must_use]
    pub fn chosen(choice: impl Choice + Send + 'static) -> Self {
        let mut sim = Self::calm();
        sim.choice = Some(Box::new(choice));
        sim.reason = "chosen by the caller".to_owned();
        sim
    }

    /// How long a packet travels; names are looked up and jobs begin after as long. 20 to 200 us unless
    /// said otherwise.
    #[must_use]
    pub fn latency(mut self, range: RangeInclusive<Duration>) -> Self {
        self.settings.latency = Span::from(range);
        self
    }

    /// How long a file operation takes; 50 to 500 us unless said otherwise.
    #[must_use]
    pub fn disk_latency(mut self, range: RangeInclusive<Duration>) -> Self {
        self.settings.disk = Span::from(range);
        self
    }

    /// How much time each turn of the kernel takes; none unless said otherwise. With some, a program
    /// that never waits sees time pass too.
    #[must_use]
    pub fn turn_cost(mut self, cost: Duration) -> Self {
        self.settings.turn_ns = nanos(cost);
        self
    }

    /// Whether counts may come out short, segments be split and flows end early, where the choice says
    /// so; on unless said otherwise.
    #[must_use]
    pub fn split(mut self, on: bool) -> Self {
        self.settings.split = on;
        self
    }

    /// How many bytes may be sent on a stream that its reader has not taken; at least one, 256 KiB
    /// unless said otherwise.
    #[must_use]
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.settings.send_buffer = bytes.max(1);
        self
    }

    /// How long the buffers are that receives provide; at least one byte, 16 KiB unless said otherwise.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: usize) -> Self {
        self.settings.piece_len = bytes.max(1);
        self
    }

    /// How many descriptors the program may hold; 1,048,576 unless said otherwise. What would exceed it fails
    /// as "too many open files"; a connection that is not accepted for that stays in the backlog.
    #[must_use]
    pub fn descriptors(mut self, most: usize) -> Self {
        self.settings.descriptors_max = most;
        self
    }

    /// Whether a poll without end in a world where nothing is under way is an error of kind
    /// [`Deadlock`](std::io::ErrorKind::Deadlock); on unless said otherwise. Off, the thread really sleeps
    /// until another thread wakes it.
    #[must_use]
    pub fn deadlock_is_error(mut self, on: bool) -> Self {
        self.settings.deadlock_is_error = on;
        self
    }

    /// Gives the simulated host one more address beside the loopback ones. A call to an address that the
    /// host has not is never answered, as one to [`silent_peer`] is not.
    #[must_use]
    pub fn address(mut self, ip: IpAddr) -> Self {
        self.hosts.push(ip);
        self
    }

    /// Tells the resolver the addresses of `host`.
    #[must_use]
    pub fn name(mut self, host: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.names.put(host, addresses.into_iter().collect());
        self
    }

    /// Puts a file on the disk.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.disk.put(path.into(), content.into());
        self
    }

    /// What the run comes to, for looking at later.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report.clone()
    }

    /// Makes the world: its reactor, its clock, and the choice that world and kernel share.
    #[must_use]
    pub fn into_parts(self) -> (SimReactor, SimClock, Option<SharedChoice>) {
        let clock = SimClock::default();
        let decider = Decider::new(self.choice, clock.clone(), self.report);
        let choice = decider.choice();
        let origin = Origin {
            settings: self.settings,
            hosts: self.hosts,
            names: self.names,
            disk: self.disk,
        };
        let reactor = SimReactor::new(World::new(origin, clock.clone(), decider));
        (reactor, clock, choice)
    }

    /// Who decides in this world, for people: `seed 7`.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// An address at which nobody ever answers: a connect to it fails after 127 s, as on Linux, unless it is
/// cancelled before.
#[must_use]
pub fn silent_peer() -> SocketAddr {
    // Of the addresses that are kept free for documentation; giving one to the host is on its owner.
    SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 9)
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("reason", &self.reason)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
