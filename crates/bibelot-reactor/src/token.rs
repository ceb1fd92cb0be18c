//! The token: the name under which an operation was submitted.
//!
//! A token is a slot number and a generation. Whoever submits operations keeps them in a table; a
//! completion brings its token back, and the generation tells a late completion of an old tenant
//! from one of the slot's present tenant.
//!
//! # Invariants
//!
//! - `from_bits(token.bits()) == token`: a token travels through 64 bits of user data unchanged.
//! - [`Token::RESERVED`] and above are never submitted; reactors use them for themselves.

use core::fmt;

/// Names one submitted operation: a slot and the generation of its tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    slot: u32,
    generation: u32,
}

impl Token {
    /// The first slot number that callers may not use; reactors name their own work from here on.
    pub const RESERVED: u32 = 0xFFFF_FF00;

    /// Names the tenant `generation` of slot `slot`.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// The slot in the submitter's table.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// Which tenant of the slot is meant.
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }

    /// The token as 64 bits, generation above slot.
    #[must_use]
    pub const fn bits(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The token that [`bits`](Self::bits) gave these 64 bits for.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self {
            slot: bits as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({}.{})", self.slot, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_trip_through_user_data() {
        for (slot, generation) in [(0, 0), (7, 1), (u32::MAX, 3), (5, u32::MAX)] {
            let token = Token::new(slot, generation);
            assert_eq!(Token::from_bits(token.bits()), token);
        }
    }
}
