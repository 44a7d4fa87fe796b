//! What a doctor finds, and how it is printed.

use std::fmt::{self, Write};

use serde_json::json;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub state: State,
    /// What was seen, in one sentence.
    pub seen: String,
    /// The next step, where one is needed.
    pub advice: Option<String>,
}

/// How something is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// It may be in the way, or cannot be told.
    Warning,
    /// It is in the way.
    Bad,
}

impl State {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Warning => "warning",
            State::Bad => "bad",
        }
    }
}

impl Finding {
    /// What is as it should be.
    pub fn good(seen: impl Into<String>) -> Finding {
        Finding {
            state: State::Good,
            seen: seen.into(),
            advice: None,
        }
    }

    /// What may be in the way, and the next step.
    pub fn warning(seen: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding {
            state: State::Warning,
            seen: seen.into(),
            advice: Some(advice.into()),
        }
    }

    /// What is in the way, and the next step.
    pub fn bad(seen: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding {
            state: State::Bad,
            ..Finding::warning(seen, advice)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {}", self.state.name(), self.seen)?;
        match &self.advice {
            Some(advice) => write!(f, "\n         -> {advice}"),
            None => Ok(()),
        }
    }
}

/// All of them as they are printed: for people, or a JSON object a line.
pub fn lines(findings: &[Finding], is_json: bool) -> String {
    let mut lines = String::new();
    for finding in findings {
        // Writing into a text does not fail.
        let _ = match is_json {
            true => {
                let (state, seen, advice) = (finding.state.name(), &finding.seen, &finding.advice);
                writeln!(
                    lines,
                    "{}",
                    json!({"state": state, "seen": seen, "advice": advice})
                )
            }
            false => writeln!(lines, "{finding}"),
        };
    }
    lines
}

/// Whether one of them is in the way.
pub fn any_is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|it| it.state == State::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_with_its_next_step_below_or_an_object() {
        let findings = [
            Finding::good("it runs"),
            Finding::bad("it is off", "start it"),
        ];
        let text = "good     it runs\nbad      it is off\n         -> start it\n";
        assert_eq!(lines(&findings, false), text);
        let objects = lines(&findings, true);
        assert_eq!(
            objects.lines().last(),
            Some(r#"{"advice":"start it","seen":"it is off","state":"bad"}"#)
        );
        assert!(any_is_bad(&findings));
        assert!(!any_is_bad(&findings[..1]));
    }
}
