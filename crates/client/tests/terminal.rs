//! `labclient` with a person in front of it: a real terminal, keys, and what is seen.

mod cash_machine;
mod editing;
mod endings;
mod handouts;
mod menus;
mod other_terminals;
mod unanswered;
