//! What a peer says is shown, and never obeyed.

use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::{Detail, EventKind, Note, NoteKind};

use super::made::{Made, message, path};
use super::view;

const HOSTILE: [&str; 6] = [
    "\x1b[2J\x1b]0;title\x07\r\n\0\u{9b}31m",
    "</text></svg></title></style><svg onload=alert(1)>\"'`&amp;&#x41;]]>",
    "</script><script>alert(1)</script><!--",
    "%%{init: {\"theme\": \"x\"}}%%\nend\n;participant X#35;",
    "\u{202e}abc\u{2066}\u{feff}\u{200b}\u{fffe}\u{ffff}",
    "日本語 👩‍👩‍👧 e\u{301}\u{301}\u{301} ",
];

fn recording() -> tempfile::NamedTempFile {
    let mut client = Made::new(Side::Client, Transport::Tcp);
    for (at, text) in HOSTILE.iter().enumerate() {
        let at = i64::try_from(at).unwrap() * 10;
        client.receives(at, 0, text);
        client.event(
            at + 1,
            0,
            EventKind::Failed {
                words: (*text).into(),
            },
        );
        let note = EventKind::Note(Note {
            about: Some((*text).into()),
            kind: NoteKind::Other((*text).into()),
            amount: Some((*text).into()),
            detail: Some(Detail::Other((*text).into())),
        });
        client.event(at + 2, 0, note);
        let mut bytes = message(Direction::ToServer, text);
        bytes.text = None;
        bytes.bytes.0.extend([0, 0xff, 0xfe, b'<', b'"']);
        client.event(at + 3, 0, EventKind::Sent(bytes));
        client.event(at + 4, 0, EventKind::Crashed { at: (*text).into() });
    }
    client.file()
}

#[test]
fn a_terminal_gets_nothing_but_text() {
    let file = recording();
    for format in ["--text", "--ids"] {
        let drawn = view(&[format, path(&file)]);
        let unsafe_ones = drawn
            .chars()
            .filter(|c| *c != '\n' && proto::printable::is_unsafe(*c));
        assert_eq!(unsafe_ones.count(), 0, "{drawn:?}");
    }
}

#[test]
fn a_picture_is_one_well_formed_element() {
    let svg = view(&["--svg", path(&recording())]);
    assert!(
        svg.chars()
            .all(|c| c == '\n' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')))
    );
    assert!(!svg.contains("<script") && !svg.contains("onload=alert(1)>"));
    let mut open = Vec::new();
    let mut rest = svg.as_str();
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        assert!(!text.contains("]]>"), "{text}");
        let end = tag.find('>').unwrap();
        let (tag, after) = (&tag[1..end], &tag[end + 1..]);
        assert!(!tag.contains('<'), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split([' ', '\n']).next().unwrap().to_owned());
        }
        rest = after;
    }
    assert_eq!(open, Vec::<String>::new());
    assert_eq!(rest, "\n");
    for reference in svg.split('&').skip(1) {
        let (name, _) = reference.split_once(';').unwrap();
        assert!(["lt", "gt", "amp", "quot", "#39"].contains(&name), "{name}");
    }
}

#[test]
fn a_page_has_the_one_script_that_is_ours_and_fetches_nothing() {
    let page = view(&["--html", path(&recording())]);
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    assert_eq!(page.matches("</style").count(), 1);
    assert_eq!(page.matches("<!--").count(), 0);
    for fetched in ["src=", "href=", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(fetched), "{fetched}");
    }
}

#[test]
fn mermaid_reads_nothing_that_a_peer_said() {
    let source = view(&["--mermaid", path(&recording())]);
    let mut lines = source.lines();
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    for line in lines {
        let line = line.trim_start();
        let starts = ["participant L", "Note over L", "L0", "L1"];
        assert!(starts.iter().any(|start| line.starts_with(start)), "{line}");
        let said = line.split_once(": ").map_or("", |(_, said)| said);
        // A reference is `#35;`; there are no other signs.
        for part in said.split('#').skip(1) {
            let (number, _) = part.split_once(';').unwrap();
            assert!(number.parse::<u32>().is_ok(), "{line}");
        }
        assert!(!said.contains(['%', '{', '<', ':', '"']), "{line}");
    }
}
