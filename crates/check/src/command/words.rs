//! A command as a shell takes it, and its words.

/// The words as a shell takes them.
pub fn quoted(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:={}@%+,".contains(c);
    let quote = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// The words of a command, split where a shell would: at blanks that are not quoted. There is no
/// shell, so nothing else in it has a meaning.
///
/// # Errors
/// Where a quotation does not end, in words.
pub fn split(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        if c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\\' => word.extend(rest.next()),
            '\'' | '"' => loop {
                match rest.next() {
                    Some(end) if end == c => break,
                    Some('\\') if c == '"' => word.extend(rest.next()),
                    Some(quoted) => word.push(quoted),
                    None => return Err(format!("the quotation in `{command}` does not end: {c}")),
                }
            },
            c => word.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_split_into_the_same_words() {
        let words = ["python3", "a b.py", "", "it's", "\\n", "\"x\"", "{port}"];
        let words = words.map(str::to_owned);
        assert_eq!(split(&quoted(&words)).unwrap(), words);
        assert_eq!(split("  a   \"b c\"d 'e'  ").unwrap(), ["a", "b cd", "e"]);
        assert_eq!(split(r#"a\ b "c\"d""#).unwrap(), ["a b", "c\"d"]);
        assert_eq!(split(" ").unwrap(), [""; 0]);
    }

    #[test]
    fn a_quotation_without_an_end_is_refused() {
        for command in ["a 'b", "\"", "'it's'"] {
            assert!(split(command).is_err(), "{command}");
        }
    }
}
