//! Is a number prime? Proved below 2^64; above, the Baillie–PSW test: no
//! composite that passes it is known.
//!
//! The cost grows with the cube of the length, and the number is a peer's: its length is
//! bounded and every long loop looks at a deadline. What is out of range or out of time is
//! refused, never guessed.

use std::time::Instant;

use num_bigint::BigUint;
use proto::refusal::{Code, Refusal};
use proto::text::Integer;

mod lucas;
mod montgomery;

use montgomery::Montgomery;

/// Longest number that is tested, in digits behind leading zeros. A prime so long takes about a
/// third of a second on one core, and one of twice the length eight times as long.
pub const MAX_PRIME_DIGITS: usize = 2_000;

/// Whether the number is prime. Negative numbers, 0 and 1 are not.
///
/// A number below 2^64 takes microseconds and is answered whatever the deadline.
/// A positive number longer than [`MAX_PRIME_DIGITS`] is refused, and what is not known in time.
pub fn is_prime(number: &Integer, deadline: Instant) -> Result<bool, Refusal> {
    let digits = number.digits().trim_start_matches('0');
    if number.is_negative() || digits.is_empty() {
        return Ok(false);
    }
    if digits.len() > MAX_PRIME_DIGITS {
        let words =
            format!("a number tested for being prime has at most {MAX_PRIME_DIGITS} digits");
        return Err(Refusal::new(Code::OutOfRange, words));
    }
    if let Ok(small) = digits.parse() {
        return Ok(is_small_prime(small));
    }
    let number = digits
        .bytes()
        .fold(BigUint::ZERO, |read, digit| read * 10u8 + (digit - b'0'));
    is_large_prime(&number, deadline).map_err(|OutOfTime| {
        Refusal::new(Code::OutOfTime, "the number could not be tested in time")
    })
}

/// The deadline passed.
#[derive(Debug, PartialEq, Eq)]
struct OutOfTime;

fn check(deadline: Instant) -> Result<(), OutOfTime> {
    if Instant::now() < deadline {
        Ok(())
    } else {
        Err(OutOfTime)
    }
}

/// As many odd primes as have a product that fits a limb: one division of a long number serves
/// to try them all. Six numbers in seven have one of them, or 2, as a factor.
const SMALL_PRIMES: [u64; 15] = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53];

/// Miller–Rabin to the first twelve primes. The least composite that passes them all is
/// 318,665,857,834,031,151,167,461 (Sorenson and Webster, 2015), far above 2^64.
fn is_small_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(factor) = BASES.into_iter().find(|prime| n.is_multiple_of(*prime)) {
        return n == factor;
    }
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(n)) as u64;
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.into_iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, base, odd);
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = times(power, square);
            }
            square = times(square, square);
            exponent /= 2;
        }
        let mut squares = 0;
        while power != 1 && power != n - 1 && squares + 1 < twos {
            power = times(power, power);
            squares += 1;
        }
        power == n - 1 || power == 1 && squares == 0
    })
}

fn is_large_prime(n: &BigUint, deadline: Instant) -> Result<bool, OutOfTime> {
    if !n.bit(0) {
        return Ok(false);
    }
    let remainder = remainder(n, SMALL_PRIMES.iter().product());
    if SMALL_PRIMES
        .iter()
        .any(|prime| remainder.is_multiple_of(*prime))
    {
        return Ok(false);
    }
    passes_baillie_psw(n, deadline)
}

/// Whether an odd number above 100 is a strong probable prime to base 2 and a strong Lucas
/// probable prime.
fn passes_baillie_psw(n: &BigUint, deadline: Instant) -> Result<bool, OutOfTime> {
    let ring = Montgomery::new(n);
    Ok(is_strong_probable_prime(n, &ring, deadline)?
        && lucas::is_strong_probable_prime(n, &ring, deadline)?)
}

/// To base 2, by which a residue is multiplied without a multiplication.
fn is_strong_probable_prime(
    n: &BigUint,
    ring: &Montgomery,
    deadline: Instant,
) -> Result<bool, OutOfTime> {
    let (one, minus_one) = (ring.one(), ring.small(-1));
    let predecessor = n - 1u8;
    let twos = predecessor.trailing_zeros().unwrap_or(0);
    let mut power = ring.one();
    for bit in (twos..predecessor.bits()).rev() {
        check(deadline)?;
        power = ring.multiply(&power, &power);
        if predecessor.bit(bit) {
            power = ring.add(&power, &power);
        }
    }
    if power == one {
        return Ok(true);
    }
    for _ in 1..twos {
        if power == minus_one {
            return Ok(true);
        }
        check(deadline)?;
        power = ring.multiply(&power, &power);
    }
    Ok(power == minus_one)
}

