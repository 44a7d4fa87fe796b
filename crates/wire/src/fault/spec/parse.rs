//! From the text of a [`FaultSpec`] to the `FaultSpec`, or to the place where it is wrong.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::str::FromStr;

use proto::printable::is_unsafe;

use super::{
    Chance, Distribution, Fault, FaultSpec, LONGEST_DELAY, LONGEST_SEGMENT, Micros, Selection,
};
use crate::fault::crash::{CrashAt, CrashPoint};

const A_WHEN: &str = "a chance as 10% or a count as #2";
const A_DELAY: &str = "a delay as 20ms, 20ms..80ms, exponential:30ms or normal:50ms+-10ms";
const A_TIME: &str = "a time as 20ms, in s, ms or us";
const A_SIZE: &str = "a number of bytes, as in 7 or 7@10%";

/// A text that is no [`FaultSpec`]. Shown, it has two lines: the text, and below the place that is wrong
/// a caret with what would do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpecError {
    text: String,
    /// In characters from the start of the text.
    column: usize,
    words: String,
}

impl fmt::Display for FaultSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One for one, so that the caret stays below its place.
        let shown = |c| if is_unsafe(c) { '\u{fffd}' } else { c };
        let text: String = self.text.chars().map(shown).collect();
        write!(f, "{text}\n{:1$}^ {2}", "", self.column, self.words)
    }
}

impl std::error::Error for FaultSpecError {}

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    fn from_str(text: &str) -> Result<FaultSpec, FaultSpecError> {
        let mut spec = FaultSpec::default();
        let mut seen: Vec<&str> = Vec::new();
        let mut at = 0;
        for entry in text.split(',') {
            let entry_at = at;
            at += entry.len() + 1;
            let blanks = entry.len() - entry.trim_start().len();
            let entry = Piece {
                whole: text,
                at: entry_at + blanks,
                text: entry.trim(),
            };
            if entry.text.is_empty() {
                return Err(entry.wrong("a fault, as in drop-request=10%"));
            }
            let (key, value) = entry.split_at("=");
            if seen.contains(&key.text) {
                return Err(key.wrong("given before: each fault once"));
            }
            seen.push(key.text);
            let value =
                |words: &str| value.ok_or_else(|| entry.end().wrong(format!("= and {words}")));
            let when = || value(A_WHEN).and_then(Piece::when).map(Some);
            match key.text {
                "drop-request" => spec.drop_request = when()?,
                "drop-reply" => spec.drop_reply = when()?,
                "duplicate" => spec.duplicate = when()?,
                "delay" => spec.delay = Some(value(A_DELAY)?.fault(Piece::distribution)?),
                "error" => spec.error = when()?,
                "cut" => spec.cut = when()?,
                "reorder" => spec.reorder = when()?,
                "split" => spec.split = Some(value(A_SIZE)?.fault(Piece::size)?),
                "glue" => spec.glue = when()?,
                "reset" => spec.reset = when()?,
                "corrupt" => spec.corrupt = when()?,
                "pause" => {
                    let pause = |time: Piece<'_>| time.micros(A_TIME).map(Micros);
                    spec.pause = Some(value(A_TIME)?.fault(pause)?);
                }
                "crash-at" => spec.crash_at = Some(value(&a_point())?.crash_at()?),
                _ => {
                    let keys = FaultSpec::default().entries().map(|(key, _)| key);
                    return Err(key.wrong(format!("one of: {}", keys.join(", "))));
                }
            }
        }
        Ok(spec)
    }
}

fn a_point() -> String {
    let names = CrashPoint::ALL.map(CrashPoint::name);
    format!("one of: {}", names.join(", "))
}

/// A part of the text, and where it stands.
#[derive(Clone, Copy)]
struct Piece<'a> {
    whole: &'a str,
    /// In bytes from the start of `whole`.
    at: usize,
    text: &'a str,
}

impl<'a> Piece<'a> {
    /// What would do here.
    fn wrong(self, words: impl Into<String>) -> FaultSpecError {
        FaultSpecError {
            text: self.whole.to_owned(),
            column: self.whole[..self.at].chars().count(),
            words: words.into(),
        }
    }

