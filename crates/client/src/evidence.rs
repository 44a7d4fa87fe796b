//! What the author of a server needs to find out why a conversation failed: which request was open,
//! what was to come, what came, and where the protocol says so.

use std::fmt;

use proto::mode::Mode;
use proto::printable::printable;
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::secrets::SentSecrets;

/// Bytes of what came that are shown: enough to recognise it, and four rows.
const SHOWN: usize = 64;

/// Bytes in a row of hexadecimal; such a row is 63 columns wide.
const ROW: usize = 16;

/// Longest excerpt of a request, in characters.
const REQUEST_SHOWN: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The request that was open, if one was.
    pub request: Option<OpenRequest>,
    /// The messages of which one had to come.
    pub expected: Vec<String>,
    /// The bytes that came instead, secrets masked: a message without its framing, or what had come
    /// of one.
    pub came: Vec<u8>,
    /// Where the protocol says what has to come.
    pub section: Section,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number on this connection, from 1.
    pub number: u64,
    /// Its text, secrets masked.
    pub text: String,
}

/// What was sent over a connection, for the evidence.
#[derive(Debug, Default)]
pub struct SentRequests {
    pub count: u64,
    /// Their secrets, where there are any.
    pub secrets: SentSecrets,
    last: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// How messages are framed, and what a server says first.
    Messages,
    /// Who closes a connection, and when.
    Closing,
    Refusals,
    Service(Mode),
    Scripts,
    Handouts,
}

impl Section {
    /// Where it says what this server answers.
    pub fn of(peer: Peer) -> Section {
        match peer {
            Peer::Mode(Mode::Script) | Peer::Handout(_) => Section::Scripts,
            Peer::Mode(
                mode @ (Mode::Text
                | Mode::Atm
                | Mode::Calc
                | Mode::Chat
                | Mode::Datetime
                | Mode::Echo),
            ) => Section::Service(mode),
        }
    }

    pub fn heading(self) -> &'static str {
        match self {
            Section::Messages => "Messages",
            Section::Closing => "Who closes, and when",
            Section::Refusals => "Refusals",
            Section::Service(mode) => mode.name(),
            Section::Scripts => "Scripts",
            Section::Handouts => "The hand-outs' own programs",
        }
    }

    pub fn page(self) -> &'static str {
        match self {
            Section::Scripts | Section::Handouts => "docs/labs.md",
            Section::Messages | Section::Closing | Section::Refusals | Section::Service(_) => {
                "docs/protocol.md"
            }
        }
    }

    fn link(self) -> String {
        let heading = self.heading().to_lowercase().replace([',', '\''], "");
        format!("{}#{}", self.page(), heading.replace(' ', "-"))
    }
}

impl Evidence {
    /// Whether a whole message came and was the wrong one. Otherwise the stream ended inside one, or
    /// held none.
    pub fn has_whole_message(&self) -> bool {
        self.section != Section::Messages
    }

    pub fn members(&self) -> Value {
        let shown = &self.came[..self.came.len().min(SHOWN)];
        json!({
            "request": self.request.as_ref().map(|request| &request.text),
            "request_number": self.request.as_ref().map(|request| request.number),
            "expected": self.expected,
            "came": String::from_utf8_lossy(shown),
            "came_hex": shown.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "came_bytes": self.came.len(),
            "see": self.section.link(),
        })
    }
}

/// Lines for a person, indented, each at most 80 columns wide where what is shown allows it.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.request {
            Some(OpenRequest { number, text }) => {
                writeln!(f, "  open request  {number}: {}", printable(text))?;
            }
            None if self.section == Section::Messages => {
                writeln!(f, "  open request  none: the server speaks first")?;
            }
            None => writeln!(f, "  open request  none")?,
        }
        for (position, message) in self.expected.iter().enumerate() {
            let name = if position == 0 { "expected" } else { "or" };
            writeln!(f, "  {name:<13} {}", printable(message))?;
        }
        let shown = &self.came[..self.came.len().min(SHOWN)];
        match self.came.len() {
            0 => writeln!(f, "  came          nothing")?,
            length => {
                let text = printable(&String::from_utf8_lossy(shown));
                let more = if length > SHOWN { "…" } else { "" };
                let unit = if length == 1 { "byte" } else { "bytes" };
                writeln!(f, "  came          \"{text}{more}\" ({length} {unit})")?;
            }
        }
        for row in shown.chunks(ROW) {
            let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(f, "                {}", hex.join(" "))?;
        }
        write!(
            f,
            "  see           {}, \"{}\"",
            self.section.page(),
            self.section.heading()
        )
    }
}

