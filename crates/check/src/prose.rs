//! Prose as lines of a terminal.

/// Columns of a line of prose, its indent included.
const COLUMNS: usize = 80;

/// Prose in lines of at most [`COLUMNS`], each but the first with this indent.
pub fn prose(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > indent && column + 1 + width > COLUMNS {
            lines.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_lines_of_eighty_columns_unless_a_word_is_longer() {
        let line = format!("{}, {}", "a".repeat(38), "b".repeat(39));
        assert_eq!(
            prose(&line, 2),
            format!("{}\n  {}", &line[..39], "b".repeat(39))
        );
        assert_eq!(prose(&line, 0), line);
        let long = "c".repeat(100);
        assert_eq!(prose(&format!("{long} d"), 2), format!("{long}\n  d"));
    }
}
