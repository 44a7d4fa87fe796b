//! One file a mode.

pub mod atm;
pub mod calc;
pub mod chat;
pub mod datetime;
pub mod echo;
pub mod handout;
pub mod script;
pub mod text;

use proto::name::Name;

use crate::failure::Failure;

/// The name given, or that of the user where it makes a [`Name`], or `anonymous`.
///
/// # Errors
/// When the name given is none.
pub fn own_name(given: Option<&str>) -> Result<Name, Failure> {
    let parse = |name: &str| name.parse::<Name>().map_err(|r| Failure::Usage(r.words));
    match (given, std::env::var("USER")) {
        (Some(name), _) => parse(name),
        (None, Ok(user)) => parse(&user).or_else(|_| parse("anonymous")),
        (None, Err(_)) => parse("anonymous"),
    }
}
