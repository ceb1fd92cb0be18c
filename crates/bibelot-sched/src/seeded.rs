//! Answers drawn at random from a seed.

use crate::{Choice, Point, Rng};

/// Takes each alternative with the same likelihood. The seed alone decides.
#[derive(Clone, Debug)]
pub struct Seeded {
    seed: u64,
    rng: Rng,
}

impl Seeded {
    /// The answers of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            rng: Rng::new(seed),
        }
    }

    /// The seed that decides.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

impl Choice for Seeded {
    fn choose(&mut self, at: &Point<'_>) -> usize {
        self.rng.below(at.len() as u64) as usize
    }
}
