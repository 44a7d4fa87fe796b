//! One file a mode.

pub mod atm;
pub(crate) mod calc;
pub(crate) mod chat;
pub(crate) mod datetime;
pub(crate) mod echo;
pub(crate) mod handout;
pub mod script;
pub(crate) mod text;

use proto::name::Name;

use crate::failure::Failure;

/// The name given, or that of the user where it makes a [`Name`], or `anonymous`.
pub fn own_name(given: Option<&str>) -> Result<Name, Failure> {
    let parse = |name: &str| name.parse::<Name>().map_err(Failure::usage);
    match (given, std::env::var("USER")) {
        (Some(name), _) => parse(name),
        (None, Ok(user)) => parse(&user).or_else(|_| parse("anonymous")),
        (None, Err(_)) => parse("anonymous"),
    }
}
