//! The probe: what a granted ring can do, found out once.
//!
//! Features are named by the ring itself, opcodes by a register call. Multishot and buffer rings have no
//! name of their own; each came with an opcode of the same release, which stands for it. Where a filter
//! refuses the register call, the features and flags that were granted tell how new the kernel at least
//! is.

use std::fmt;
use std::io;
use std::thread;

use io_uring::{Probe, opcode};

use crate::ring::{Plain, Ring, Wait};
use crate::setup::{Granted, SetupError};
use crate::tag::Tag;
use crate::uring::REST;
use crate::{Abilities, Ability, UringConfig, setup};

/// How often the first enter is tried where memory is short at the moment.
const TRIES_MAX: u32 = 100;

/// What this machine's io_uring offers a reactor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UringReport {
    /// What it has and may use.
    pub has: Abilities,
    /// What was hidden by the configuration, whether it is there or not.
    pub hidden: Abilities,
    /// How many entries the submission queue holds.
    pub entries: u32,
    /// How many entries the completion queue holds.
    pub completions: u32,
}

impl UringReport {
    /// What it does without, because it is not there or hidden.
    #[must_use]
    pub fn missing(&self) -> Abilities {
        Abilities::ALL.without(self.has)
    }
}

impl fmt::Display for UringReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.has.has(Ability::DeferTaskrun) {
            "deferred"
        } else if self.has.has(Ability::CoopTaskrun) {
            "cooperative"
        } else {
            "interrupting"
        };
        write!(
            f,
            "io_uring of {} and {} entries, {way} completions, without: {}",
            self.entries,
            self.completions,
            self.missing()
        )
    }
}

/// Finds out whether a reactor on io_uring can be had here, and how good it would be.
///
/// It makes a ring, asks it, and closes it again.
///
/// ```
/// match bibelot_uring::probe(&Default::default()) {
///     Ok(report) => println!("{report}"),
///     Err(reason) => println!("{reason}"),
/// }
/// ```
///
/// # Errors
///
/// Why there is none.
pub fn probe(config: &UringConfig) -> Result<UringReport, SetupError> {
    open(config).map(|(_ring, report)| report)
}

/// Makes a ring that is known to work.
pub(crate) fn open(config: &UringConfig) -> Result<(Ring, UringReport), SetupError> {
    let granted = setup::set_up(config)?;
    let has = abilities(&granted).without(config.hide);
    let params = granted.io.params();
    let report = UringReport {
        has,
        hidden: config.hide,
        entries: params.sq_entries(),
        completions: params.cq_entries(),
    };
    let mut ring = Ring::new(granted.io, has);
    enter_once(&mut ring).map_err(|source| SetupError::NoEntry { source })?;
    Ok((ring, report))
}

/// Takes one entry through the ring, since a filter may allow the setup and refuse the enter.
fn enter_once(ring: &mut Ring) -> io::Result<()> {
    ring.push_plain(Plain::Nop, Tag::NOBODY.bits());
    let mut taken = Vec::new();
    let mut tries = 0;
    while taken.is_empty() {
        tries += 1;
        let Err(error) = ring.enter(Wait::Forever, true) else {
            ring.reap(&mut taken);
            continue;
        };
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN | libc::EBUSY) if tries < TRIES_MAX => thread::sleep(REST),
            _ => return Err(error),
        }
    }
    Ok(())
}

fn abilities(granted: &Granted) -> Abilities {
    let params = granted.io.params();
    let mut has = granted.setup;
    // Deferring is the better kind of cooperating.
    has.insert_if(Ability::CoopTaskrun, has.has(Ability::DeferTaskrun));
    has.insert_if(Ability::ExtArg, params.is_feature_ext_arg());
    has.insert_if(Ability::MinWait, params.is_feature_min_timeout());
    has.insert_if(
        Ability::SkipSuccess,
        params.is_feature_skip_cqe_on_success(),
    );
    has.insert_if(Ability::NoIowait, params.is_feature_no_iowait());
    // Both came with Linux 5.13.
    has.insert_if(Ability::MultishotPoll, params.is_feature_resource_tagging());

    let mut probe = Probe::new();
    let asked = granted.io.submitter().register_probe(&mut probe).is_ok();
    // A ring that polls by itself is of Linux 5.7, which has all of these.
    let known = |code| !asked || probe.is_supported(code);
    has.insert_if(Ability::Accept, known(opcode::Accept::CODE));
    has.insert_if(Ability::Connect, known(opcode::Connect::CODE));
    has.insert_if(Ability::Send, known(opcode::Send::CODE));
    has.insert_if(Ability::Receive, known(opcode::Recv::CODE));
    has.insert_if(Ability::Close, known(opcode::Close::CODE));
    has.insert_if(Ability::Read, known(opcode::Read::CODE));
    has.insert_if(Ability::Write, known(opcode::Write::CODE));
    has.insert_if(Ability::Sync, known(opcode::Fsync::CODE));
    has.insert_if(Ability::Open, known(opcode::OpenAt::CODE));

    // Each came with the opcode that is asked for, or before what the setup granted.
    let newer = has.has(Ability::DeferTaskrun);
    let of_5_19 =
        newer || has.has(Ability::CoopTaskrun) || probe.is_supported(opcode::Socket::CODE);
    let of_6_0 = newer || probe.is_supported(opcode::SendZc::CODE);
    has.insert_if(Ability::MultishotAccept, of_5_19);
    has.insert_if(Ability::MultishotReceive, of_6_0);
    let silent = has.has(Ability::SkipSuccess);
    has.insert_if(
        Ability::Message,
        silent && probe.is_supported(opcode::MsgRingData::CODE),
    );
    // Registering may be what a filter refuses.
    has.insert_if(Ability::BufferRing, of_5_19 && asked);
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_missing() {
        let hide = Ability::Accept | Ability::NoIowait;
        let config = UringConfig {
            hide,
            ..UringConfig::default()
        };
        let report = probe(&config).unwrap();
        assert_eq!(report.hidden, hide);
        assert!(report.missing().has(Ability::Accept));
        assert!(!report.has.has(Ability::NoIowait));
        assert!(report.to_string().contains("Accept"));
    }
}
