//! What the command lines of both programs share: [manual pages](manual), [help and
//! complaints](usage), and the [findings](finding) of a doctor.
#![forbid(unsafe_code)]

pub mod finding;
pub mod manual;
pub mod usage;
