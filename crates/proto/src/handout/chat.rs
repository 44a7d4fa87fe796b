//! Lab 002: a chat room. The first message is a name, each further one is sent to all other
//! members, and `quit` ends the conversation. There are no answers, and a client receives no events
//! of its own.

use alloc::format;
use alloc::string::String;

use crate::chat::{Answer, Event, Message, Request};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

/// The word that ends a conversation.
pub const QUIT: &str = "quit";

/// The answer to a name that is taken or invalid.
pub const NAME_TAKEN: &str = "Name already taken.";

/// Reads a message as a request: the first is the name, each further one a line.
///
/// # Errors
/// When it is not a name, or not a valid line.
pub fn request(text: &str, is_member: bool) -> Result<Request, Refusal> {
    let line = text.trim_end_matches(['\r', '\n']);
    match (is_member, line) {
        (true, QUIT) => Ok(Request::Quit),
        (true, line) => line.parse().map(Request::Say),
        (false, line) if line.trim().is_empty() => {
            Err(Refusal::new(Code::NameTaken, "a name is missing"))
        }
        (false, line) => Name::free_form(line.trim()).map(Request::Join),
    }
}

/// The message in the printed words, if it has any. What a member says goes to all others.
pub fn render(message: &Message<Answer>) -> Option<String> {
    match message {
        Message::Event(Event::Joined(name)) => Some(format!("{name} has joined the chat.")),
        Message::Event(Event::Left(name, _)) => Some(format!("{name} has left the chat.")),
        Message::Event(Event::Said(name, text)) => Some(format!("{name}: {text}")),
        Message::Reply(Ok(_)) => None,
        Message::Reply(Err(refusal)) if refusal.code == Code::NameTaken => Some(NAME_TAKEN.into()),
        Message::Reply(Err(refusal)) => Some(sentence(&refusal.words)),
    }
}

/// `a name has …` → `A name has ….`
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    format!("{}{}.", first.unwrap_or('?'), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{MemberList, Reason};
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_message_is_a_name_and_the_others_are_said() {
        assert_eq!(request("Joty", false), Ok(Request::Join(name("Joty"))));
        assert_eq!(request(" Joty \n", false), Ok(Request::Join(name("Joty"))));
        assert_eq!(request("quit", false), Ok(Request::Join(name("quit"))));
        let of_two_words = Name::free_form("Joty Sahá").unwrap();
        assert_eq!(request("Joty Sahá", false), Ok(Request::Join(of_two_words)));
        for line in ["hello", " two  blanks ", "Quit", "quit now", "SAY x"] {
            assert_eq!(request(line, true), Ok(Request::Say(line.parse().unwrap())));
        }
        assert_eq!(request("quit", true), Ok(Request::Quit));
        assert_eq!(request("quit\r\n", true), Ok(Request::Quit));
    }

    #[test]
    fn events_have_words_and_answers_have_none() {
        let joty = name("Joty");
        let said = Message::Event(Event::Said(joty.clone(), "hello".parse().unwrap()));
        for (message, expected) in [
            (
                Message::Event(Event::Joined(joty.clone())),
                "Joty has joined the chat.",
            ),
            (said, "Joty: hello"),
            (
                Message::Event(Event::Left(joty.clone(), Reason::Quit)),
                "Joty has left the chat.",
            ),
            (
                Message::Event(Event::Left(joty.clone(), Reason::Flood)),
                "Joty has left the chat.",
            ),
        ] {
            assert_eq!(render(&message).unwrap(), expected);
        }
        for answer in [
            Answer::Said,
            Answer::Bye,
            Answer::Joined(joty.clone(), MemberList::default()),
        ] {
            assert_eq!(render(&Message::Reply(Ok(answer))), None);
        }
    }

    #[test]
    fn a_name_that_cannot_be_had_is_told_in_one_sentence() {
        let refused = |text: &str| {
            let refusal = request(text, false).unwrap_err();
            render(&Message::Reply(Err(refusal))).unwrap()
        };
        assert_eq!(refused(" "), "Name already taken.");
        let taken = Refusal::new(Code::NameTaken, "Joty is in the room");
        assert_eq!(
            render(&Message::Reply(Err(taken))).unwrap(),
            "Name already taken."
        );
        assert_eq!(
            refused("Joty: hi"),
            "A name has visible characters, no colon and no blank at either end, not \"Joty: hi\"."
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", is_member: bool) {
            if let Err(refusal) = request(&text, is_member) {
                let sentence = render(&Message::Reply(Err(refusal))).unwrap();
                prop_assert!(sentence.ends_with('.') && sentence.len() < 300, "{}", sentence);
            }
        }
    }
}