impl SentRequests {
    pub fn push(&mut self, text: &str) {
        self.count += 1;
        text.clone_into(&mut self.last);
    }

    /// That one of the messages expected did not come after the last request, but this.
    pub fn evidence(&self, expected: Vec<String>, came: &[u8], section: Section) -> Evidence {
        let open = || OpenRequest::new(self.count, &self.last, &self.secrets);
        Evidence {
            request: (self.count > 0).then(open),
            expected,
            came: self.secrets.hide(came),
            section,
        }
    }
}

impl OpenRequest {
    /// The request of this number, cut where it is long.
    pub fn new(number: u64, text: &str, secrets: &SentSecrets) -> OpenRequest {
        let mut shown: String = text.chars().take(REQUEST_SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let text = secrets.hide_text(&shown);
        OpenRequest { number, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(came: &[u8]) -> Evidence {
        Evidence {
            request: Some(OpenRequest::new(1, "PRIME 97", &SentSecrets::default())),
            expected: vec!["OK prime".into(), "OK not prime".into()],
            came: came.to_owned(),
            section: Section::Service(Mode::Text),
        }
    }

    #[test]
    fn what_came_is_shown_as_text_and_in_hexadecimal() {
        let expected = "  open request  1: PRIME 97
  expected      OK prime
  or            OK not prime
  came          \"OK\\u{1b} yes\" (7 bytes)
                4f 4b 1b 20 79 65 73
  see           docs/protocol.md, \"text\"";
        assert_eq!(evidence(b"OK\x1b yes").to_string(), expected);
    }

    #[test]
    fn what_is_long_is_cut_and_counted() {
        let shown = evidence(&[b'x'; 1000]).to_string();
        assert!(shown.contains("x…\" (1000 bytes)\n"), "{shown}");
        assert_eq!(shown.matches("78").count(), SHOWN, "{shown}");
        let request = OpenRequest::new(1, &"é".repeat(1000), &SentSecrets::default());
        assert_eq!(request.text.chars().count(), REQUEST_SHOWN + 1);
    }

    #[test]
    fn an_open_request_does_not_show_its_secret() {
        let mut secrets = SentSecrets::default();
        secrets.learn_all(b"2468");
        assert_eq!(OpenRequest::new(2, "PIN 2468", &secrets).text, "PIN ****");
    }

    #[test]
    fn an_object_has_the_parts() {
        let expected = r#"{"came":"x\u001b","came_bytes":2,"came_hex":"781b","expected":["OK prime","OK not prime"],"request":"PRIME 97","request_number":1,"see":"docs/protocol.md#text"}"#;
        assert_eq!(evidence(b"x\x1b").members().to_string(), expected);
    }

    #[test]
    fn every_section_that_is_named_stands_in_the_documentation() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        let services = Mode::ALL.map(Section::Service);
        let others = [
            Section::Messages,
            Section::Closing,
            Section::Refusals,
            Section::Scripts,
            Section::Handouts,
        ];
        for section in services.into_iter().chain(others) {
            let page = std::fs::read_to_string(format!("{root}{}", section.page())).unwrap();
            let mut lines = page.lines();
            let is_heading = |line: &str| line.trim_start_matches('#').trim() == section.heading();
            assert!(
                lines.any(|line| line.starts_with('#') && is_heading(line)),
                "{section:?}"
            );
        }
        let link = Section::Closing.link();
        let anchor = "docs/protocol.md#who-closes-and-when";
        assert_eq!(link, anchor);
    }
}