    /// The nothing behind it.
    fn end(self) -> Piece<'a> {
        Piece {
            at: self.at + self.text.len(),
            text: "",
            ..self
        }
    }

    /// What stands before the separator, and behind it if there is one.
    fn split_at(self, separator: &str) -> (Piece<'a>, Option<Piece<'a>>) {
        let Some((before, behind)) = self.text.split_once(separator) else {
            return (self, None);
        };
        let part = |at, text| Piece { at, text, ..self };
        let at = self.at + before.len() + separator.len();
        (part(self.at, before), Some(part(at, behind)))
    }

    fn when(self) -> Result<Selection, FaultSpecError> {
        if let Some(text) = self.text.strip_suffix('%') {
            return Piece { text, ..self }.chance().map(Selection::Chance);
        }
        match self.split_at("#") {
            (Piece { text: "", .. }, Some(numbers)) => numbers.count().map(Selection::Count),
            _ => Err(self.wrong(A_WHEN)),
        }
    }

    fn chance(self) -> Result<Chance, FaultSpecError> {
        let (whole, decimals) = self.text.split_once('.').unwrap_or((self.text, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !are_digits(decimals) {
            return Err(self.wrong(A_WHEN));
        }
        if decimals.len() > 6 {
            return Err(self.wrong("a chance with at most six decimals"));
        }
        let units = format!("{whole}{decimals:0<6}").parse().map(Chance);
        match units {
            Ok(chance) if chance <= Chance::ALWAYS => Ok(chance),
            // Too many digits for the type are too many for a chance.
            Ok(_) | Err(_) => Err(self.wrong("a chance from 0% to 100%")),
        }
    }

    fn count(self) -> Result<RangeInclusive<u64>, FaultSpecError> {
        let (first, last) = self.split_at("-");
        let first_number = first.number("a number, as in #2 or #1-3")?;
        if first_number == 0 {
            return Err(first.wrong("the first is #1"));
        }
        let Some(last) = last else {
            return Ok(first_number..=first_number);
        };
        let last_number = last.number("a number, as in #1-3")?;
        if last_number < first_number {
            return Err(last.wrong("the smaller number first, as in #1-3"));
        }
        Ok(first_number..=last_number)
    }

    fn number(self, words: &str) -> Result<u64, FaultSpecError> {
        // The standard parser takes a sign.
        if !self.text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong(words));
        }
        self.text.parse().map_err(|_| self.wrong(words))
    }

    /// What `read` makes of it, without the messages that may be named behind an `@`.
    fn fault<T>(
        self,
        read: impl FnOnce(Piece<'a>) -> Result<T, FaultSpecError>,
    ) -> Result<Fault<T>, FaultSpecError> {
        let (value, when) = self.split_at("@");
        Ok(Fault {
            value: read(value)?,
            when: when.map(Piece::when).transpose()?,
        })
    }

    fn distribution(self) -> Result<Distribution, FaultSpecError> {
        let (kind, parameters) = self.split_at(":");
        Ok(match (kind.text, parameters) {
            ("exponential", Some(mean)) => Distribution::Exponential(mean.micros(A_TIME)?),
            ("normal", Some(both)) => {
                let (mean, Some(deviation)) = both.split_at("+-") else {
                    return Err(both.wrong("a mean and a standard deviation, as 50ms+-10ms"));
                };
                Distribution::Normal(mean.micros(A_TIME)?, deviation.micros(A_TIME)?)
            }
            _ => Distribution::Uniform(self.range()?),
        })
    }

    fn range(self) -> Result<RangeInclusive<u64>, FaultSpecError> {
        let (shortest, longest) = self.split_at("..");
        let shortest_micros = shortest.micros(A_DELAY)?;
        let longest_micros = longest.map_or(Ok(shortest_micros), |it| it.micros(A_DELAY))?;
        if longest_micros < shortest_micros {
            return Err(shortest.wrong("the shorter time first, as in 20ms..80ms"));
        }
        Ok(shortest_micros..=longest_micros)
    }

    fn size(self) -> Result<NonZeroUsize, FaultSpecError> {
        let size = usize::try_from(self.number(A_SIZE)?).ok();
        size.filter(|size| *size <= LONGEST_SEGMENT)
            .and_then(NonZeroUsize::new)
            .ok_or_else(|| self.wrong(format!("from 1 to {LONGEST_SEGMENT} bytes")))
    }

    /// A time, or `words` for what would do.
    fn micros(self, words: &str) -> Result<u64, FaultSpecError> {
        let digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = self.text.split_at(digits);
        let unit = match unit {
            "s" => 1_000_000,
            "ms" => 1_000,
            "us" => 1,
            _ => return Err(self.wrong(words)),
        };
        if number.is_empty() {
            return Err(self.wrong(words));
        }
        let micros = number
            .parse()
            .ok()
            .and_then(|number: u64| number.checked_mul(unit));
        match micros {
            Some(micros) if u128::from(micros) <= LONGEST_DELAY.as_micros() => Ok(micros),
            _ => Err(self.wrong(format!("a time of at most {}s", LONGEST_DELAY.as_secs()))),
        }
    }

    fn crash_at(self) -> Result<CrashAt, FaultSpecError> {
        let (name, passage) = self.split_at("#");
        let Some(point) = CrashPoint::parse(name.text) else {
            return Err(name.wrong(a_point()));
        };
        let words = "a number, as in after-commit#2";
        let passage = match passage {
            None => 1,
            Some(passage) => match passage.number(words)? {
                0 => return Err(passage.wrong("the first time is #1")),
                number => number,
            },
        };
        Ok(CrashAt { point, passage })
    }
}

#[cfg(test)]
mod tests;
