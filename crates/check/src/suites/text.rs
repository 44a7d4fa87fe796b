//! Lower case, prime and palindrome.

use num_bigint::BigUint;
use proto::frame::Framing;
use proto::refusal::Code;
use proto::reply;
use rand::RngExt;

use crate::case::{Case, DELIMITED};
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Outcome};

/// The cases of the text server.
pub const CASES: &[Case] = &[
    Case::must(
        "lower.whole-line",
        "text",
        "LOWER answers with the whole text in lower case, all of its blanks kept.",
        whole_line,
    )
    .cause("the text was split into words: only the first was lowered, or blanks were lost"),
    Case::must(
        "lower.empty",
        "text",
        "The lower case of an empty text is `OK` alone; LOWER without a blank is `malformed`.",
        lower_empty,
    ),
    Case::must(
        "lower.unicode",
        "text",
        "LOWER is Unicode's lower case, and lengths count bytes, not characters.",
        lower_unicode,
    )
    .points(2)
    .cause("a length in characters, or only the letters from A to Z"),
    Case::must(
        "lower.cut-character",
        "messages",
        "A character of several bytes may be cut in two by the reads.",
        cut_character,
    )
    .framings(DELIMITED)
    .cause("what each recv returned was decoded by itself, before the message was whole"),
    Case::must(
        "lower.longest",
        "messages",
        "The longest message of the framing is answered like any other.",
        longest,
    )
    .seconds(1)
    .cause("the buffer is shorter than the longest message, or one recv is taken for all of it"),
    Case::must(
        "prime.small",
        "text",
        "2, 3 and 5 are prime; 0, 1, 4 and negative numbers are not.",
        small,
    )
    .cause("0, 1 and 2 are the special cases of the loop over the divisors"),
    Case::must(
        "prime.leading-zeros",
        "text",
        "Leading zeros do not count: 007 is prime.",
        leading_zeros,
    ),
    Case::must(
        "prime.squares",
        "text",
        "The square of a prime is not prime.",
        squares,
    )
    .points(2)
    .cause("the loop over the divisors ends before the square root, or the root is a float"),
    Case::must(
        "prime.pseudoprimes",
        "text",
        "Composites that pass a test by chance, such as Carmichael numbers, are not prime.",
        pseudoprimes,
    )
    .points(2)
    .cause("a Fermat test, or Miller and Rabin's with too few bases, takes them for primes"),
    Case::must(
        "prime.large",
        "text",
        "Any number below 2^64 is answered, and rightly: large primes, and products of two.",
        large,
    )
    .points(2)
    .seconds(2)
    .cause("floats hold 53 bits: above, a square root or a remainder of floats is wrong"),
    Case::must(
        "prime.beyond-64-bits",
        "text",
        "A number of 2^64 or more is answered rightly or refused with `out-of-time`, never guessed.",
        beyond,
    )
    .seconds(2)
    .cause("an integer of 64 bits overflows"),
    Case::must(
        "prime.too-many-digits",
        "text",
        "A number of more than 2,000 digits is `out-of-range`.",
        too_many_digits,
    )
    .framings(&[Framing::Netstring, Framing::Line])
    .cause("the length of a number is looked at before it is converted: 4,300 digits are Python's limit"),
    Case::must(
        "prime.malformed",
        "text",
        "A number is ASCII digits with an optional minus: anything else is `malformed`.",
        malformed_numbers,
    )
    .cause("the parser of the language's integers accepts signs, blanks, underscores or other digits"),
    Case::must(
        "palindrome.as-written",
        "text",
        "PALINDROME tests the text as written: 010 is one, 10 and -121 are not.",
        palindromes,
    )
    .cause("the number was read as an integer: leading zeros and the minus are lost"),
    Case::must(
        "palindrome.long",
        "text",
        "PALINDROME takes a number of any length.",
        long_palindromes,
    ),
    Case::must(
        "refusal.stays-open",
        "requests-and-answers",
        "After a refusal the connection answers as before.",
        stays_open,
    ),
];

