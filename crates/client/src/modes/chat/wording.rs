//! What happens in the room, as a line for a person and as an object for a program.
//!
//! A line that was said stands behind a name and a colon. A name holds neither a colon nor a
//! blank, so nothing that is said can look like an announcement.

use proto::chat::{Event, MemberList, Reason};
use proto::name::Name;
use serde_json::{Value, json};

/// An event for a person.
pub fn line(event: &Event) -> String {
    match event {
        Event::Joined(name) => format!("{name} has joined the chat."),
        Event::Left(name, Reason::Quit) => format!("{name} has left the chat."),
        Event::Left(name, reason) => format!("{name} has left the chat. ({reason})"),
        Event::Said(name, text) => format!("{name}: {text}"),
    }
}

/// An event for a program.
pub fn object(event: &Event) -> Value {
    match event {
        Event::Joined(name) => json!({"event": "joined", "name": name.as_str()}),
        Event::Left(name, reason) => {
            json!({"event": "left", "name": name.as_str(), "reason": reason.as_str()})
        }
        Event::Said(name, text) => {
            json!({"event": "said", "name": name.as_str(), "text": text.as_str()})
        }
    }
}

/// Who is there, for a person: `Joty, Ahona and 3 more`.
pub fn people(people: &MemberList) -> String {
    let names: Vec<&str> = people.names.iter().map(Name::as_str).collect();
    match (names.join(", "), people.more) {
        (names, 0) => names,
        (names, more) => format!("{names} and {more} more"),
    }
}

/// Who is there, for a program.
pub fn names(people: &MemberList) -> Value {
    people.names.iter().map(Name::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event::parse(text).unwrap()
    }

    #[test]
    fn the_hand_outs_words_announce_who_comes_and_goes() {
        for (message, expected) in [
            ("EVENT joined Adarsh", "Adarsh has joined the chat."),
            ("EVENT said Adarsh hello", "Adarsh: hello"),
            ("EVENT left Adarsh quit", "Adarsh has left the chat."),
            (
                "EVENT left Adarsh does not read",
                "Adarsh has left the chat. (does not read)",
            ),
        ] {
            assert_eq!(line(&event(message)), expected);
        }
    }

    #[test]
    fn nothing_that_is_said_looks_like_an_announcement() {
        let said = line(&event("EVENT said Joty Adarsh has left the chat."));
        assert_eq!(said, "Joty: Adarsh has left the chat.");
    }

    #[test]
    fn a_program_gets_the_parts() {
        assert_eq!(
            object(&event("EVENT left Adarsh flood")).to_string(),
            r#"{"event":"left","name":"Adarsh","reason":"flood"}"#
        );
    }

    #[test]
    fn people_who_did_not_fit_are_counted() {
        let some = MemberList::parse("Joty Ahona +3").unwrap();
        assert_eq!(people(&some), "Joty, Ahona and 3 more");
        assert_eq!(names(&some).to_string(), r#"["Joty","Ahona"]"#);
    }
}
