//! The names: from a submitter's token to the slot of its operation.
//!
//! Submitters keep their operations in a table, so the slots of their tokens are small and close
//! together: a plain array finds them. A token that does not fit, because its slot is far out or held by
//! another generation, is looked up in a map beside it.
//!
//! # Invariants
//!
//! - A token is in the array or in the map, never in both.

use std::collections::HashMap;

use bibelot_reactor::Token;

/// How far beyond its length the array grows for one token.
const STRIDE_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Names {
    near: Vec<Option<Named>>,
    far: HashMap<Token, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    generation: u32,
    index: u32,
}

impl Names {
    /// Remembers a token. `false` if it is known already.
    #[must_use]
    pub(crate) fn insert(&mut self, token: Token, index: u32) -> bool {
        let place = token.slot() as usize;
        if place >= self.near.len() && place < 2 * self.near.len() + STRIDE_MAX {
            self.near.resize((place + 1).next_power_of_two(), None);
        }
        if self.find(token).is_some() {
            return false;
        }
        match self.near.get_mut(place) {
            Some(named @ None) => {
                let generation = token.generation();
                *named = Some(Named { generation, index });
            }
            _ => {
                self.far.insert(token, index);
            }
        }
        true
    }

    pub(crate) fn find(&self, token: Token) -> Option<u32> {
        match self.near.get(token.slot() as usize) {
            Some(Some(named)) if named.generation == token.generation() => Some(named.index),
            _ if self.far.is_empty() => None,
            _ => self.far.get(&token).copied(),
        }
    }

    pub(crate) fn remove(&mut self, token: Token) {
        match self.near.get_mut(token.slot() as usize) {
            Some(named) if named.is_some_and(|named| named.generation == token.generation()) => {
                *named = None;
            }
            _ => {
                self.far.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_one_slot_are_told_apart_and_far_ones_found() {
        let mut names = Names::default();
        let tokens = [
            (3, 0),
            (3, 1),
            (3, u32::MAX),
            (0, 0),
            (Token::RESERVED - 1, 9),
        ];
        let tokens = tokens.map(|(slot, generation)| Token::new(slot, generation));
        for (index, token) in (0..).zip(tokens) {
            assert!(names.insert(token, index));
            assert!(!names.insert(token, index));
        }
        assert!(names.near.len() <= 2 * STRIDE_MAX);
        for (index, token) in (0..).zip(tokens) {
            assert_eq!(names.find(token), Some(index));
            names.remove(token);
            assert_eq!(names.find(token), None);
        }
        assert!(names.far.is_empty());
    }
}
