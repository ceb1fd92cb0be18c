//! The tag: the 64 bits that travel with an entry and come back with its completions.
//!
//! An operation's tag is its slot and the slot's generation; the cancel of an operation carries the same
//! with a bit of its own, so that a cancel that found nothing says whom it was for. The reactor's own
//! entries use slots that no table reaches.
//!
//! # Invariants
//!
//! - `Tag::from_bits(tag.bits()) == tag`.

/// Marks the completion of a cancel.
const CANCEL: u32 = 1 << 31;
/// From here on slots are the reactor's own.
const OWN: u32 = CANCEL - 256;
/// The slot of messages to other rings.
const MESSAGE: u32 = OWN + 2;

/// Whom a completion is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    slot: u32,
    generation: u32,
}

impl Tag {
    /// Nobody is interested.
    pub(crate) const NOBODY: Self = Self::new(OWN, 0);
    /// Another thread kicks.
    pub(crate) const KICK: Self = Self::new(OWN + 1, 0);
    /// How many slots there may be.
    pub(crate) const SLOTS_MAX: u32 = OWN;

    pub(crate) const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    pub(crate) const fn slot(self) -> u32 {
        self.slot
    }

    pub(crate) const fn generation(self) -> u32 {
        self.generation
    }

    pub(crate) const fn bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self::new(bits as u32, (bits >> 32) as u32)
    }

    /// The tag of this operation's cancel.
    pub(crate) const fn cancel(self) -> Self {
        Self::new(self.slot | CANCEL, self.generation)
    }

    /// The tag of a message to another ring.
    pub(crate) const fn message(number: u32) -> Self {
        Self::new(MESSAGE, number)
    }

    /// Whom it addresses.
    pub(crate) const fn whom(self) -> Whom {
        match self.slot {
            slot if slot & CANCEL != 0 => Whom::Cancel(Self::new(slot & !CANCEL, self.generation)),
            slot if slot < OWN => Whom::Operation,
            slot if slot == Self::KICK.slot => Whom::Kick,
            MESSAGE => Whom::Message(self.generation),
            _ => Whom::Nobody,
        }
    }
}

/// Whom a tag addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Operation,
    /// The cancel of that operation.
    Cancel(Tag),
    Kick,
    /// The message to the reactor of that number.
    Message(u32),
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_survives_the_trip_and_knows_whom_it_is_for() {
        let op = Tag::new(7, u32::MAX);
        assert_eq!(Tag::from_bits(op.bits()), op);
        assert_eq!(op.whom(), Whom::Operation);
        assert_eq!(Tag::from_bits(op.cancel().bits()).whom(), Whom::Cancel(op));
        assert_eq!(Tag::KICK.whom(), Whom::Kick);
        assert_eq!(Tag::message(8).whom(), Whom::Message(8));
        assert_eq!(Tag::NOBODY.whom(), Whom::Nobody);
        assert_eq!(Tag::new(Tag::SLOTS_MAX - 1, 0).whom(), Whom::Operation);
    }
}
