//! Kurose and Ross: the cash machine of the exercise.

use proto::handout::textbook_atm::{
    AMOUNT, AUTH_REQUIRED, BALANCE, BYE, ERROR, HELO, OK, PASSWD, WITHDRAWL,
};

use super::person::{Menu, Person, fits};
use super::talk::{HandoutConnection, not_printed, outcome_unknown};
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Target;

const MENU: Menu = Menu {
    text: "\
1. Balance
2. Withdraw
3. Exit",
    prompt: "choice (1, 2 or 3): ",
    invalid: "there are the choices 1, 2 and 3",
    requests: &[(BALANCE, &[]), (WITHDRAWL, &[(Person::word, "amount: ")])],
};

/// Logs in, then asks what to do until the user leaves.
pub fn run(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut talk = HandoutConnection::open(target)?;
    let mut person = Person::open(target, output)?;
    if log_in(&mut talk, &mut person)? {
        say(MENU.text);
        while let Some(request) = person.request(&MENU)? {
            carry_out(&mut talk, &request, &mut person)?;
        }
    }
    talk.send(BYE)?;
    let bye = line(&mut talk, BYE, |said| said == BYE)?;
    talk.close();
    person.show("", &bye)?;
    Ok(person.status)
}

/// Asks for user and PIN until the server accepts them. False when the user leaves.
fn log_in(talk: &mut HandoutConnection, person: &mut Person) -> Result<bool, Failure> {
    while let Some(user) = person.words("user id: ")? {
        let hello = format!("{HELO} {user}");
        if let Err(words) = fits(&hello) {
            person.refuse(&words);
            continue;
        }
        talk.send(&hello)?;
        let awaited = format!("{AUTH_REQUIRED} or {ERROR}");
        let said = line(talk, &awaited, |said| {
            [AUTH_REQUIRED, ERROR].contains(&said)
        })?;
        person.show("", &said)?;
        if said == ERROR {
            continue;
        }
        let Some(pin) = person.hidden_word("PIN: ")? else {
            return Ok(false);
        };
        talk.send(&format!("{PASSWD} {pin}"))?;
        let said = ok_or_error(talk)?;
        person.show("", &said)?;
        if said == OK {
            return Ok(true);
        }
    }
    Ok(false)
}

fn carry_out(
    talk: &mut HandoutConnection,
    request: &str,
    person: &mut Person,
) -> Result<(), Failure> {
    if request == BALANCE {
        talk.send(request)?;
        let awaited = format!("{AMOUNT}… or {ERROR}");
        let said = line(talk, &awaited, |said| {
            said.starts_with(AMOUNT) || said == ERROR
        })?;
        return person.show("", &said);
    }
    let asked = talk.send(request).and_then(|()| ok_or_error(talk));
    let said = asked.map_err(|failure| match failure {
        Failure::Lost(report) | Failure::Protocol(report) => outcome_unknown(report),
        failure => failure,
    })?;
    let shown = person.show("", &said);
    shown.map_err(|failure| not_printed(&said, &failure))
}

fn ok_or_error(talk: &mut HandoutConnection) -> Result<String, Failure> {
    let awaited = format!("{OK} or {ERROR}");
    line(talk, &awaited, |said| [OK, ERROR].contains(&said))
}

/// The next line that is not empty, which must be one that is `awaited`.
fn line(
    talk: &mut HandoutConnection,
    awaited: &str,
    is_awaited: impl Fn(&str) -> bool,
) -> Result<String, Failure> {
    talk.take(awaited, |came| match str::from_utf8(came) {
        Ok("") => Ok(None),
        Ok(said) if is_awaited(said) => Ok(Some((said.to_owned(), came.len()))),
        Ok(_) | Err(_) => Err("a line by itself".to_owned()),
    })
}
