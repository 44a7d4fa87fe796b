//! Arithmetic modulo an odd number, with no division: a residue `x` is kept as `x·R mod n`, where
//! `R` is the power of 2^64 just above `n`.
//!
//! One multiplication of 2,000-digit residues takes some ten microseconds, so that a caller that
//! multiplies in a loop can look at the clock each time.

use num_bigint::BigUint;

/// The modulus, and what is computed from it once.
pub(super) struct Montgomery {
    modulus: Vec<u64>,
    /// `-1 / modulus`, modulo 2^64.
    negated_inverse: u64,
    one: Residue,
}

/// A residue in Montgomery form: as many limbs as the modulus, the least significant first, and
/// always less than the modulus, so that equal residues have equal limbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Residue(Vec<u64>);

impl Residue {
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|limb| *limb == 0)
    }
}

impl Montgomery {
    /// Arithmetic modulo `modulus`, which must be odd and greater than 1.
    pub(super) fn new(modulus: &BigUint) -> Montgomery {
        let limbs = modulus.to_u64_digits();
        let r = BigUint::from(1u8) << (64 * limbs.len());
        let mut one = (r % modulus).to_u64_digits();
        one.resize(limbs.len(), 0);
        Montgomery {
            negated_inverse: inverse(limbs[0]).wrapping_neg(),
            modulus: limbs,
            one: Residue(one),
        }
    }

    pub(super) fn one(&self) -> Residue {
        self.one.clone()
    }

    /// The residue of a small number, which may be negative.
    pub(super) fn small(&self, number: i64) -> Residue {
        self.times_small(&self.one, number)
    }

    pub(super) fn add(&self, a: &Residue, b: &Residue) -> Residue {
        let mut sum = a.0.clone();
        let carry = add_in_place(&mut sum, &b.0);
        self.reduced(sum, carry)
    }

    pub(super) fn subtract(&self, a: &Residue, b: &Residue) -> Residue {
        let mut difference = a.0.clone();
        if subtract_in_place(&mut difference, &b.0) {
            add_in_place(&mut difference, &self.modulus);
        }
        Residue(difference)
    }

    pub(super) fn halve(&self, a: &Residue) -> Residue {
        let mut half = a.0.clone();
        let carry = half[0] % 2 == 1 && add_in_place(&mut half, &self.modulus);
        let mut above = u64::from(carry);
        for limb in half.iter_mut().rev() {
            (*limb, above) = (*limb >> 1 | above << 63, *limb & 1);
        }
        Residue(half)
    }

    /// By doubling and adding: cheaper than a multiplication while `factor` is small.
    pub(super) fn times_small(&self, a: &Residue, factor: i64) -> Residue {
        let zero = Residue(vec![0; self.modulus.len()]);
        let magnitude = factor.unsigned_abs();
        let mut product = zero.clone();
        for bit in (0..u64::BITS - magnitude.leading_zeros()).rev() {
            product = self.add(&product, &product);
            if magnitude >> bit & 1 == 1 {
                product = self.add(&product, a);
            }
        }
        if factor < 0 {
            self.subtract(&zero, &product)
        } else {
            product
        }
    }

    /// `a·b / R`, limb by limb: after each, a multiple of the modulus makes the lowest limb zero,
    /// and that limb is dropped.
    pub(super) fn multiply(&self, a: &Residue, b: &Residue) -> Residue {
        let length = self.modulus.len();
        let mut product = vec![0; length];
        let mut top = 0;
        for limb in &a.0 {
            let (low, mut carry) = multiply_add(*limb, b.0[0], product[0], 0);
            let factor = low.wrapping_mul(self.negated_inverse);
            let (_, mut reduction_carry) = multiply_add(factor, self.modulus[0], low, 0);
            for place in 1..length {
                let low;
                (low, carry) = multiply_add(*limb, b.0[place], product[place], carry);
                (product[place - 1], reduction_carry) =
                    multiply_add(factor, self.modulus[place], low, reduction_carry);
            }
            let sum = u128::from(top) + u128::from(carry) + u128::from(reduction_carry);
            product[length - 1] = sum as u64;
            top = (sum >> 64) as u64;
        }
        self.reduced(product, top != 0)
    }

