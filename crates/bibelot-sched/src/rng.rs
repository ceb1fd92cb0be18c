//! The random numbers of simulated worlds: the same from a seed, everywhere and for ever.
//!
//! xoshiro256++ by Blackman and Vigna, its state filled by splitmix64, as its authors advise.

/// A generator of random numbers, entirely determined by its seed. Not for secrets.
///
/// The numbers that a seed gives are part of this crate's interface: they stay the same from version to
/// version, so that a written seed keeps its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The generator of a seed. Any seed is as good as any other.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let mut mixed = seed;
        let mut state = [0; 4];
        let mut word = 0;
        while word < state.len() {
            mixed = mixed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            state[word] = mix(mixed);
            word += 1;
        }
        Self { state }
    }

    /// The next number, any of 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        let [one, two, three, four] = &mut self.state;
        let number = one.wrapping_add(*four).rotate_left(23).wrapping_add(*one);
        let shifted = *two << 17;
        *three ^= *one;
        *four ^= *two;
        *two ^= *three;
        *one ^= *four;
        *three ^= shifted;
        *four = four.rotate_left(45);
        number
    }

    /// A number below `bound`, each as likely as any other.
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        // The upper half of a product is uniform once the lower half is not among the few values that
        // occur once too often (Lemire 2019).
        let excess = bound.wrapping_neg() % bound;
        loop {
            let product = self.next_u64() as u128 * bound as u128;
            if product as u64 >= excess {
                return (product >> 64) as u64;
            }
        }
    }

    /// A generator of its own, for a part of the world that should draw independently of the others.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self::new(self.next_u64())
    }
}

/// The output function of splitmix64.
const fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generators() {
        // splitmix64 from state 0, as its authors' code prints it.
        assert_eq!(mix(0x9E37_79B9_7F4A_7C15), 0xE220_A839_7B1D_CDAF);
        // xoshiro256++ from the state 1, 2, 3, 4.
        let mut rng = Rng {
            state: [1, 2, 3, 4],
        };
        let numbers = [
            rng.next_u64(),
            rng.next_u64(),
            rng.next_u64(),
            rng.next_u64(),
        ];
        assert_eq!(
            numbers,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386
            ]
        );
    }

    #[test]
    fn numbers_below_a_bound_are_all_met_about_equally() {
        let mut rng = Rng::new(7);
        let mut met = [0; 5];
        for _ in 0..50_000 {
            met[rng.below(5) as usize] += 1;
        }
        assert!(
            met.iter().all(|&count| (9_500..10_500).contains(&count)),
            "{met:?}"
        );
        assert_eq!(rng.below(1), 0);
        assert!((0..1_000).any(|_| rng.below(u64::MAX) > u64::MAX / 2));
    }

    #[test]
    fn a_bound_that_does_not_divide_the_range_favours_no_number() {
        // Without rejection every third number below this bound would come twice as often.
        let (mut rng, bound) = (Rng::new(7), 3 << 62);
        let mut met = [0; 3];
        for _ in 0..30_000 {
            met[(rng.below(bound) % 3) as usize] += 1;
        }
        assert!(
            met.iter().all(|&count| (9_500..10_500).contains(&count)),
            "{met:?}"
        );
    }

    #[test]
    fn a_fork_draws_numbers_of_its_own() {
        let mut rng = Rng::new(7);
        let mut fork = rng.fork();
        assert_ne!(fork.next_u64(), rng.next_u64());
        assert_ne!(Rng::new(0), Rng::new(1));
    }
}