fn all(peer: &mut Peer, verb: &str, numbers: &[&str], answer: &str) -> Outcome {
    numbers
        .iter()
        .try_for_each(|number| peer.asks(&format!("{verb} {number}"), answer))
}

fn whole_line(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.asks("LOWER HELLO  World", "OK hello  world")?;
    peer.asks("LOWER A B C D", "OK a b c d")?;
    peer.asks(
        "LOWER  TWO BEFORE AND AFTER  ",
        "OK  two before and after  ",
    )?;
    peer.asks("LOWER 12 + 42 = \"X\"", "OK 12 + 42 = \"x\"")?;
    peer.asks("LOWER QUIT", "OK quit")
}

fn lower_empty(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.asks("LOWER ", "OK")?;
    peer.asks("LOWER A", "OK a")?;
    peer.is_refused("LOWER", &[Code::Malformed])
}

fn lower_unicode(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.asks("LOWER ÉCOLE", "OK école")?;
    peer.asks("LOWER ΟΔΟΣ", "OK οδος")?;
    peer.asks("LOWER ПРИВЕТ,МИР", "OK привет,мир")?;
    peer.asks("LOWER 日本語🎉A", "OK 日本語🎉a")
}

fn cut_character(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for (request, answer) in [
        ("LOWER aé", "OK aé"),
        ("LOWER a日", "OK a日"),
        ("LOWER a🎉", "OK a🎉"),
    ] {
        let bytes = peer.frame(request)?;
        let within = 1 + bytes
            .iter()
            .position(|byte| !byte.is_ascii())
            .unwrap_or_default();
        peer.send_cut(&bytes, within)?;
        peer.expect_answer(answer)?;
    }
    Ok(())
}

fn longest(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let most = server.framing.max_payload() - "LOWER ".len();
    // In raw framing a message is one read, which the network may cut.
    let most = match server.framing {
        Framing::Raw => most.min(500),
        _ => most,
    };
    for length in [most / 2, most] {
        peer.asks(
            &format!("LOWER {}", "A".repeat(length)),
            &format!("OK {}", "a".repeat(length)),
        )?;
    }
    peer.asks("LOWER B", "OK b")
}

fn small(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    all(
        &mut peer,
        "PRIME",
        &["2", "3", "5", "7", "97", "101", "7919"],
        "OK prime",
    )?;
    let composite = ["0", "1", "4", "9", "91", "100", "-1", "-2", "-7"];
    all(&mut peer, "PRIME", &composite, "OK not prime")?;
    // Some that cannot be known beforehand.
    for _ in 0..10 {
        let number: u32 = server.random.borrow_mut().random_range(2..10_000);
        let is_prime = (2..number)
            .take_while(|it| it * it <= number)
            .all(|it| !number.is_multiple_of(it));
        let answer = if is_prime { "OK prime" } else { "OK not prime" };
        peer.asks(&format!("PRIME {number}"), answer)?;
    }
    Ok(())
}

fn leading_zeros(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    all(
        &mut peer,
        "PRIME",
        &["007", "0000000000000000000000002", "097"],
        "OK prime",
    )?;
    all(&mut peer, "PRIME", &["00", "0008"], "OK not prime")
}

fn squares(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    // 4294967291 is the largest prime of 32 bits.
    let primes = [
        3u64,
        5,
        7,
        11,
        13,
        97,
        7_919,
        1_000_003,
        94_906_249,
        4_294_967_291,
    ];
    for prime in primes {
        peer.asks(&format!("PRIME {}", prime * prime), "OK not prime")?;
    }
    Ok(())
}

