//! Placeholder

pub mod pin;
