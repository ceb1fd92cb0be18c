//! The setup: a ring made as well as this machine allows, or the reason why there is none.
//!
//! Flags are tried from the best rung of a ladder downwards: what a kernel does not know it refuses as
//! invalid. Memory it refuses is asked for again by halves, so that a tight limit on locked memory gives
//! a small ring instead of none.
//!
//! # Invariants
//!
//! - A ring that is handed out loses no completion on overflow and polls by itself; one that does not is
//!   refused as too old.

use std::fs;
use std::io;

use io_uring::{IoUring, cqueue, squeue};

use crate::{Abilities, Ability, UringConfig};

/// The smallest submission queue.
const ENTRIES_MIN: u32 = 2;
/// The largest queues the operating system makes.
const ENTRIES_MAX: u32 = 32 * 1024;
const COMPLETIONS_MAX: u32 = 2 * ENTRIES_MAX;

/// Why an io_uring cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The operating system forbids it (`EPERM`, `EACCES`).
    #[error("io_uring is forbidden here: {hint}")]
    Forbidden {
        /// What probably forbids it.
        hint: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The operating system does not know it (`ENOSYS`).
    #[error(
        "io_uring is unknown here: the kernel is older than Linux 5.1 or built without it, or a \
         container's seccomp profile hides it"
    )]
    Unknown {
        /// The operating system's answer.
        source: io::Error,
    },
    /// Not even a ring of the smallest size was granted (`ENOMEM`).
    #[error(
        "no memory for an io_uring of {entries} entries: the limit on locked memory (ulimit -l) or on \
         the control group's memory is too tight"
    )]
    NoMemory {
        /// The size that was refused last.
        entries: u32,
        /// The operating system's answer.
        source: io::Error,
    },
    /// No descriptor is left for it (`EMFILE`, `ENFILE`).
    #[error("no descriptor is left for an io_uring: raise the limit on open files (ulimit -n)")]
    NoDescriptor {
        /// The operating system's answer.
        source: io::Error,
    },
    /// There is one, but it lacks what cannot be done without.
    #[error("this kernel's io_uring is too old: it lacks {lacks}, which Linux 5.7 has")]
    TooOld {
        /// What is lacking, by the operating system's names.
        lacks: &'static str,
    },
    /// It can be made but not used: a filter lets the setup pass and refuses the rest.
    #[error("an io_uring can be made here, but not entered; a seccomp profile may refuse that")]
    NoEntry {
        /// The operating system's answer.
        source: io::Error,
    },
    /// The operating system refused for another reason.
    #[error("no io_uring can be had: {source}")]
    Other {
        /// The operating system's answer.
        source: io::Error,
    },
}

impl SetupError {
    /// The number of the operating system's error, if it gave one.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Self::Forbidden { source, .. }
            | Self::Unknown { source }
            | Self::NoMemory { source, .. }
            | Self::NoDescriptor { source }
            | Self::NoEntry { source }
            | Self::Other { source } => source.raw_os_error(),
            Self::TooOld { .. } => None,
        }
    }
}

