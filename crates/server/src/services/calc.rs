//! The calculator: a named session, then one expression at a time.

use proto::calc::{Answer, Request};
use proto::name::Name;
use proto::refusal::{Code, Refusal};

use crate::conversation::{Conversation, log_answer};
use crate::decimal::evaluate;

/// One peer's session. Sessions share nothing.
#[derive(Debug, Default)]
pub struct Calc {
    name: Option<Name>,
}

impl Conversation for Calc {
    type Request = Request;
    type Answer = Answer;

    fn answer(&mut self, request: Request) -> Result<Answer, Refusal> {
        let reply = match &request {
            Request::Hello(name) if self.name.is_none() => {
                tracing::info!(%name, "session started");
                self.name = Some(name.clone());
                return Ok(Answer::Hello(name.clone()));
            }
            Request::Hello(_) => Err(out_of_order("the session has a name already")),
            Request::Calc(_) if self.name.is_none() => {
                Err(out_of_order("say HELLO and a name first"))
            }
            Request::Calc(expression) => evaluate(expression).map(Answer::Value),
            Request::Quit => {
                let name = self.name.as_ref().map_or("nobody", Name::as_str);
                tracing::info!(name, "Session ended");
                return Ok(Answer::Bye);
            }
        };
        log_answer(&request, &reply);
        reply
    }

    fn awaits_login(&self) -> bool {
        self.name.is_none()
    }
}

fn out_of_order(words: &str) -> Refusal {
    Refusal::new(Code::OutOfOrder, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(requests: &[&str]) -> Vec<String> {
        let mut calc = Calc::default();
        let answer = |request: &&str| match calc.answer(request.parse().unwrap()) {
            Ok(answer) => answer.to_string(),
            Err(refusal) => refusal.code.as_str().to_owned(),
        };
        requests.iter().map(answer).collect()
    }

    #[test]
    fn the_name_comes_first_and_once() {
        let requests = [
            "CALC 1 + 1",
            "HELLO Adarsh",
            "HELLO Joty",
            "CALC 12 + 42",
            "QUIT",
        ];
        let expected = ["out-of-order", "hello Adarsh", "out-of-order", "54", "bye"];
        assert_eq!(answers(&requests), expected);
    }

    #[test]
    fn a_division_by_zero_is_refused_and_the_session_lives() {
        let given = answers(&["HELLO A", "CALC 1 / 0", "CALC 0.1 + 0.2"]);
        assert_eq!(given[1..], ["division-by-zero", "0.3"]);
    }
}
