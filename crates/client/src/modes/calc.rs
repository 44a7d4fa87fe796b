//! The calculator.

use clap::Args;
use proto::calc::{Answer, Expression, Request, Value};
use proto::refusal::Refusal;
use serde_json::json;

use super::own_name;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::output::Output;
use crate::session::{Session, Target};

const MENU: &str = "\
Type an expression: a number, one of + - * /, a number, with blanks between
them, as in 12 + 42. ? shows this again, q ends the session.";

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// `NUMBER OPERATOR NUMBER`, with blanks between them; without it, lines are read. A shell
    /// leaves * as it is in quotes only: "12 * 42"
    #[arg(allow_hyphen_values = true)]
    expression: Option<String>,

    /// The rest of it, where it is not in quotes
    // A negative number may stand here, and options behind the expression are still options.
    #[arg(allow_negative_numbers = true, hide = true)]
    rest: Vec<String>,

    /// The name of the session [default: the name of the user]
    #[arg(long)]
    name: Option<String>,
}

/// Calculates one expression, or those that a person or a pipe gives.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    // What makes no sense is not sent.
    let expression = arguments.expression.as_ref().map(|first| {
        let words = [std::slice::from_ref(first), &arguments.rest].concat();
        words.join(" ").parse::<Expression>()
    });
    let expression = expression.transpose().map_err(Failure::usage)?;
    let name = own_name(arguments.name.as_deref())?;
    let mut session = Session::open(target)?;
    let greeted = session.ask(&Request::Hello(name))?;
    greeted.map_err(Failure::Refused)?;
    let status = match expression {
        Some(expression) => {
            calculate(&mut session, expression, output)?.map_err(Failure::Refused)?;
            Status::Done
        }
        None => {
            let mut input = Input::open(target.recorder.as_ref())?;
            let menu = (MENU, "calc> ");
            each_line(&mut input, output, menu, |_, line| match line.parse() {
                Ok(expression) => calculate(&mut session, expression, output),
                Err(refusal) => Ok(Err(refusal)),
            })?
        }
    };
    session.quit();
    Ok(status)
}

fn calculate(
    session: &mut Session,
    expression: Expression,
    output: Output,
) -> Result<Result<(), Refusal>, Failure> {
    match session.ask(&Request::Calc(expression))? {
        Ok(Answer::Value(Value { text, rounded })) => {
            let shown = format!("{text}{}", if rounded { " (rounded)" } else { "" });
            let members = json!({"value": text, "rounded": rounded});
            output.answer(&shown, members).map(Ok)
        }
        // They answer other requests.
        Ok(Answer::Hello(_) | Answer::Bye) => Ok(Ok(())),
        Err(refusal) => Ok(Err(refusal)),
    }
}
