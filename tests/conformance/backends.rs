//! The backends: every reactor there is, in the sizes and states that matter.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::sync::{Mutex, Once, PoisonError};

use bibelot_poll::{Poll, PollConfig};
use bibelot_reactor::Reactor;
use bibelot_sim::Sim;
use bibelot_uring::{Abilities, Ability, Uring, UringConfig};

use crate::world::World;

/// One way to make a reactor.
#[derive(Clone, Copy)]
pub struct Backend {
    /// What it is: `uring`, `poll` or `sim`.
    pub kind: &'static str,
    /// In which state.
    pub state: &'static str,
    make: fn() -> io::Result<Box<dyn Reactor>>,
}

const KINDS: [&str; 3] = ["uring", "poll", "sim"];

const BACKENDS: &[Backend] = &[
    Backend {
        kind: "poll",
        state: "as it is",
        make: || poll(PollConfig::default()),
    },
    Backend {
        kind: "poll",
        state: "small",
        make: || poll(small_poll()),
    },
    Backend {
        kind: "uring",
        state: "as it is",
        make: || uring(UringConfig::default()),
    },
    Backend {
        kind: "uring",
        state: "small",
        make: || uring(small_uring(Abilities::NONE)),
    },
    Backend {
        kind: "uring",
        state: "as of Linux 5.6",
        make: || uring(hiding(newer_than_5_6())),
    },
    Backend {
        kind: "uring",
        state: "without any ability",
        make: || uring(hiding(Abilities::ALL)),
    },
    Backend {
        kind: "uring",
        state: "small and without any ability",
        make: || uring(small_uring(Abilities::ALL)),
    },
    Backend {
        kind: "sim",
        state: "calm",
        make: || sim(Sim::calm()),
    },
    Backend {
        kind: "sim",
        state: "seed 1",
        make: || sim(Sim::new(1)),
    },
    Backend {
        kind: "sim",
        state: "seed 2, in pieces",
        make: || sim(Sim::new(2).send_buffer(32 * 1024).receive_buffer(300)),
    },
];

fn poll(config: PollConfig) -> io::Result<Box<dyn Reactor>> {
    Ok(Box::new(Poll::new(config)?))
}

/// One event at a time, receives of 509 bytes that are never kept, one worker.
fn small_poll() -> PollConfig {
    let mut config = PollConfig {
        receive_len: 509,
        receive_kept_max: 0,
        events_max: 1,
        ..PollConfig::default()
    };
    config.workers.threads_max = 1;
    config
}

fn uring(config: UringConfig) -> io::Result<Box<dyn Reactor>> {
    Ok(Box::new(Uring::new(config).map_err(io::Error::other)?))
}

fn hiding(hide: Abilities) -> UringConfig {
    UringConfig {
        hide,
        ..UringConfig::default()
    }
}

/// Two entries, receives of 509 bytes from a pool of two buffers, one worker.
fn small_uring(hide: Abilities) -> UringConfig {
    let mut config = UringConfig {
        entries: 2,
        completions: 4,
        receive_len: 509,
        receive_ready_max: 1,
        receive_buffers_max: 2,
        hide,
        ..UringConfig::default()
    };
    config.workers.threads_max = 1;
    config
}

fn newer_than_5_6() -> Abilities {
    Ability::SubmitAll
        | Ability::CoopTaskrun
        | Ability::SingleIssuer
        | Ability::DeferTaskrun
        | Ability::ExtArg
        | Ability::SkipSuccess
        | Ability::NoIowait
        | Ability::MultishotPoll
        | Ability::MultishotAccept
        | Ability::MultishotReceive
        | Ability::BufferRing
        | Ability::MinWait
}

/// A world whose programs may have real threads.
fn sim(sim: Sim) -> io::Result<Box<dyn Reactor>> {
    let (reactor, _clock, _choice) = sim.deadlock_is_error(false).into_parts();
    Ok(Box::new(reactor))
}

impl Backend {
    /// Whether it is the operating system that it talks to.
    pub fn is_real(&self) -> bool {
        self.kind != "sim"
    }
}

/// Runs a script on every backend, one after the other, and looks for descriptors left behind.
pub fn everywhere(script: impl Fn(&mut World)) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = env::var("BIBELOT_REACTOR").ok();
    if let Some(wanted) = &wanted {
        assert!(
            KINDS.contains(&wanted.as_str()),
            "BIBELOT_REACTOR names an unknown backend {wanted}"
        );
    }
    let mut missing = Vec::new();
    for backend in BACKENDS {
        if wanted.as_ref().is_some_and(|wanted| wanted != backend.kind) {
            continue;
        }
        let before = open_descriptors();
        match (backend.make)() {
            Ok(reactor) => {
                eprintln!("on {}, {}", backend.kind, backend.state);
                let mut world = World::new(*backend, reactor);
                script(&mut world);
            }
            Err(error) => missing.push((backend, error)),
        }
        assert_eq!(open_descriptors(), before, "descriptors were left open");
    }
    report(&missing);
}

/// Says what could not be had, and fails if it was expected.
fn report(missing: &[(&Backend, io::Error)]) {
    let expected = env::var("BIBELOT_EXPECT").unwrap_or_default();
    let is_expected = |kind| expected.split(',').any(|expected| expected.trim() == kind);
    for name in expected.split(',').filter(|name| !name.is_empty()) {
        assert!(
            KINDS.contains(&name.trim()),
            "BIBELOT_EXPECT names an unknown backend {name}"
        );
    }
    for (backend, error) in missing {
        let Backend { kind, state, .. } = backend;
        assert!(
            !is_expected(*kind),
            "{kind}, {state}, cannot be had: {error}"
        );
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (Backend { kind, state, .. }, error) in missing {
            // Not `eprintln`, which the test harness would keep to itself.
            let _ = writeln!(
                io::stderr(),
                "SKIPPED: {kind}, {state}, cannot be had: {error}"
            );
        }
    });
}

/// What this process has open, by name; two of the same name count twice.
fn open_descriptors() -> Vec<String> {
    let entries = fs::read_dir("/proc/self/fd").expect("Linux has it");
    let mut names: Vec<String> = entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|target| target.to_string_lossy().into_owned())
        // The directory that is being read.
        .filter(|target| !target.starts_with("/proc/"))
        .collect();
    names.sort_unstable();
    names
}
