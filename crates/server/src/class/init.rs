//! The file and the accounts of a new class.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::accounts::{self, quoted};
use super::file::{CONNECTIONS, Class, MAX_GROUPS, RECORDING_MIB};
use crate::config::Config;

/// Between the ports of one group and those of the next, so that the last two digits say the service.
const STEP: usize = 100;

/// The same where the first would need ports that clients are given.
const SMALL_STEP: usize = 20;

/// From here on, ports are given to clients.
const EPHEMERAL: usize = 32_768;

/// What a new class is to be.
#[derive(Debug, Clone)]
pub struct NewClass {
    /// How many groups, 1 to [`MAX_GROUPS`].
    pub groups: usize,
    /// The address they listen on.
    pub bind: IpAddr,
    /// What the ports of the first group are counted from.
    pub port_base: u16,
    /// A file of accounts; `None` makes them up.
    pub accounts: Option<PathBuf>,
    /// Accounts of each group, if they are made up.
    pub cards: usize,
}

/// Writes the file of the class, which must not exist yet, and its directory with the accounts of
/// each group. Returns the class.
///
/// # Errors
/// When something is there already or cannot be written, or something is wrong with the accounts.
pub fn init(file: &Path, new: &NewClass) -> anyhow::Result<Class> {
    if file.exists() {
        bail!(
            "{} is there already, and is left as it is: name another file",
            file.display()
        );
    }
    let text = text(file, new)?;
    let class = Class::parse(file, &text)?;
    let directory = class.files.directory();
    if directory.exists() {
        bail!(
            "{} is there already, from a class of this name: name another file, or move the directory \
             away",
            directory.display()
        );
    }
    let accounts = match &new.accounts {
        Some(path) => accounts::for_groups(path, accounts::read(path)?, &class.groups)?,
        None => accounts::of_new_groups(&class.groups, !class.bind.is_loopback(), new.cards)?,
    };
    state::create_directory(directory, directory)?;
    accounts::keep(&class.files, &class.groups, &accounts)?;
    // Last: a class whose accounts are missing has no file.
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(class)
}

fn text(file: &Path, new: &NewClass) -> anyhow::Result<String> {
    if !(1..=MAX_GROUPS).contains(&new.groups) {
        bail!("from 1 to {MAX_GROUPS} groups");
    }
    let stem = file.file_stem().context("name a file, as class.toml")?;
    let directory = format!("{}-state", stem.to_string_lossy());
    let base = usize::from(new.port_base);
    let (step, page) = match base + new.groups * STEP > EPHEMERAL {
        true => (SMALL_STEP, 15),
        false => (STEP, 80),
    };
    let digits = new.groups.to_string().len().max(2);
    let mut text = format!(
        r#"# A class of {count} groups for labserver: `labserver class run {file}` starts all of them.
# docs/classroom.md explains it.

# The address to listen on: 127.0.0.1 is this computer alone, 0.0.0.0 every interface. A class that
# was made for this computer alone has the PINs of the printed labs.
bind = "{bind}"

# What the sheets tell students to connect to [default: the addresses of this computer].
# address = "lab.example.org"

# Where ledgers, recordings, logs and cards are kept, for you alone; relative to this file.
directory = {directory}

# What each group may take.
[limits]
# Connections at once.
connections = {CONNECTIONS}
# Lines a second of one member of the chat room, after a burst; 0 sets no limit.
chat-rate = {chat_rate}
# Size of a recording in MiB, beyond which nothing more is recorded; 0 records nothing.
recording-mib = {RECORDING_MIB}

# The groups. Ports are counted from `port`: atm 5 above it, text 6, calc 7, chat 8, echo 9,
# datetime 10, script 11. `page` is the port of the group's live page, whose addresses, with the tokens
# that it needs, are in the group's log; without it there is none. A group may also have
#
#   fault = "drop-reply=10%"    faults, as --fault takes them: see docs/faults.md
#   seed = 42                   the same faults each time
#   script = "knock-knock"      the exchange of script mode: a name or a file
#   handout = "atm-login"       the server of a printed hand-out instead of all services, on `port`
"#,
        count = new.groups,
        file = file.file_name().unwrap_or(stem).display(),
        bind = new.bind,
        directory = quoted(&directory),
        chat_rate = Config::CHAT_RATE,
    );
    for number in 0..new.groups {
        let port = base + number * step;
        text += &format!(
            "\n[[group]]\nname = \"group-{:0digits$}\"\nport = {port}\npage = {}\n",
            number + 1,
            port + page,
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::accounts::kept;

    fn new(groups: usize, bind: &str) -> NewClass {
        NewClass {
            groups,
            bind: bind.parse().unwrap(),
            port_base: 9_100,
            accounts: None,
            cards: 2,
        }
    }

    #[test]
    fn a_new_class_has_its_groups_and_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("lab.toml");
        let class = init(&file, &new(3, "127.0.0.1")).unwrap();
        assert_eq!(class.groups.len(), 3);
        assert_eq!(
            (class.groups[2].name.as_str(), class.groups[2].port),
            ("group-03", 9_300)
        );
        let read = Class::read(&file).unwrap();
        assert_eq!((read.groups, read.limits), (class.groups, class.limits));
        let words = init(&file, &new(3, "127.0.0.1")).unwrap_err().to_string();
        assert!(words.contains("lab.toml is there already"), "{words}");
        std::fs::remove_file(&file).unwrap();
        let words = init(&file, &new(3, "127.0.0.1")).unwrap_err().to_string();
        assert!(words.contains("lab-state is there already"), "{words}");
        assert!(!file.exists());
    }

    #[test]
    fn only_a_class_for_this_computer_alone_has_the_printed_pins() {
        let directory = tempfile::tempdir().unwrap();
        let pins = |name: &str, bind| {
            let class = init(&directory.path().join(name), &new(2, bind)).unwrap();
            let accounts = kept(&class.files, &class.groups).unwrap();
            let pins = accounts.iter().map(|it| it.pin.reveal().to_owned());
            pins.collect::<Vec<_>>()
        };
        assert_eq!(
            pins("a.toml", "127.0.0.1"),
            ["1234", "1234", "5678", "5678"]
        );
        let random = pins("b.toml", "0.0.0.0");
        assert_eq!(random.len(), 4);
        assert!(!random.contains(&"1234".to_owned()), "{random:?}");
    }

    #[test]
    fn a_great_class_needs_no_port_that_clients_are_given() {
        for groups in [MAX_GROUPS, 236, 237] {
            let text = text(Path::new("class.toml"), &new(groups, "::1")).unwrap();
            let class = Class::parse(Path::new("class.toml"), &text).unwrap();
            assert_eq!(class.groups.len(), groups);
            let last = class.groups.last().unwrap();
            assert!(
                last.ports()
                    .iter()
                    .all(|it| usize::from(it.number) < EPHEMERAL)
            );
        }
        assert!(text(Path::new("class.toml"), &new(0, "::1")).is_err());
    }
}
