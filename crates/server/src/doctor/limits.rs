//! Whether the connections of a class fit into what this user may have.

use std::io;
#[cfg(not(unix))]
use std::io::ErrorKind;

use commandline::finding::Finding;

use crate::config::Config;

/// Threads and processes that other programs of this user need.
pub(crate) const OTHER_THREADS: u64 = 100;

/// Whether so many files may be open as the connections need.
pub(super) fn files(config: &Config, limit: io::Result<u64>) -> Finding {
    let (connections, needed) = (config.connections, config.descriptors());
    match limit {
        Ok(limit) if limit < needed => Finding::bad(
            format!(
                "{connections} connections need {needed} open files, and this user may have {limit}"
            ),
            "raise the hard limit (`ulimit -Hn`), or lower --max-connections",
        ),
        Ok(limit) => Finding::good(format!(
            "{connections} connections need {needed} open files, of at most {limit}"
        )),
        Err(error) => Finding::warning(
            format!("cannot ask how many files may be open: {error}"),
            "lower --max-connections if connections are refused",
        ),
    }
}

/// Whether so many threads may run as the connections need; nothing where no limit is known.
pub(super) fn threads(config: &Config, limit: Option<u64>) -> Option<Finding> {
    let (connections, limit) = (config.connections, limit?);
    let needed = connections as u64 + OTHER_THREADS;
    Some(match limit < needed {
        true => Finding::bad(
            format!("{connections} connections need as many threads, of at most {limit}"),
            "raise the limit (`ulimit -u`, or the cgroup's pids.max), or lower --max-connections",
        ),
        false => Finding::good(format!(
            "{connections} connections need as many threads, of at most {limit}"
        )),
    })
}

#[cfg(unix)]
pub(super) fn most_files() -> io::Result<u64> {
    rlimit::Resource::NOFILE.get_hard()
}

#[cfg(not(unix))]
pub(super) fn most_files() -> io::Result<u64> {
    Err(ErrorKind::Unsupported.into())
}

/// The lowest of the limits on threads.
#[cfg(not(unix))]
pub(crate) fn most_threads() -> Option<u64> {
    None
}

/// The lowest of the limits on threads.
#[cfg(unix)]
pub(crate) fn most_threads() -> Option<u64> {
    let of_user = rlimit::Resource::NPROC.get_soft().ok();
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    let of_system = number("/proc/sys/kernel/threads-max");
    let of_group = std::fs::read_to_string("/proc/self/cgroup").ok();
    let of_group = of_group
        .as_deref()
        .and_then(|text| text.lines().find_map(|it| it.strip_prefix("0::")));
    let of_group = of_group.and_then(|group| number(&format!("/sys/fs/cgroup{group}/pids.max")));
    [of_user, of_system, of_group].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use commandline::finding::State;
    use std::io::ErrorKind;

    #[test]
    fn a_limit_that_is_too_low_for_the_connections_is_bad() {
        let config = Config {
            connections: 300,
            ..Config::default()
        };
        let needed = config.descriptors();
        assert_eq!(files(&config, Ok(needed)).state, State::Good);
        assert_eq!(files(&config, Ok(needed - 1)).state, State::Bad);
        let failed = files(&config, Err(ErrorKind::Unsupported.into()));
        assert_eq!(failed.state, State::Warning);
        let state = |limit| threads(&config, limit).map(|it| it.state);
        assert_eq!(state(Some(400)), Some(State::Good));
        assert_eq!(state(Some(399)), Some(State::Bad));
        assert_eq!(state(None), None);
    }
}
