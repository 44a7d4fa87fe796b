//! Operations of many connections at once: how many are answered each second, and how long each
//! takes.
//!
//! **Closed loop**: each connection asks as soon as it was answered, so a slow server is asked less.
//! **Open loop**, with a rate: requests are due at fixed moments whatever the server does, and
//! latency is counted from the moment a request was due. So a request that had to wait because
//! those before it were slow counts with its wait: there is no coordinated omission.
//!
//! * [`load`]: the loops; [`tally`]: what they count; [`latencies`]: a histogram of durations;
//! * [`report`]: the table, and the same as JSON.

pub mod latencies;
pub mod load;
pub mod report;
pub mod tally;
