//! The calculator.

use proto::refusal::Code;

use crate::case::Case;
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Failure, Outcome};

/// The cases of the calculator's server.
pub const CASES: &[Case] = &[
    Case::must(
        "hello.first",
        "calc",
        "The name comes first: before HELLO, CALC is `out-of-order`.",
        hello_first,
    ),
    Case::must(
        "hello.once",
        "calc",
        "The name is given once: a second HELLO is `out-of-order`, and the session goes on.",
        hello_once,
    ),
    Case::must(
        "hello.names",
        "calc",
        "A name has 1 to 32 letters, digits, `_` and `-`: others are `malformed`, longer ones `too-long`.",
        names,
    ),
    Case::must(
        "sessions.apart",
        "calc",
        "Each connection has its own session and name.",
        sessions,
    )
    .points(2)
    .cause("the name, or the state of the session, is kept in one variable for all connections"),
    Case::must(
        "result.decimal",
        "calc",
        "Sums, differences and products are exact decimals: 0.1 + 0.2 is 0.3.",
        exact,
    )
    .points(2)
    .cause("binary floats cannot hold 0.1: calculate with decimals or fractions"),
    Case::must(
        "result.shortest",
        "calc",
        "A result is in its shortest form: no exponent, no superfluous zeros, no `-0`.",
        shortest,
    )
    .cause("the language's way to print a float adds `.0`, exponents or `-0`"),
    Case::must(
        "result.large",
        "calc",
        "Results of many digits are exact.",
        many_digits,
    )
    .cause("floats hold 15 to 17 digits, and many decimal types round at 28"),
    Case::must(
        "quotient.exact",
        "calc",
        "A quotient is exact where its shortest form has at most 100 digits.",
        exact_quotients,
    ),
    Case::must(
        "quotient.rounded",
        "calc",
        "A longer quotient is rounded to 34 significant digits, half to even, and marked `rounded`.",
        rounded,
    ),
    Case::must(
        "division-by-zero",
        "calc",
        "A division by zero is refused, and the session goes on.",
        by_zero,
    )
    .points(2)
    .cause("the exception ends the thread of the connection"),
    Case::must(
        "expression.blanks",
        "calc",
        "Blanks and tabs may surround the numbers, and one at least stands beside the operator.",
        blanks,
    ),
    Case::must(
        "expression.signs",
        "calc",
        "A number may have a sign and leading zeros.",
        signs,
    ),
    Case::must(
        "expression.malformed",
        "calc",
        "What is no `number operator number` is `malformed`, and nothing of it is evaluated.",
        malformed,
    )
    .points(2)
    .cause("the language's own evaluation or number parser takes more than two plain numbers"),
    Case::must(
        "expression.too-long",
        "calc",
        "A number of more than 100 digits is `too-long`, and one of 100 is not.",
        too_long,
    ),
];

/// A session under this name.
fn session(server: &Server) -> Result<Peer, Failure> {
    let mut peer = server.connect()?;
    peer.asks("HELLO Adarsh", "OK hello Adarsh")?;
    Ok(peer)
}

/// Each expression has this result.
fn results(server: &Server, results: &[(&str, &str)]) -> Outcome {
    let mut peer = session(server)?;
    results.iter().try_for_each(|(expression, result)| {
        peer.asks(&format!("CALC {expression}"), &format!("OK {result}"))
    })
}

fn hello_first(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.is_refused("CALC 1 + 1", &[Code::OutOfOrder])?;
    peer.asks("HELLO Joty", "OK hello Joty")?;
    peer.asks("CALC 1 + 1", "OK 2")
}

fn hello_once(server: &Server) -> Outcome {
    let mut peer = session(server)?;
    peer.is_refused("HELLO Joty", &[Code::OutOfOrder])?;
    peer.asks("CALC 1 + 1", "OK 2")
}

fn names(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for name in ["", "a b", "a.b", "é", "a\tb", " a"] {
        peer.is_refused(&format!("HELLO {name}"), &[Code::Malformed])?;
    }
    peer.is_refused("HELLO", &[Code::Malformed])?;
    let longest = format!("x_9-Z{}", "a".repeat(27));
    peer.is_refused(
        &format!("HELLO {longest}b"),
        &[Code::TooLong, Code::Malformed],
    )?;
    peer.asks(&format!("HELLO {longest}"), &format!("OK hello {longest}"))
}