impl From<SetupError> for io::Error {
    fn from(error: SetupError) -> Self {
        let kind = match &error {
            SetupError::Forbidden { .. } => io::ErrorKind::PermissionDenied,
            SetupError::Unknown { .. } | SetupError::TooOld { .. } => io::ErrorKind::Unsupported,
            SetupError::NoMemory { .. } => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// A ring as it was granted.
pub(crate) struct Granted {
    pub(crate) io: IoUring,
    pub(crate) setup: Abilities,
}

/// The rungs of the ladder, best first, without what is hidden.
///
/// Where enters take no timeout along, the ring's descriptor is waited on; that of a deferring ring does
/// not always tell, so there is no deferring then. No kernel has the one without the other.
fn rungs(hide: Abilities) -> Vec<Abilities> {
    let submit = Abilities::from(Ability::SubmitAll).without(hide);
    let coop = submit | Ability::CoopTaskrun;
    let defer = submit | Ability::SingleIssuer | Ability::DeferTaskrun;
    let mut rungs = vec![defer, coop, submit, Abilities::NONE];
    rungs.retain(|rung| *rung == rung.without(hide));
    if hide.has(Ability::ExtArg) {
        rungs.retain(|rung| !rung.has(Ability::DeferTaskrun));
    }
    rungs
}

/// Makes the best ring that can be had.
pub(crate) fn set_up(config: &UringConfig) -> Result<Granted, SetupError> {
    let (io, setup) = climb(config, build)?;
    check(io).map(|io| Granted { io, setup })
}

/// Tries the rungs from the top and, where memory is short, smaller sizes.
fn climb<T>(
    config: &UringConfig,
    mut build: impl FnMut(Abilities, u32, u32) -> io::Result<T>,
) -> Result<(T, Abilities), SetupError> {
    let mut entries = config.entries.clamp(ENTRIES_MIN, ENTRIES_MAX);
    let mut completions = config.completions.clamp(2 * entries, COMPLETIONS_MAX);
    let mut refused = None;
    for setup in rungs(config.hide) {
        loop {
            let error = match build(setup, entries, completions) {
                Ok(ring) => return Ok((ring, setup)),
                Err(error) => error,
            };
            match error.raw_os_error() {
                Some(libc::ENOMEM) if entries > ENTRIES_MIN => {
                    entries = (entries / 2).max(ENTRIES_MIN);
                    completions = (completions / 2).max(2 * entries);
                }
                Some(libc::EINVAL) => {
                    refused = Some(error);
                    break;
                }
                _ => return Err(reason(error, entries)),
            }
        }
    }
    let error = refused.expect("the last rung hides nothing, so it was tried");
    Err(reason(error, entries))
}

fn build(setup: Abilities, entries: u32, completions: u32) -> io::Result<IoUring> {
    let mut builder = IoUring::<squeue::Entry, cqueue::Entry>::builder();
    builder.setup_clamp().setup_cqsize(completions);
    if setup.has(Ability::SubmitAll) {
        builder.setup_submit_all();
    }
    if setup.has(Ability::CoopTaskrun) {
        builder.setup_coop_taskrun().setup_taskrun_flag();
    }
    if setup.has(Ability::SingleIssuer) {
        builder.setup_single_issuer();
    }
    if setup.has(Ability::DeferTaskrun) {
        builder.setup_defer_taskrun().setup_taskrun_flag();
    }
    builder.build(entries)
}

/// Refuses a ring that lacks what no other way can make good.
fn check(io: IoUring) -> Result<IoUring, SetupError> {
    let params = io.params();
    let lacks = if !params.is_feature_nodrop() {
        "IORING_FEAT_NODROP"
    } else if !params.is_feature_submit_stable() {
        "IORING_FEAT_SUBMIT_STABLE"
    } else if !params.is_feature_fast_poll() {
        "IORING_FEAT_FAST_POLL"
    } else {
        return Ok(io);
    };
    Err(SetupError::TooOld { lacks })
}

fn reason(source: io::Error, entries: u32) -> SetupError {
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => SetupError::Forbidden {
            hint: hint(fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok()),
            source,
        },
        Some(libc::ENOSYS) => SetupError::Unknown { source },
        Some(libc::ENOMEM) => SetupError::NoMemory { entries, source },
        Some(libc::EMFILE | libc::ENFILE) => SetupError::NoDescriptor { source },
        _ => SetupError::Other { source },
    }
}

/// What probably forbids io_uring, given the kernel's own switch.
fn hint(switch: Option<String>) -> String {
    match switch.as_deref().map(str::trim) {
        Some("2") => "kernel.io_uring_disabled is 2, off for everybody".into(),
        Some("1") => {
            "kernel.io_uring_disabled is 1, off for processes without CAP_SYS_ADMIN outside \
                      of kernel.io_uring_group"
                .into()
        }
        _ => "a container's seccomp profile or another security policy refuses it".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_reason_and_keeps_its_number() {
        let reason = |number| reason(io::Error::from_raw_os_error(number), 2);
        let forbidden = reason(libc::EPERM);
        assert!(forbidden.to_string().contains("seccomp"), "{forbidden}");
        assert_eq!(forbidden.raw_os_error(), Some(libc::EPERM));
        assert!(matches!(reason(libc::ENOSYS), SetupError::Unknown { .. }));
        assert!(matches!(
            reason(libc::EMFILE),
            SetupError::NoDescriptor { .. }
        ));
        let memory = reason(libc::ENOMEM);
        assert!(memory.to_string().contains("ulimit -l"), "{memory}");
        let error = io::Error::from(memory);
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn the_kernels_own_switch_is_named_when_it_is_set() {
        assert!(hint(Some("2\n".into())).contains("everybody"));
        assert!(hint(Some("1\n".into())).contains("CAP_SYS_ADMIN"));
        assert!(hint(Some("0\n".into())).contains("seccomp"));
        assert!(hint(None).contains("seccomp"));
    }

    fn refusal<T>(errno: i32) -> io::Result<T> {
        Err(io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn where_memory_is_short_the_ring_is_smaller() {
        let config = UringConfig {
            entries: 1000,
            completions: 5000,
            ..UringConfig::default()
        };
        let granted = climb(&config, |_, entries, completions| match entries {
            ..=32 => Ok((entries, completions)),
            _ => refusal(libc::ENOMEM),
        });
        let ((entries, completions), setup) = granted.unwrap();
        assert!((16..=32).contains(&entries) && completions >= 2 * entries);
        assert!(setup.has(Ability::DeferTaskrun));

        let refused = climb(&config, |_, _, _| refusal::<()>(libc::ENOMEM));
        assert!(matches!(
            refused,
            Err(SetupError::NoMemory { entries: 2, .. })
        ));
    }

    #[test]
    fn what_a_kernel_does_not_know_is_left_out() {
        let config = UringConfig::default();
        let granted = |unknown: Abilities| {
            climb(&config, |setup, _, _| {
                match setup == setup.without(unknown) {
                    true => Ok(()),
                    false => refusal(libc::EINVAL),
                }
            })
        };
        let of_6_0 = granted(Ability::DeferTaskrun.into()).unwrap().1;
        assert_eq!(of_6_0, Ability::SubmitAll | Ability::CoopTaskrun);
        let of_5_18 = granted(Ability::DeferTaskrun | Ability::CoopTaskrun)
            .unwrap()
            .1;
        assert_eq!(of_5_18, Ability::SubmitAll.into());
        assert_eq!(granted(Abilities::ALL).unwrap().1, Abilities::NONE);

        let mut tries = 0;
        let refused = climb(&config, |_, _, _| {
            tries += 1;
            refusal::<()>(libc::EPERM)
        });
        assert!(matches!(refused, Err(SetupError::Forbidden { .. })));
        assert_eq!(tries, 1, "what is forbidden is not asked for again");
    }

    #[test]
    fn a_hidden_rung_is_skipped() {
        let hide = Ability::DeferTaskrun.into();
        let config = UringConfig {
            hide,
            ..UringConfig::default()
        };
        let granted = set_up(&config).unwrap();
        assert!(!granted.setup.has(Ability::DeferTaskrun));
        assert!(!granted.io.params().is_setup_single_issuer());
    }

    #[test]
    fn the_smallest_ring_is_granted_as_asked() {
        let config = UringConfig {
            entries: 0,
            completions: 0,
            ..UringConfig::default()
        };
        let granted = set_up(&config).unwrap();
        assert_eq!(granted.io.params().sq_entries(), 2);
        assert_eq!(granted.io.params().cq_entries(), 4);
    }
}