/// Of a long number by one limb.
fn remainder(n: &BigUint, divisor: u64) -> u64 {
    (n % divisor).iter_u64_digits().next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Longer than any test takes.
    fn later() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn judged(digits: &str) -> Result<bool, Refusal> {
        is_prime(&digits.parse().unwrap(), later())
    }

    /// The test for large numbers alone, without the trial divisions that decide small ones.
    fn passes(n: u64) -> bool {
        passes_baillie_psw(&BigUint::from(n), later()).unwrap()
    }

    fn two_to(exponent: u32) -> BigUint {
        BigUint::from(2u8).pow(exponent)
    }

    /// `10^(digits - 1) + end`: all the primes here are the first above a power of ten.
    fn above_a_power_of_ten(digits: usize, end: u32) -> String {
        format!("1{end:0>width$}", width = digits - 1)
    }

    #[test]
    fn both_tests_agree_with_a_sieve_below_200000() {
        let mut is_composite = vec![false; 200_000];
        for n in 2..is_composite.len() {
            if !is_composite[n] {
                (n * n..is_composite.len())
                    .step_by(n)
                    .for_each(|m| is_composite[m] = true);
            }
            assert_eq!(is_small_prime(n as u64), !is_composite[n], "{n}");
            if n % 2 == 1 && n > 100 {
                assert_eq!(passes(n as u64), !is_composite[n], "{n}");
            }
        }
    }

    #[test]
    fn what_is_below_two_is_not_prime() {
        for digits in ["0", "1", "-0", "-1", "-2", "-7", "00", "001"] {
            assert_eq!(judged(digits), Ok(false), "{digits}");
        }
        assert_eq!(judged(&format!("-{}", "7".repeat(9_000))), Ok(false));
        assert_eq!(judged("2"), Ok(true));
        assert_eq!(judged("007"), Ok(true));
    }

    #[test]
    fn the_strong_pseudoprimes_to_base_two_are_the_known_ones() {
        let passing: Vec<u32> = (3..60_000)
            .step_by(2)
            .filter(|n| {
                let big = BigUint::from(*n);
                let ring = Montgomery::new(&big);
                is_strong_probable_prime(&big, &ring, later()).unwrap()
                    && !is_small_prime(u64::from(*n))
            })
            .collect();
        assert_eq!(
            passing,
            [
                2047, 3277, 4033, 4681, 8321, 15841, 29341, 42799, 49141, 52633
            ]
        );
    }

    #[test]
    fn composites_that_deceive_many_bases_do_not_deceive_both_tests() {
        // Strong to bases 2, 3, 5 and 7; to the first 8 primes; to the first 9.
        let strong = [
            3_215_031_751,
            341_550_071_728_321,
            3_825_123_056_546_413_051,
        ];
        let carmichael = [
            561,
            1_105,
            1_729,
            2_465,
            6_601,
            41_041,
            825_265,
            321_197_185,
        ];
        // More of them, some with no factor among the bases: (6k + 1)(12k + 1)(18k + 1).
        let long = [
            1_436_697_831_295_441,
            56_052_361,
            118_901_521,
            172_947_529,
            216_821_881,
        ];
        // The square of the largest prime below 2^32, and the two Wieferich primes squared, which
        // pass to base 2.
        let squares = [18_446_744_030_759_878_681, 1_194_649, 12_327_121];
        for n in [&strong[..], &carmichael, &long, &squares].concat() {
            assert!(!is_small_prime(n), "{n}");
            assert!(!passes(n), "{n}");
        }
        for digits in [
            // Strong to the first 12 primes, and to the first 13.
            "318665857834031151167461",
            "3317044064679887385961981",
            // Carmichael: (6k + 1)(12k + 1)(18k + 1).
            "1296056805229926801774649",
            "1296130680792107165959489",
            "1296144289754486994514249",
        ] {
            assert_eq!(judged(digits), Ok(false), "{digits}");
        }
    }

    #[test]
    fn arnaults_composite_of_397_digits_is_found_out() {
        // F. Arnault, 1995: strong to every prime base below 307.
        let p: BigUint = "296744956686855105501541746429053327307719917998530433509950755312768387\
             53171770199594238596428121188033664754218345562493168782883"
            .parse()
            .unwrap();
        let less = &p - 1u8;
        let n = (&p * (&less * 313u32 + 1u8) * (&less * 353u32 + 1u8)).to_string();
        assert_eq!(n.len(), 397);
        assert_eq!(judged(&n), Ok(false));
        assert_eq!(judged(&p.to_string()), Ok(true));
    }

    #[test]
    fn the_primes_on_both_sides_of_two_to_the_64_are_found() {
        let middle = 1u128 << 64;
        let primes: Vec<u128> = [-257, -189, -179, -95, -83, -59, 13, 37, 51, 81, 93, 141]
            .map(|offset| middle.wrapping_add_signed(offset))
            .into();
        let found: Vec<u128> = (middle - 257..=middle + 141)
            .filter(|n| judged(&n.to_string()).unwrap())
            .collect();
        assert_eq!(found, primes);
    }

    #[test]
    fn mersenne_numbers_are_prime_at_the_known_exponents_only() {
        let found: Vec<u32> = (2..=607)
            .filter(|exponent| is_small_prime(u64::from(*exponent)))
            .filter(|exponent| judged(&(two_to(*exponent) - 1u8).to_string()).unwrap())
            .collect();
        assert_eq!(
            found,
            [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607]
        );
    }

    #[test]
    fn squares_and_products_of_large_primes_are_not_prime() {
        let primes: Vec<BigUint> = [(31, 57), (76, 129), (121, 79), (166, 559), (211, 1_129)]
            .map(|(digits, end)| above_a_power_of_ten(digits, end).parse().unwrap())
            .into();
        for p in &primes {
            assert_eq!(judged(&p.to_string()), Ok(true), "{p}");
            for q in &primes {
                assert_eq!(judged(&(p * q).to_string()), Ok(false), "{p} · {q}");
            }
        }
    }

    #[test]
    fn a_long_prime_is_recognised_and_its_neighbours_are_not() {
        assert_eq!(judged(&above_a_power_of_ten(617, 2_877)), Ok(true));
        for end in [2_871, 2_873, 2_875, 2_876, 2_879, 2_881] {
            assert_eq!(judged(&above_a_power_of_ten(617, end)), Ok(false), "{end}");
        }
    }

    #[test]
    fn too_many_digits_are_refused_but_leading_zeros_are_not_counted() {
        let long = above_a_power_of_ten(MAX_PRIME_DIGITS + 1, 0);
        assert_eq!(judged(&long).unwrap_err().code, Code::OutOfRange);
        assert_eq!(judged(&format!("{}2", "0".repeat(60_000))), Ok(true));
        // Even, and so decided at once.
        assert_eq!(
            judged(&above_a_power_of_ten(MAX_PRIME_DIGITS, 0)),
            Ok(false)
        );
    }

    #[test]
    fn the_longest_number_is_cut_at_the_deadline() {
        let longest = above_a_power_of_ten(MAX_PRIME_DIGITS, 7_321)
            .parse()
            .unwrap();
        for budget in [0, 10] {
            // In full it takes seconds.
            let deadline = Instant::now() + Duration::from_millis(budget);
            let result = is_prime(&longest, deadline);
            assert_eq!(result.unwrap_err().code, Code::OutOfTime);
        }
    }

    #[test]
    fn each_half_of_the_test_is_cut_at_the_deadline() {
        let n = above_a_power_of_ten(617, 2_877).parse().unwrap();
        let (ring, past) = (Montgomery::new(&n), Instant::now());
        assert_eq!(is_strong_probable_prime(&n, &ring, past), Err(OutOfTime));
        assert_eq!(
            lucas::is_strong_probable_prime(&n, &ring, past),
            Err(OutOfTime)
        );
    }

    #[test]
    fn a_number_below_two_to_the_64_is_answered_whatever_the_deadline() {
        let number = u64::MAX.to_string().parse().unwrap();
        assert_eq!(is_prime(&number, Instant::now()), Ok(false));
    }
}