fn sessions(server: &Server) -> Outcome {
    let mut first = server.connect()?;
    let mut second = server.connect()?;
    first.asks("HELLO Adarsh", "OK hello Adarsh")?;
    second.asks("HELLO Joty", "OK hello Joty")?;
    first.asks("CALC 1 + 1", "OK 2")?;
    second.asks("QUIT", "OK bye")?;
    first.asks("CALC 2 + 2", "OK 4")?;
    // The same name twice is no conflict.
    let mut third = server.connect()?;
    third.asks("HELLO Adarsh", "OK hello Adarsh")
}

fn exact(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("0.1 + 0.2", "0.3"),
            ("1.1 * 3", "3.3"),
            ("0.3 - 0.1", "0.2"),
            ("4.35 * 3", "13.05"),
            ("1.005 * 7", "7.035"),
            ("9007199254740993 + 0", "9007199254740993"),
        ],
    )
}

fn shortest(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("12 + 13", "25"),
            ("0.10 + 0.20", "0.3"),
            ("0 * -1", "0"),
            ("-5 + 5", "0"),
            ("2.50 * 2", "5"),
            ("100000000000 * 100000000000", "10000000000000000000000"),
            ("0.0000001 + 0", "0.0000001"),
            ("-0 - 0", "0"),
        ],
    )
}

fn many_digits(server: &Server) -> Outcome {
    results(
        server,
        &[
            (
                "12345678901234567890 * 98765432109876543210",
                "1219326311370217952237463801111263526900",
            ),
            ("0.1234567890123456789 * 0.1", "0.01234567890123456789"),
            (
                "99999999999999999999999999999999999999999 + 1",
                "100000000000000000000000000000000000000000",
            ),
        ],
    )
}

fn exact_quotients(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("1 / 8", "0.125"),
            ("1 / 1024", "0.0009765625"),
            ("-7 / 2", "-3.5"),
            (
                "1099511627777 / 1099511627776",
                "1.0000000000009094947017729282379150390625",
            ),
        ],
    )
}

fn rounded(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("1 / 3", "0.3333333333333333333333333333333333 rounded"),
            ("2 / 3", "0.6666666666666666666666666666666667 rounded"),
            ("2 / 300", "0.006666666666666666666666666666666667 rounded"),
            ("-10 / 3", "-3.333333333333333333333333333333333 rounded"),
        ],
    )
}

fn by_zero(server: &Server) -> Outcome {
    let mut peer = session(server)?;
    for expression in ["5 / 0", "0 / 0", "1 / 0.000", "1 / -0"] {
        peer.is_refused(&format!("CALC {expression}"), &[Code::DivisionByZero])?;
    }
    peer.asks("CALC 0 / 5", "OK 0")
}

fn blanks(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("  12 + 42", "54"),
            ("12\t+\t42", "54"),
            ("12  +  42  ", "54"),
            ("\t12 - 42", "-30"),
        ],
    )
}

fn signs(server: &Server) -> Outcome {
    results(
        server,
        &[
            ("-1 + -2", "-3"),
            ("+3 - -4", "7"),
            ("007 * 06.05", "42.35"),
            ("-0.5 * -0.5", "0.25"),
        ],
    )
}

fn malformed(server: &Server) -> Outcome {
    let mut peer = session(server)?;
    for expression in [
        "",
        "12",
        "12 +",
        "+ 12",
        "12+42",
        "12 +42",
        "12(10",
        "1 + 2 + 3",
        "1 ** 2",
        "5 % 2",
        "1 // 2",
        ".5 + 1",
        "1. + 1",
        "1e3 + 1",
        "0x10 + 1",
        "1_000 + 1",
        "1,5 + 1",
        "inf + 1",
        "nan + 1",
        "٣ + ٤",
        "(1 + 1)",
        "__import__('os') + 1",
        "1 + 1 #",
        "-- 1 + 1",
        "1 + + 1",
    ] {
        peer.is_refused(&format!("CALC {expression}"), &[Code::Malformed])?;
    }
    peer.asks("CALC 1 + 1", "OK 2")
}

fn too_long(server: &Server) -> Outcome {
    let mut peer = session(server)?;
    let longest = "9".repeat(100);
    peer.asks(
        &format!("CALC {longest} - 1"),
        &format!("OK {}8", "9".repeat(99)),
    )?;
    peer.is_refused(
        &format!("CALC {longest}9 - 1"),
        &[Code::TooLong, Code::Malformed],
    )?;
    peer.is_refused(
        &format!("CALC 0.{longest} + 1"),
        &[Code::TooLong, Code::Malformed],
    )?;
    peer.asks("CALC 1 + 1", "OK 2")
}
