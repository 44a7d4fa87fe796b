//! The random numbers of a schedule: xoshiro256++ 1.0 by David Blackman and Sebastiano Vigna, seeded
//! by SplitMix64 (<https://prng.di.unimi.it/>; both are in the public domain).
//!
//! They are written out here, although crates have them, because a schedule that is printed in a
//! report must be the same after every update, and in every language.

/// SplitMix64, which turns one number into many that look unrelated.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The generator with this state.
    pub fn new(state: u64) -> SplitMix64 {
        SplitMix64 { state }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// xoshiro256++.
#[derive(Debug, Clone)]
pub struct Xoshiro256PlusPlus {
    state: [u64; 4],
}

impl Xoshiro256PlusPlus {
    /// The generator with this state, which must not be all zeros.
    pub fn from_state(state: [u64; 4]) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus { state }
    }

    /// The generator whose state is the next four numbers of SplitMix64 from this seed, as its
    /// authors advise.
    pub fn from_seed(seed: u64) -> Xoshiro256PlusPlus {
        let mut numbers = SplitMix64::new(seed);
        Xoshiro256PlusPlus::from_state(std::array::from_fn(|_| numbers.next_u64()))
    }

    /// One of many generators of the same seed: the one for this `purpose` on this `connection`.
    ///
    /// The seed of [`from_seed`](Xoshiro256PlusPlus::from_seed) is
    /// `mix(mix(mix(seed) ^ connection) ^ purpose)`, where `mix` is the first number of SplitMix64
    /// from its argument.
    pub fn stream(seed: u64, connection: u64, purpose: u64) -> Xoshiro256PlusPlus {
        let mix = |state| SplitMix64::new(state).next_u64();
        Xoshiro256PlusPlus::from_seed(mix(mix(mix(seed) ^ connection) ^ purpose))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let number = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        number
    }

    /// The next number, brought into `0..=most`: the high 64 bits of its product with `most + 1`.
    ///
    /// No number is drawn again to make all results exactly equally likely; the difference is below
    /// `most / 2^64`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * (u128::from(most) + 1);
        (wide >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_numbers() {
        let mut numbers = SplitMix64::new(1_234_567);
        for expected in [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ] {
            assert_eq!(numbers.next_u64(), expected);
        }
    }

    #[test]
    fn xoshiro256_plus_plus_gives_the_numbers_of_the_reference_implementation() {
        let mut numbers = Xoshiro256PlusPlus::from_state([1, 2, 3, 4]);
        for expected in [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
            14_011_001_112_246_962_877,
            12_406_186_145_184_390_807,
            15_849_039_046_786_891_736,
            10_450_023_813_501_588_000,
        ] {
            assert_eq!(numbers.next_u64(), expected);
        }
    }

    #[test]
    fn numbers_up_to_a_bound_reach_both_ends_and_spread_evenly() {
        let mut numbers = Xoshiro256PlusPlus::from_seed(1);
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[numbers.up_to(6) as usize] += 1;
        }
        // Five standard deviations of a binomial distribution are 463.
        let is_even = |count| (9_500..10_500).contains(count);
        assert!(counts.iter().all(is_even), "{counts:?}");
        assert_eq!(numbers.up_to(0), 0);
        numbers.up_to(u64::MAX);
    }

    #[test]
    fn every_seed_connection_and_purpose_has_numbers_of_its_own() {
        let mut first = std::collections::BTreeSet::new();
        for number in 0..20 * 20 * 9 {
            let (seed, connection, purpose) = (number / 180, number / 9 % 20, number % 9 + 1);
            first.insert(Xoshiro256PlusPlus::stream(seed, connection, purpose).next_u64());
        }
        assert_eq!(first.len(), 20 * 20 * 9);
    }
}
