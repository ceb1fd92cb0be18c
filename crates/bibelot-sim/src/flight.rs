//! The flights: operations that were submitted and have not ended.
//!
//! A table from token to operation. It is only ever looked into by token, never walked where the order
//! shows, so a hash table does; its hash is fixed all the same.
//!
//! # Invariants
//!
//! - An operation is here from its submission, if it did not end there and then, to its end.
//! - `serial` grows with each operation, so what was planned for an old one never meets a new one that
//!   bears the same token.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use bibelot_reactor::{Op, OpKind, Token};

/// An operation under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) op: Op,
    pub(crate) serial: u64,
    /// Whether a cancel is on its way to it.
    pub(crate) cancelled: bool,
}

/// The operations under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    table: HashMap<Token, Flight, BuildHasherDefault<Spread>>,
    serial: u64,
}

impl Flights {
    /// Takes an operation up, and gives its serial number.
    ///
    /// # Panics
    ///
    /// If the token is in use.
    pub(crate) fn insert(&mut self, token: Token, op: Op) -> u64 {
        self.serial += 1;
        let flight = Flight {
            op,
            serial: self.serial,
            cancelled: false,
        };
        let old = self.table.insert(token, flight);
        assert!(old.is_none(), "{token:?} was submitted while it is in use");
        self.serial
    }

    /// Takes an operation out, to end it or to put it back with [`restore`](Self::restore).
    pub(crate) fn remove(&mut self, token: Token) -> Option<Flight> {
        self.table.remove(&token)
    }

    /// Puts an operation back that was taken out.
    pub(crate) fn restore(&mut self, token: Token, flight: Flight) {
        self.table.insert(token, flight);
    }

    pub(crate) fn get(&self, token: Token) -> Option<&Flight> {
        self.table.get(&token)
    }

    pub(crate) fn get_mut(&mut self, token: Token) -> Option<&mut Flight> {
        self.table.get_mut(&token)
    }

    /// Takes an operation out if it is still the one with this serial number.
    pub(crate) fn remove_serial(&mut self, token: Token, serial: u64) -> Option<Flight> {
        if self.get(token)?.serial != serial {
            return None;
        }
        self.remove(token)
    }

    /// How many of each kind there are, by kind.
    pub(crate) fn census(&self) -> BTreeMap<OpKind, usize> {
        let mut census = BTreeMap::new();
        for flight in self.table.values() {
            *census.entry(flight.op.kind()).or_default() += 1;
        }
        census
    }
}

/// A fixed hash: the 64 bits of a token, well spread.
#[derive(Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        let wide = u128::from(self.0 ^ n ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_an_old_operation_misses_the_new_one_of_its_token() {
        let mut flights = Flights::default();
        let token = Token::new(1, 1);
        let old = flights.insert(token, Op::Nop);
        flights.remove(token);
        let new = flights.insert(token, Op::Nop);
        assert!(flights.remove_serial(token, old).is_none());
        assert!(flights.remove_serial(token, new).is_some());
    }

    #[test]
    #[should_panic(expected = "while it is in use")]
    fn a_token_in_use_is_refused() {
        let mut flights = Flights::default();
        flights.insert(Token::new(1, 1), Op::Nop);
        flights.insert(Token::new(1, 1), Op::Nop);
    }
}
