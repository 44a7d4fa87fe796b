//! Whether this computer's clock is right: what is recorded and what datetime answers go by it.

use std::path::Path;
use std::process::Command;

use commandline::finding::Finding;

/// There once `systemd-timesyncd` has set the clock.
const SET: &str = "/run/systemd/timesync/synchronized";

/// Whether the clock is set by others over the network; nothing where that cannot be told.
pub(super) fn is_synchronised() -> Option<bool> {
    if Path::new(SET).exists() {
        return Some(true);
    }
    // It asks the kernel, whichever program sets the clock, and ends by itself.
    let mut timedatectl = Command::new("timedatectl");
    let shown = timedatectl.args(["show", "--property=NTPSynchronized", "--value"]);
    parse(&String::from_utf8_lossy(&shown.output().ok()?.stdout))
}

fn parse(shown: &str) -> Option<bool> {
    match shown.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// What that means for a server.
pub(super) fn clock(is_synchronised: Option<bool>) -> Finding {
    let compare = "`labclient doctor HOST` on another computer shows how far the two are apart";
    match is_synchronised {
        Some(true) => Finding::good("the clock is set over the network"),
        Some(false) => Finding::warning(
            "nothing sets the clock, and what datetime answers is as far off as that is",
            format!("`timedatectl set-ntp true` has it set; {compare}"),
        ),
        None => Finding::warning("unknown whether the clock is right", compare),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commandline::finding::State;

    #[test]
    fn a_clock_that_nothing_sets_is_a_warning_and_so_is_one_of_which_nothing_is_known() {
        assert_eq!(parse("yes\n"), Some(true));
        assert_eq!(parse("no\n"), Some(false));
        assert_eq!(parse(""), None);
        assert_eq!(clock(Some(true)).state, State::Good);
        let off = clock(Some(false));
        assert_eq!(off.state, State::Warning);
        assert!(off.advice.unwrap().contains("timedatectl set-ntp true"));
        assert!(clock(None).seen.starts_with("unknown"));
    }
}
