//! The trace: a chain of hashes over everything that was chosen and completed.
//!
//! # Invariants
//!
//! - The chain depends on what happened and in which order, and on nothing else.

use std::cell::Cell;

use bibelot_reactor::{Completion, Outcome};

/// A running hash of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    chain: Cell<u64>,
    choices: Cell<u64>,
    completions: Cell<u64>,
}

impl Trace {
    /// Adds an answered question: where and what kind it was, how many answers there were, and which was
    /// given when.
    pub(crate) fn chose(&self, site: u64, ways: usize, answer: usize, now_ns: u64) {
        self.choices.set(self.choices.get() + 1);
        self.add(site);
        self.add((ways as u64) << 32 ^ answer as u64);
        self.add(now_ns);
    }

    /// Adds a completion.
    pub(crate) fn saw(&self, completion: &Completion, now_ns: u64) {
        self.completions.set(self.completions.get() + 1);
        self.add(completion.token.bits());
        self.add(shape(completion) << 1 | u64::from(completion.more));
        self.add(now_ns);
    }

    pub(crate) fn chain(&self) -> u64 {
        self.chain.get()
    }

    pub(crate) fn choices(&self) -> u64 {
        self.choices.get()
    }

    pub(crate) fn completions(&self) -> u64 {
        self.completions.get()
    }

    fn add(&self, word: u64) {
        self.chain.set(mix(self.chain.get(), word));
    }
}

/// One step of the chain.
pub(crate) fn mix(chain: u64, word: u64) -> u64 {
    let wide = u128::from(chain.rotate_left(23) ^ 0x9e37_79b9_7f4a_7c15)
        * u128::from(word ^ 0xd6e8_feb8_6659_fd93);
    (wide >> 64) as u64 ^ wide as u64 ^ word
}

/// What a completion brought, as a number.
fn shape(completion: &Completion) -> u64 {
    match &completion.result {
        Err(error) => 1 << 40 | error.raw_os_error().unwrap_or(0) as u64 & 0xffff,
        Ok(Outcome::Done) => 2 << 40,
        Ok(Outcome::Paused) => 3 << 40,
        Ok(Outcome::Accepted { peer, .. }) => {
            4 << 40 | u64::from(peer.map_or(0, |peer| peer.port()))
        }
        Ok(Outcome::Received(buf)) => 5 << 40 ^ buf.len() as u64,
        Ok(Outcome::EndOfStream) => 6 << 40,
        Ok(Outcome::Count(count)) => 7 << 40 ^ *count as u64,
        Ok(Outcome::Opened(_)) => 8 << 40,
        Ok(Outcome::Resolved(found)) => 9 << 40 ^ found.len() as u64,
        Ok(Outcome::Finished(result)) => 10 << 40 | u64::from(result.is_ok()),
        Ok(_) => 11 << 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bibelot_reactor::Token;

    #[test]
    fn the_chain_tells_order_time_and_answer_apart() {
        let chain = |steps: &[(u64, usize, usize, u64)]| {
            let trace = Trace::default();
            for (site, ways, answer, now_ns) in steps {
                trace.chose(*site, *ways, *answer, *now_ns);
            }
            trace.chain()
        };
        let first = chain(&[(1, 2, 0, 5), (2, 2, 1, 5)]);
        assert_eq!(first, chain(&[(1, 2, 0, 5), (2, 2, 1, 5)]));
        assert_ne!(first, chain(&[(2, 2, 1, 5), (1, 2, 0, 5)]));
        assert_ne!(first, chain(&[(1, 2, 1, 5), (2, 2, 1, 5)]));
        assert_ne!(first, chain(&[(1, 2, 0, 5), (2, 2, 1, 6)]));
    }

    #[test]
    fn the_chain_tells_completions_apart() {
        let chain = |count| {
            let trace = Trace::default();
            let end = Completion::end(Token::new(1, 0), Ok(Outcome::Count(count)), None);
            trace.saw(&end, 0);
            trace.chain()
        };
        assert_ne!(chain(1), chain(2));
    }
}
