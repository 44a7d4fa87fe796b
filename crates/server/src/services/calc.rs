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
            Request::Hello(_) => Err(Refusal::new(
                Code::OutOfOrder,
                "the session has a name already",
            )),
            Request::Calc(_) if self.name.is_none() => {
                Err(Refusal::new(Code::OutOfOrder, "say HELLO and a name first"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(requests: &[&str]) -> Vec<Result<String, Code>> {
        let mut calc = Calc::default();
        let answer = |request: &&str| {
            let answer = calc.answer(request.parse().unwrap());
            answer
                .map(|answer| answer.to_string())
                .map_err(|refusal| refusal.code)
        };
        requests.iter().map(answer).collect()
    }

    #[test]
    fn the_name_comes_first_and_once() {
        let given = answers(&[
            "CALC 1 + 1",
            "HELLO Adarsh",
            "HELLO Joty",
            "CALC 12 + 42",
            "QUIT",
        ]);
        assert_eq!(
            given,
            [
                Err(Code::OutOfOrder),
                Ok("hello Adarsh".into()),
                Err(Code::OutOfOrder),
                Ok("54".into()),
                Ok("bye".into()),
            ]
        );
    }

    #[test]
    fn a_division_by_zero_is_refused_and_the_session_lives() {
        let given = answers(&["HELLO A", "CALC 1 / 0", "CALC 0.1 + 0.2"]);
        assert_eq!(given[1..], [Err(Code::DivisionByZero), Ok("0.3".into())]);
    }
}
