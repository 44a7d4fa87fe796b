//! A hash of a state, by which the search recognises states that it has visited.
//!
//! With 128 bits, the probability that any two of a hundred million states collide is about
//! 1 in 10^22.

use core::hash::{Hash, Hasher};

/// The hash of a state, or of a part of one.
pub(super) type Fingerprint = u128;

/// The multiplier of each step: odd, so that multiplication is a bijection.
const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

struct Mixer(u128);

impl Mixer {
    fn mix(&mut self, word: u64) {
        let mixed = (self.0 ^ u128::from(word)).wrapping_mul(FACTOR);
        self.0 = mixed ^ (mixed >> 67);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, word: u8) {
        self.mix(word.into());
    }

    fn write_u32(&mut self, word: u32) {
        self.mix(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_usize(&mut self, word: usize) {
        self.mix(word as u64);
    }
}

pub(super) fn of<T: Hash + ?Sized>(value: &T) -> Fingerprint {
    let mut mixer = Mixer(FACTOR);
    value.hash(&mut mixer);
    mixer.mix(0);
    mixer.0
}