fn pseudoprimes(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let carmichael = [
        "561",
        "1105",
        "1729",
        "2465",
        "6601",
        "8911",
        "825265",
        "321197185",
    ];
    all(&mut peer, "PRIME", &carmichael, "OK not prime")?;
    // Strong pseudoprimes to the bases 2; 2 and 3; up to 7; up to 23; up to 37 is beyond 64 bits.
    let strong = [
        "2047",
        "1373653",
        "25326001",
        "3215031751",
        "3825123056546413051",
    ];
    all(&mut peer, "PRIME", &strong, "OK not prime")
}

fn large(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let primes = [
        "2147483647",
        "9007199254740881",
        "2305843009213693951",
        "18446744073709551557",
    ];
    all(&mut peer, "PRIME", &primes, "OK prime")?;
    // Products of two primes of 32 bits, and neighbours of the primes.
    let composite = [
        "18446743979220271189",
        "9007199254740993",
        "4611685975477714963",
        "18446744073709551615",
    ];
    all(&mut peer, "PRIME", &composite, "OK not prime")
}

fn beyond(server: &Server) -> Outcome {
    let two = BigUint::from(2u8);
    let prime = two.pow(89) - 1u8;
    let other = two.pow(61) - 1u8;
    for (number, answer) in [
        (two.pow(64), "OK not prime"),
        (two.pow(64) + 13u8, "OK prime"),
        (prime.clone(), "OK prime"),
        (&prime * &other, "OK not prime"),
        (two.pow(127) - 1u8, "OK prime"),
    ] {
        // Whether the connection outlives a refusal is judged by a case of its own.
        let mut peer = server.connect()?;
        let said = peer.ask(&format!("PRIME {number}"))?;
        let is_late =
            matches!(reply::parse(&said), Ok(Err(refusal)) if refusal.code == Code::OutOfTime);
        if said != answer && !is_late {
            let expected = format!("{answer}, or ERR out-of-time …");
            return peer.found(Expected::Described(expected), Came::Message(said.into()));
        }
    }
    Ok(())
}

fn malformed_numbers(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let wrong = [
        "", "+7", " 7", "7 ", "7.0", "1_0", "0x7", "7e1", "٧", "--7", "-", "seven", "7 11",
    ];
    for verb in ["PRIME", "PALINDROME"] {
        for number in wrong {
            peer.is_refused(&format!("{verb} {number}"), &[Code::Malformed])?;
        }
        peer.is_refused(verb, &[Code::Malformed])?;
    }
    peer.asks("PRIME 7", "OK prime")
}

fn palindromes(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    all(
        &mut peer,
        "PALINDROME",
        &["12321", "1", "0", "010", "00", "99", "1001"],
        "OK palindrome",
    )?;
    let others = ["10", "-121", "12", "1231", "0010", "-1"];
    all(&mut peer, "PALINDROME", &others, "OK not palindrome")
}

fn long_palindromes(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let half: String = (0..50)
        .map(|_| char::from(server.random.borrow_mut().random_range(b'1'..=b'9')))
        .collect();
    let back: String = half.chars().rev().collect();
    peer.asks(&format!("PALINDROME {half}{back}"), "OK palindrome")?;
    peer.asks(&format!("PALINDROME {half}0{back}"), "OK palindrome")?;
    peer.asks(&format!("PALINDROME {half}01{back}"), "OK not palindrome")
}

fn too_many_digits(server: &Server) -> Outcome {
    for digits in [2_001, 5_000] {
        let mut peer = server.connect()?;
        let number = "7".repeat(digits);
        peer.is_refused(&format!("PRIME {number}"), &[Code::OutOfRange])?;
    }
    Ok(())
}

fn stays_open(server: &Server) -> Outcome {
    for wrong in ["SQUARE 7", "PRIME x", "PALINDROME 1.0"] {
        let mut peer = server.connect()?;
        let said = peer.ask(wrong)?;
        if !said.starts_with("ERR ") {
            let expected = Expected::Described("a refusal".into());
            return peer.found(expected, Came::Message(said.into()));
        }
        peer.asks("PRIME 97", "OK prime")?;
    }
    Ok(())
}
