//! What `--script list` and `--handout list` print.

use std::fmt::Write;

use proto::handout::Handout;
use proto::script::{SHIPPED, Script};

/// The name and the title of each script that is shipped, one a line.
pub fn list_of_scripts() -> anyhow::Result<String> {
    let mut list = String::new();
    for shipped in SHIPPED {
        let script: Script = shipped.source.parse()?;
        let transport = script.transport().name();
        writeln!(list, "{:<14} {transport}  {}", shipped.name, script.title())?;
    }
    Ok(list)
}

/// Each hand-out with its transport and port, where it is printed, and what it is, one a line.
pub fn list_of_handouts() -> String {
    let mut list = String::new();
    for handout in Handout::ALL {
        let (name, transport) = (handout.name(), handout.transport().name());
        let (port, source, title) = (handout.port(), handout.source(), handout.title());
        // Writing to a String cannot fail.
        let _ = writeln!(
            list,
            "{name:<14} {transport} {port:>5}  {source:<22}  {title}"
        );
    }
    list
}
