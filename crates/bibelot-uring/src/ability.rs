//! The abilities: what an io_uring may or may not offer, each with another way behind it.
//!
//! A kernel release, a container's filter or a configuration that hides one takes an ability away; the
//! reactor then goes the other way for what needs it, and for nothing else.
//!
//! # Invariants
//!
//! - Each ability has its own bit, its place in [`Ability::ALL`].

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// One thing that an io_uring may offer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ability {
    /// An entry that fails does not stop the batch (`IORING_SETUP_SUBMIT_ALL`, Linux 5.18). Without:
    /// what was left behind goes with the next enter.
    SubmitAll,
    /// Completions do not interrupt the thread (`IORING_SETUP_COOP_TASKRUN`, 5.19).
    CoopTaskrun,
    /// One thread submits (`IORING_SETUP_SINGLE_ISSUER`, 6.0).
    SingleIssuer,
    /// Completions are made when they are asked for (`IORING_SETUP_DEFER_TASKRUN`, 6.1).
    DeferTaskrun,
    /// An enter takes its timeout along (`IORING_FEAT_EXT_ARG`, 5.11). Without: a second
    /// system call waits on the ring's descriptor.
    ExtArg,
    /// A cancel that succeeds says nothing (`IOSQE_CQE_SKIP_SUCCESS`, 5.17).
    SkipSuccess,
    /// Waiting is not booked as waiting for a disk (`IORING_ENTER_NO_IOWAIT`, 6.15).
    NoIowait,
    /// A poll that goes on (`IORING_POLL_ADD_MULTI`, 5.13). Without: the kick is armed each time.
    MultishotPoll,
    /// An accept that goes on (`IORING_ACCEPT_MULTISHOT`, 5.19). Without: one connection each.
    MultishotAccept,
    /// A receive that goes on (`IORING_RECV_MULTISHOT`, 6.0). Without: one buffer each.
    MultishotReceive,
    /// Buffers that the ring chooses from (`IORING_REGISTER_PBUF_RING`, 5.19). Without: a plain receive
    /// when the socket is ready.
    BufferRing,
    /// `IORING_OP_ACCEPT` (5.5). Without, as with the other operations on sockets: the plain system
    /// call, when the socket is ready.
    Accept,
    /// `IORING_OP_CONNECT` (5.5).
    Connect,
    /// `IORING_OP_SEND` (5.6).
    Send,
    /// `IORING_OP_RECV` (5.6).
    Receive,
    /// `IORING_OP_CLOSE` (5.6). Without: the plain system call, on a worker thread for files.
    Close,
    /// `IORING_OP_READ` (5.6). Without, as with the other operations on files: a worker thread.
    Read,
    /// `IORING_OP_WRITE` (5.6).
    Write,
    /// `IORING_OP_FSYNC` (5.1).
    Sync,
    /// `IORING_OP_OPENAT` (5.6).
    Open,
    /// `IORING_OP_MSG_RING` (5.18), for [`wake_by_message`](crate::UringConfig::wake_by_message). Without:
    /// a write to an event descriptor.
    Message,
    /// A wait for several completions that is content with one after a while (`IORING_FEAT_MIN_TIMEOUT`, 6.12),
    /// for [`gather_max`](crate::UringConfig::gather_max). Without: the first ends it.
    MinWait,
}

impl Ability {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::SubmitAll,
        Self::CoopTaskrun,
        Self::SingleIssuer,
        Self::DeferTaskrun,
        Self::ExtArg,
        Self::SkipSuccess,
        Self::NoIowait,
        Self::MultishotPoll,
        Self::MultishotAccept,
        Self::MultishotReceive,
        Self::BufferRing,
        Self::Accept,
        Self::Connect,
        Self::Send,
        Self::Receive,
        Self::Close,
        Self::Read,
        Self::Write,
        Self::Sync,
        Self::Open,
        Self::Message,
        Self::MinWait,
    ];

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of [`Ability`].
///
/// ```
/// use bibelot_uring::{Abilities, Ability};
///
/// let old = Ability::MultishotReceive | Ability::BufferRing;
/// assert!(old.has(Ability::BufferRing));
/// assert_eq!(old.to_string(), "MultishotReceive, BufferRing");
/// assert!(!Abilities::NONE.has(Ability::BufferRing));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Abilities(u32);

impl Abilities {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Every ability there is.
    pub const ALL: Self = Self((1 << Ability::ALL.len()) - 1);

    /// Whether `ability` is in the set.
    #[must_use]
    pub const fn has(self, ability: Ability) -> bool {
        self.0 & ability.bit() != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set without those in `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// What is in the set, in the order of [`Ability::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Ability> {
        Ability::ALL
            .into_iter()
            .filter(move |ability| self.has(*ability))
    }

    pub(crate) fn insert_if(&mut self, ability: Ability, there: bool) {
        if there {
            self.0 |= ability.bit();
        }
    }

    pub(crate) fn remove(&mut self, ability: Ability) {
        self.0 &= !ability.bit();
    }
}

impl From<Ability> for Abilities {
    fn from(ability: Ability) -> Self {
        Self(ability.bit())
    }
}

impl FromIterator<Ability> for Abilities {
    fn from_iter<I: IntoIterator<Item = Ability>>(abilities: I) -> Self {
        abilities.into_iter().fold(Self::NONE, |set, one| set | one)
    }
}

impl<T: Into<Self>> BitOr<T> for Abilities {
    type Output = Self;

    fn bitor(self, other: T) -> Self {
        Self(self.0 | other.into().0)
    }
}

impl<T: Into<Abilities>> BitOr<T> for Ability {
    type Output = Abilities;

    fn bitor(self, other: T) -> Abilities {
        Abilities::from(self) | other
    }
}

impl<T: Into<Self>> BitOrAssign<T> for Abilities {
    fn bitor_assign(&mut self, other: T) {
        self.0 |= other.into().0;
    }
}

impl fmt::Display for Abilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (place, ability) in self.iter().enumerate() {
            let gap = if place == 0 { "" } else { ", " };
            write!(f, "{gap}{ability:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Abilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ability_has_a_bit_of_its_own_at_its_place() {
        for (place, ability) in Ability::ALL.into_iter().enumerate() {
            assert_eq!(ability.bit(), 1 << place);
        }
        assert_eq!(Abilities::ALL.iter().count(), Ability::ALL.len());
    }

    #[test]
    fn sets_join_and_part() {
        let some = Ability::Open | Ability::Send | Ability::Read;
        let rest = some.without(Ability::Send.into());
        assert_eq!(rest, Ability::Read | Ability::Open);
        assert_eq!(rest.to_string(), "Read, Open");
        assert_eq!(Abilities::NONE.to_string(), "none");
    }
}