    /// A number less than twice the modulus, brought below it. `carry` stands above its limbs.
    fn reduced(&self, mut number: Vec<u64>, carry: bool) -> Residue {
        let below = number.iter().rev().lt(self.modulus.iter().rev());
        if carry || !below {
            subtract_in_place(&mut number, &self.modulus);
        }
        Residue(number)
    }
}

/// The inverse of an odd number modulo 2^64: each of Newton's steps doubles the correct bits, of
/// which an odd number, being its own inverse modulo 8, has three to begin with.
fn inverse(odd: u64) -> u64 {
    (0..5).fold(odd, |x, _| {
        x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)))
    })
}

/// `a·b + c + d`, as a low and a high limb. It cannot overflow.
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let result = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    (result as u64, (result >> 64) as u64)
}

/// Whether it carries into the limb above.
fn add_in_place(a: &mut [u64], b: &[u64]) -> bool {
    let mut carry = false;
    for (limb, addend) in a.iter_mut().zip(b) {
        let (sum, one) = limb.overflowing_add(*addend);
        let (sum, other) = sum.overflowing_add(u64::from(carry));
        (*limb, carry) = (sum, one || other);
    }
    carry
}

/// Whether it had to borrow from above.
fn subtract_in_place(a: &mut [u64], b: &[u64]) -> bool {
    let mut borrow = false;
    for (limb, subtrahend) in a.iter_mut().zip(b) {
        let (difference, one) = limb.overflowing_sub(*subtrahend);
        let (difference, other) = difference.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (difference, one || other);
    }
    borrow
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The residue of any number, by the definition.
    fn residue(montgomery: &Montgomery, modulus: &BigUint, number: &BigUint) -> Residue {
        let mut limbs = ((number << (64 * montgomery.modulus.len())) % modulus).to_u64_digits();
        limbs.resize(montgomery.modulus.len(), 0);
        Residue(limbs)
    }

    fn number(limbs: &[u64]) -> BigUint {
        limbs
            .iter()
            .rev()
            .fold(BigUint::ZERO, |n, limb| (n << 64u8) + *limb)
    }

    /// Limbs at the edges, where carries happen, and any others.
    fn limbs() -> impl Strategy<Value = Vec<u64>> {
        let limb = prop_oneof![
            Just(0),
            Just(1),
            Just(u64::MAX),
            Just(1 << 63),
            any::<u64>()
        ];
        prop::collection::vec(limb, 1..6)
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_division(
            modulus in limbs(), a in limbs(), b in limbs(), factor in -40i64..40
        ) {
            let modulus = number(&modulus) | BigUint::from(1u8);
            prop_assume!(modulus > BigUint::from(1u8));
            let (a, b) = (number(&a) % &modulus, number(&b) % &modulus);
            let ring = Montgomery::new(&modulus);
            let of = |number: &BigUint| residue(&ring, &modulus, number);
            let (x, y) = (of(&a), of(&b));
            prop_assert_eq!(ring.multiply(&x, &y), of(&(&a * &b)));
            prop_assert_eq!(ring.add(&x, &y), of(&(&a + &b)));
            prop_assert_eq!(ring.subtract(&x, &y), of(&(&a + &modulus - &b)));
            let half = ring.halve(&x);
            prop_assert_eq!(ring.add(&half, &half), x.clone());
            let multiple = &a * factor.unsigned_abs() % &modulus;
            let multiple = if factor < 0 { &modulus - multiple } else { multiple };
            prop_assert_eq!(ring.times_small(&x, factor), of(&multiple));
            prop_assert_eq!(ring.one(), of(&BigUint::from(1u8)));
            prop_assert_eq!(ring.small(-1), of(&(&modulus - 1u8)));
            prop_assert_eq!(x.is_zero(), a == BigUint::ZERO);
        }
    }
}
