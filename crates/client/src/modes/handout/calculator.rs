//! Lab 002: a calculator with a named session.

use proto::handout::float::repr;

use super::person::Person;
use super::talk::Talk;
use crate::failure::{Failure, Status};
use crate::modes::say;
use crate::output::Output;
use crate::session::Target;

/// Gives the name, then has every line calculated until `q`.
///
/// # Errors
/// When the server is not reachable or lost.
pub fn run(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut talk = Talk::open(target)?;
    let mut person = Person::open(output)?;
    let Some(name) = person.message("name: ")? else {
        talk.close();
        return Ok(person.status());
    };
    talk.send(&name)?;
    while let Some(line) = person.message("expression, or q: ")? {
        if line == "q" {
            talk.send("q")?;
            talk.await_close()?;
            return Ok(person.status());
        }
        let Some(result) = calculated(&line) else {
            say("not sent: write a number, one of + - * /, a number, with one blank between them");
            continue;
        };
        talk.send(&line)?;
        // Only for where an answer ends that comes in pieces: the server is the calculator.
        let likely = [repr(result), "Invalid expression".into()];
        person.show("", &talk.answer(&likely.each_ref().map(String::as_str))?)?;
    }
    talk.close();
    Ok(person.status())
}

/// What comes of this, if the printed server calculates it.
fn calculated(line: &str) -> Option<f64> {
    let mut words = line.split(' ');
    let (left, operator, right) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !is_number(left) || !is_number(right) {
        return None;
    }
    let (left, right) = (left.parse::<f64>().ok()?, right.parse::<f64>().ok()?);
    match operator {
        "+" => Some(left + right),
        "-" => Some(left - right),
        "*" => Some(left * right),
        "/" => Some(left / right),
        _ => None,
    }
}

fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_printed_server_calculates_is_told_from_what_it_does_not() {
        for (line, expected) in [
            ("12 + 13", 25.0),
            ("1 / 3", 1.0 / 3.0),
            ("-2. * .5", -1.0),
            ("+7 - -0.25", 7.25),
            ("0.1 + 0.2", 0.1 + 0.2),
        ] {
            assert_eq!(calculated(line), Some(expected), "{line:?}");
        }
        for line in [
            "",
            "12",
            "12 +",
            "12 + 13 ",
            " 12 + 13",
            "12  + 13",
            "12+13",
            "12(10",
            "1 ^ 2",
            "1e3 + 1",
            "inf + 1",
            ". + 1",
            "- + 1",
            "+ + +",
            "1 + 2 + 3",
            "1\t+ 2",
            "١ + ٢",
        ] {
            assert_eq!(calculated(line), None, "{line:?}");
        }
    }
}
