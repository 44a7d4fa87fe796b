use super::*;
use crate::request::Request as _;
use alloc::format;
use alloc::string::ToString;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn people(names: &[&str]) -> MemberList {
    MemberList {
        names: names.iter().map(|text| name(text)).collect(),
        more: 0,
    }
}

fn text(text: &str) -> Text {
    text.parse().unwrap()
}

#[test]
fn requests_have_these_exact_bytes() {
    for (request, bytes) in [
        (Request::Join(name("Adarsh")), "JOIN Adarsh"),
        (Request::Say(text("hello  all ")), "SAY hello  all "),
        (Request::Say(text("QUIT")), "SAY QUIT"),
        (Request::Who, "WHO"),
        (Request::Quit, "QUIT"),
    ] {
        assert_eq!(request.to_string(), bytes);
        assert_eq!(bytes.parse(), Ok(request));
    }
}

#[test]
fn answers_have_these_exact_bytes() {
    let join = Request::Join(name("Adarsh"));
    let joined = |others: &[&str]| Answer::Joined(name("Adarsh"), people(others));
    let here = Answer::Here(people(&["Adarsh", "Joty"]));
    for (request, answer, bytes) in [
        (&join, joined(&[]), "joined Adarsh"),
        (&join, joined(&["Joty", "A"]), "joined Adarsh with Joty A"),
        (&Request::Say(text("x")), Answer::Said, "said"),
        (&Request::Who, here, "here Adarsh Joty"),
        (&Request::Quit, Answer::Bye, "bye"),
    ] {
        assert_eq!(answer.to_string(), bytes);
        assert_eq!(request.answer(bytes), Some(answer));
    }
}

#[test]
fn an_answer_to_another_question_is_none() {
    let join = Request::Join(name("Adarsh"));
    for (request, arguments) in [
        (&join, "said"),
        (&join, "joined"),
        (&join, "joined Adarsh with"),
        (&join, "joined Adarsh with "),
        (&join, "joined Adarsh and Joty"),
        (&Request::Who, "joined Adarsh"),
        (&Request::Who, "here"),
        (&Request::Quit, "bye now"),
        (&Request::Quit, ""),
    ] {
        assert_eq!(request.answer(arguments), None, "{arguments:?}");
    }
}

#[test]
fn events_have_these_exact_bytes() {
    for (event, bytes) in [
        (Event::Joined(name("Joty")), "EVENT joined Joty"),
        (
            Event::Said(name("Joty"), text("has left the chat.")),
            "EVENT said Joty has left the chat.",
        ),
    ] {
        assert_eq!(event.to_string(), bytes);
        assert_eq!(Event::parse(bytes), Some(event));
    }
    for (reason, words) in [
        (Reason::Quit, "quit"),
        (Reason::Disconnected, "disconnected"),
        (Reason::DoesNotRead, "does not read"),
        (Reason::Flood, "flood"),
        (Reason::BrokeProtocol, "broke the protocol"),
    ] {
        let (event, bytes) = (
            Event::Left(name("Joty"), reason),
            format!("EVENT left Joty {words}"),
        );
        assert_eq!(event.to_string(), bytes);
        assert_eq!(Event::parse(&bytes), Some(event));
    }
}

#[test]
fn a_message_is_a_reply_or_an_event_and_nothing_else() {
    assert_eq!(
        Message::parse("OK said"),
        Some(Message::Reply(Ok("said".into())))
    );
    let refusal = Refusal::new(Code::NameTaken, "somebody has it");
    assert_eq!(
        Message::parse("ERR name-taken somebody has it"),
        Some(Message::Reply(Err(refusal)))
    );
    for event in ["EVENT joined Joty", "EVENT said Joty  x"] {
        assert!(matches!(Message::parse(event), Some(Message::Event(_))));
    }
    let others = "|EVENT|EVENT |EVENT joined|EVENT joined |EVENT joined Joty now|EVENT left Joty|\
                  EVENT left Joty bored|EVENT said Joty|EVENT said Joty |EVENT said Joty a\x1b[2J|\
                  EVENT danced Joty|SAY hello";
    for message in others.split('|') {
        assert_eq!(Message::parse(message), None, "{message:?}");
    }
}

#[test]
fn malformed_requests_are_refused_with_the_reason() {
    for (request, code) in [
        ("JOIN", Code::Malformed),
        ("JOIN ", Code::Malformed),
        ("JOIN a b", Code::Malformed),
        ("JOIN é", Code::Malformed),
        ("SAY", Code::Malformed),
        ("SAY ", Code::Malformed),
        ("WHO is there", Code::Malformed),
        ("QUIT now", Code::Malformed),
        ("", Code::UnknownVerb),
        ("say hello", Code::UnknownVerb),
        ("hello", Code::UnknownVerb),
    ] {
        let refusal = request.parse::<Request>().unwrap_err();
        assert_eq!(refusal.code, code, "{request:?}");
    }
}

#[test]
fn reserved_names_are_refused_in_any_case() {
    for reserved in RESERVED {
        assert_eq!(reserved, name(reserved).folded());
        assert!(check_not_reserved(&name(reserved)).is_err());
    }
    let refusal = check_not_reserved(&name("SerVer")).unwrap_err();
    assert_eq!(refusal.code, Code::NameTaken);
    assert_eq!(check_not_reserved(&name("servers")), Ok(()));
}

proptest! {
    #[test]
    fn what_is_said_survives_the_wire(said in "\\PC{0,80}x", who in "[a-zA-Z0-9_-]{1,32}") {
        if let Ok(said) = said.parse::<Text>() {
            let request = Request::Say(said.clone());
            prop_assert_eq!(request.to_string().parse(), Ok(request));
            let event = Event::Said(name(&who), said);
            prop_assert_eq!(Event::parse(&event.to_string()), Some(event));
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(message in ".*") {
        let _ = message.parse::<Request>();
        let _ = Message::parse(&message);
        let _ = Event::parse(&alloc::format!("EVENT said {message}"));
        let _ = Request::Who.answer(&alloc::format!("here {message}"));
        let _ = Request::Join(name("x")).answer(&alloc::format!("joined x with {message}"));
    }
}
