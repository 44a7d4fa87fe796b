//! Words that several views have in common: moments, durations, commands.

use record::wording::cut;
use unicode_width::UnicodeWidthStr;

/// The most lines of a command that are shown.
const MOST_LINES: usize = 4;

/// Nanoseconds, as `120 ms` or `1.5 s`.
pub fn rough_duration(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000_000_000 => format!("{} ms", nanoseconds / 1_000_000),
        _ => format!("{:.1} s", nanoseconds as f64 / 1e9),
    }
}

/// A moment, as seconds with six digits; negative ones may be.
pub fn seconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let micros = nanoseconds.unsigned_abs() / 1000;
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The lines of a command that is too long for one of so many columns.
pub fn wrapped(command: &str, columns: usize) -> Vec<String> {
    let mut lines = vec!["$".to_owned()];
    for word in command.split(' ') {
        let fits = |line: &String| line.width() + 1 + word.width() <= columns;
        if !lines.last().is_some_and(fits) && lines.len() < MOST_LINES {
            lines.push(" ".into());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| cut(&line, columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_has_several_lines() {
        assert_eq!(wrapped("a bc def", 6), ["$ a bc", "  def"]);
        assert_eq!(wrapped("a", 80), ["$ a"]);
        assert_eq!(wrapped(&"abc ".repeat(99), 8)[3].width(), 8);
    }

    #[test]
    fn moments_are_seconds_with_six_digits() {
        assert_eq!(seconds(-1_500), "-0.000001");
        assert_eq!(seconds(61_002_003_999), "61.002003");
    }
}
