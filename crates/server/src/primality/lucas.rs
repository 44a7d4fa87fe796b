//! The strong Lucas test: a prime `n` divides one of certain members of two sequences, U and V,
//! with indices up to `n + 1`. The composites that pass seem never to pass Miller–Rabin to base 2.

use std::time::Instant;

use num_bigint::BigUint;

use super::montgomery::Montgomery;
use super::{OutOfTime, check, remainder};

/// Whether an odd number above 100 is a strong Lucas probable prime. Its parameters are
/// Selfridge's: P = 1, D the [`discriminant`], Q = (1 - D) / 4.
pub(super) fn is_strong_probable_prime(
    n: &BigUint,
    ring: &Montgomery,
    deadline: Instant,
) -> Result<bool, OutOfTime> {
    let Some(discriminant) = discriminant(n, deadline)? else {
        return Ok(false);
    };
    let q = (1 - discriminant) / 4;
    let successor = n + 1u8;
    let twos = successor.trailing_zeros().unwrap_or(0);
    // U, V and Q of an index, which grows bit by bit from 1 to the odd part of n + 1.
    let (mut u, mut v, mut power_of_q) = (ring.one(), ring.one(), ring.small(q));
    let doubled_v = |v: &_, power_of_q: &_| {
        let square = ring.multiply(v, v);
        ring.subtract(&ring.subtract(&square, power_of_q), power_of_q)
    };
    for bit in (twos..successor.bits() - 1).rev() {
        check(deadline)?;
        u = ring.multiply(&u, &v);
        v = doubled_v(&v, &power_of_q);
        power_of_q = ring.multiply(&power_of_q, &power_of_q);
        if successor.bit(bit) {
            let next_u = ring.halve(&ring.add(&u, &v));
            v = ring.halve(&ring.add(&ring.times_small(&u, discriminant), &v));
            u = next_u;
            power_of_q = ring.times_small(&power_of_q, q);
        }
    }
    if u.is_zero() {
        return Ok(true);
    }
    for _ in 1..twos {
        if v.is_zero() {
            return Ok(true);
        }
        check(deadline)?;
        v = doubled_v(&v, &power_of_q);
        power_of_q = ring.multiply(&power_of_q, &power_of_q);
    }
    Ok(v.is_zero())
}

/// Selfridge's choice: the first of 5, -7, 9, -11, … whose Jacobi symbol over `n` is -1. `None`
/// when the search shows that `n` is composite.
fn discriminant(n: &BigUint, deadline: Instant) -> Result<Option<i64>, OutOfTime> {
    // A square has no such discriminant, and any other number soon has one.
    let root = n.sqrt();
    if &root * &root == *n {
        return Ok(None);
    }
    let mut magnitude = 5u32;
    loop {
        check(deadline)?;
        let discriminant = if magnitude % 4 == 1 {
            i64::from(magnitude)
        } else {
            -i64::from(magnitude)
        };
        match jacobi(discriminant, n) {
            -1 => return Ok(Some(discriminant)),
            // A common factor, and it is not `n`, which is greater.
            0 => return Ok(None),
            _ => magnitude += 2,
        }
    }
}

/// The Jacobi symbol of an odd `a`, not zero, over an odd `n`.
fn jacobi(a: i64, n: &BigUint) -> i8 {
    let magnitude = a.unsigned_abs();
    // Reciprocity: the two symbols differ when both numbers are 3 modulo 4. A minus is a factor
    // of -1, whose symbol is -1 when `n` is 3 modulo 4.
    let n_is_3 = n.bit(0) && n.bit(1);
    let flips = u8::from(n_is_3 && magnitude % 4 == 3) + u8::from(n_is_3 && a < 0);
    let symbol = small_jacobi(remainder(n, magnitude), magnitude);
    if flips % 2 == 1 { -symbol } else { symbol }
}

/// The Jacobi symbol over an odd number.
fn small_jacobi(mut a: u64, mut n: u64) -> i8 {
    let mut symbol = 1;
    a %= n;
    while a != 0 {
        while a.is_multiple_of(2) {
            a /= 2;
            if n % 8 == 3 || n % 8 == 5 {
                symbol = -symbol;
            }
        }
        (a, n) = (n, a);
        if a % 4 == 3 && n % 4 == 3 {
            symbol = -symbol;
        }
        a %= n;
    }
    if n == 1 { symbol } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_composites_that_pass_are_the_known_ones() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let passing: Vec<u32> = (101..60_000)
            .step_by(2)
            .filter(|n| (3..).take_while(|d| d * d <= *n).any(|d| n % d == 0))
            .filter(|n| {
                let n = BigUint::from(*n);
                is_strong_probable_prime(&n, &Montgomery::new(&n), deadline).unwrap()
            })
            .collect();
        let known = [
            5459, 5777, 10877, 16109, 18971, 22499, 24569, 25199, 40309, 58519,
        ];
        assert_eq!(passing, known);
    }

    #[test]
    fn the_jacobi_symbol_over_a_prime_tells_squares_from_other_residues() {
        for prime in [3i64, 5, 7, 11, 13, 17, 101, 103, 4_093] {
            for a in (-99..=99).step_by(2) {
                let expected = match a % prime {
                    0 => 0,
                    _ if (1..prime).any(|x| (x * x - a) % prime == 0) => 1,
                    _ => -1,
                };
                let symbol = jacobi(a, &BigUint::from(prime.unsigned_abs()));
                assert_eq!(symbol, expected, "({a}/{prime})");
            }
        }
    }

    #[test]
    fn the_jacobi_symbol_over_a_product_is_the_product_of_the_symbols() {
        let symbol = |a, n: u32| jacobi(a, &BigUint::from(n));
        for a in (-99..=99).step_by(2) {
            for (p, q) in [(3, 5), (7, 7), (101, 103), (10_007, 65_537)] {
                assert_eq!(
                    symbol(a, p * q),
                    symbol(a, p) * symbol(a, q),
                    "({a}/{p}·{q})"
                );
            }
        }
    }

    #[test]
    fn a_square_has_no_discriminant() {
        let deadline = Instant::now() + Duration::from_secs(60);
        let prime = (BigUint::from(1u8) << 127u8) - 1u8;
        assert_eq!(discriminant(&(&prime * &prime), deadline), Ok(None));
        assert!(discriminant(&prime, deadline).unwrap().is_some());
    }
}
