//! `class.toml`: which groups there are, where they listen, and what each may take.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::script;
use proto::side::Side;
use serde::Deserialize;
use toml::Spanned;
use wire::fault::FaultSpec;

use super::files::{Files, read_text};
use crate::config::Config;
use crate::services;

/// Most groups of a class. Each is a process.
pub const MAX_GROUPS: usize = 500;

/// Bytes of a class's file, at most: a hundred lines for each group.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Characters of a group's name, which names a directory and begins each of its log lines.
const MAX_NAME: usize = 32;

/// Most connections of one group at once. Ten students have five each, and as many again that they
/// forgot; twenty such groups have as many threads as a user may usually have.
pub const CONNECTIONS: usize = 100;

/// A recording's bytes, in MiB, at most. A group that sends without a pause fills this in minutes,
/// one that does its labs in weeks.
pub const RECORDING_MIB: u32 = 256;

/// A class, as its file describes it.
#[derive(Debug, Clone)]
pub struct Class {
    /// The file.
    pub file: PathBuf,
    /// What it is called: the file's name without its ending.
    pub name: String,
    /// The address that all groups listen on.
    pub bind: IpAddr,
    /// What students are told to connect to, if it is not an address of this computer.
    pub address: Option<String>,
    /// Where everything is kept.
    pub files: Files,
    /// What each group may take.
    pub limits: Limits,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
}

/// What one group may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Requests a second of one connection to the chat room, after a burst; 0 sets no limit.
    pub chat_rate: u32,
    /// Bytes of its recording, in MiB; 0 records nothing.
    pub recording_mib: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: CONNECTIONS,
            chat_rate: Config::CHAT_RATE,
            recording_mib: RECORDING_MIB,
        }
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// What the ports of its services are counted from; with a hand-out, the port itself.
    pub port: u16,
    /// The port of its live page, if it has one.
    pub page: Option<u16>,
    /// The faults that are injected, as `--fault` takes them.
    pub fault: Option<String>,
    /// Their seed.
    pub seed: Option<u64>,
    /// The exchange of script mode, as `--script` takes it.
    pub script: Option<String>,
    /// The hand-out that is served instead of all services.
    pub handout: Option<Handout>,
}

/// A socket of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// The service's name.
    pub service: &'static str,
    /// Its transport.
    pub transport: Transport,
    /// Its number.
    pub number: u16,
}

/// Why a class's file is not used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read the class in {}: {}; `labserver class init` writes one", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// Something in it is wrong.
    #[error("{}, line {line}: {words}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        words: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Text {
    bind: Spanned<IpAddr>,
    address: Option<Spanned<String>>,
    directory: Spanned<PathBuf>,
    #[serde(default)]
    limits: Option<Spanned<Limits>>,
    #[serde(default)]
    group: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    name: Spanned<String>,
    port: Spanned<u16>,
    page: Option<Spanned<u16>>,
    fault: Option<Spanned<String>>,
    seed: Option<u64>,
    script: Option<Spanned<String>>,
    handout: Option<Spanned<String>>,
}

impl Class {
    /// Reads the file.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn read(file: &Path) -> Result<Class, FileError> {
        let text = read_text(file, MAX_SIZE);
        let text = text.map_err(|error| FileError::Io(file.into(), error))?;
        Class::parse(file, &text)
    }

    /// What a file with this text says.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn parse(file: &Path, text: &str) -> Result<Class, FileError> {
        let wrong = |span: Range<usize>, words: &dyn Display| {
            let before = text.get(..span.start).unwrap_or(text);
            FileError::Wrong {
                file: file.into(),
                line: before.matches('\n').count() + 1,
                words: words.to_string(),
            }
        };
        let parsed: Text = toml::from_str(text)
            .map_err(|error| wrong(error.span().unwrap_or(0..0), &error.message()))?;
        let name = file.file_stem().map(|stem| stem.to_string_lossy());
        let limits = parsed.limits.as_ref();
        if let Some(limits) = limits
            && limits.get_ref().connections == 0
        {
            return Err(wrong(limits.span(), &"connections: at least 1"));
        }
        if let Some(address) = &parsed.address
            && !is_address(address.get_ref())
        {
            let words = "an address or a name without a port, as lab.example.org";
            return Err(wrong(address.span(), &words));
        }
        let directory = parsed.directory.get_ref();
        if directory.as_os_str().is_empty() {
            return Err(wrong(parsed.directory.span(), &"the directory has no name"));
        }
        let beside = file.parent().unwrap_or(Path::new(""));
        let class = Class {
            file: file.into(),
            name: name.unwrap_or_default().into_owned(),
            bind: *parsed.bind.get_ref(),
            address: parsed.address.map(Spanned::into_inner),
            files: Files::new(beside.join(directory)),
            limits: limits.map_or(Limits::default(), |limits| *limits.get_ref()),
            groups: groups(&parsed.group, &wrong)?,
        };
        match class.groups.len() {
            0 => Err(wrong(0..0, &"there is no [[group]]")),
            1..=MAX_GROUPS => Ok(class),
            _ => {
                let words = format!("there are more than {MAX_GROUPS} groups");
                Err(wrong(0..0, &words))
            }
        }
    }

    /// The group of this name.
    ///
    /// # Errors
    /// When there is none: which there are.
    pub fn group(&self, name: &str) -> anyhow::Result<&Group> {
        let found = self.groups.iter().find(|group| group.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.groups.iter().map(|it| it.name.as_str()).collect();
            anyhow::anyhow!(
                "no group {name:?} in {}: {}",
                self.file.display(),
                names.join(", ")
            )
        })
    }
}

impl Group {
    /// Where it listens, in the order in which it says so.
    pub fn ports(&self) -> Vec<Port> {
        if let Some(handout) = self.handout {
            return vec![Port {
                service: handout.name(),
                transport: handout.transport(),
                number: self.port,
            }];
        }
        let port = |mode: Mode, transport: Transport| Port {
            service: mode.name(),
            transport,
            // Checked when the file is read.
            number: self
                .port
                .saturating_add(mode.default_port() - Mode::BASE_PORT),
        };
        let mut ports = Vec::new();
        for mode in Mode::ALL {
            match mode {
                Mode::Script => ports.push(port(mode, self.transport_of_script())),
                mode => ports.extend(mode.transports().iter().map(|it| port(mode, *it))),
            }
        }
        ports
    }

    fn transport_of_script(&self) -> Transport {
        let script = services::script::load(self.script.as_deref().unwrap_or(script::DEFAULT));
        script.map_or(Transport::Tcp, |script| script.transport())
    }
}

fn groups(
    rows: &[Row],
    wrong: &dyn Fn(Range<usize>, &dyn Display) -> FileError,
) -> Result<Vec<Group>, FileError> {
    let mut names = BTreeSet::new();
    let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
    let mut groups = Vec::new();
    for row in rows {
        let name = row.name.get_ref();
        if !is_name(name) {
            let words = format!(
                "a group's name has at most {MAX_NAME} lower-case letters, digits and hyphens, and \
                 begins with no hyphen"
            );
            return Err(wrong(row.name.span(), &words));
        }
        if !names.insert(name) {
            return Err(wrong(row.name.span(), &"a second group of this name"));
        }
        if let Some(fault) = &row.fault {
            FaultSpec::parse_for(Side::Server, fault.get_ref())
                .map_err(|words| wrong(fault.span(), &words))?;
        }
        if let Some(script) = &row.script {
            services::script::load(script.get_ref())
                .map_err(|error| wrong(script.span(), &format!("{error:#}")))?;
        }
        let handout = row.handout.as_ref().map(|name| {
            let words = "no such hand-out: `labserver --handout list` shows which there are";
            Handout::parse(name.get_ref()).ok_or_else(|| wrong(name.span(), &words))
        });
        let group = Group {
            name: name.clone(),
            port: *row.port.get_ref(),
            page: row.page.as_ref().map(|page| *page.get_ref()),
            fault: row.fault.as_ref().map(|fault| fault.get_ref().clone()),
            seed: row.seed,
            script: row.script.as_ref().map(|script| script.get_ref().clone()),
            handout: handout.transpose()?,
        };
        let last = Mode::ALL.map(Mode::default_port).into_iter().max();
        let needed = last.unwrap_or_default() - Mode::BASE_PORT;
        if group.port == 0 || group.port > u16::MAX - needed {
            let words = format!("a port from 1 to {}", u16::MAX - needed);
            return Err(wrong(row.port.span(), &words));
        }
        let numbers: BTreeSet<u16> = group.ports().iter().map(|port| port.number).collect();
        let page = row.page.as_ref().map(|page| (*page.get_ref(), page.span()));
        if let Some((0, span)) = page {
            return Err(wrong(span, &"a port from 1 to 65535"));
        }
        let numbers = numbers.into_iter().map(|number| (number, row.port.span()));
        for (number, span) in numbers.chain(page) {
            let words = match taken.insert(number, name) {
                None => continue,
                Some(other) if other == name => format!("{name} would have port {number} twice"),
                Some(other) => format!("{other} and {name} would both have port {number}"),
            };
            return Err(wrong(span, &words));
        }
        groups.push(group);
    }
    Ok(groups)
}

/// Whether a group can be called that: it names a directory, and is printed without being quoted.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed) && !name.starts_with('-')
}

/// Whether this can be the address or the name of a computer.
fn is_address(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = !text.is_empty() && text.len() <= 253 && text.bytes().all(is_allowed);
    is_name && !text.starts_with('-') || text.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "bind = \"127.0.0.1\"\ndirectory = \"here\"\n";

    fn group(name: &str, port: u16) -> String {
        format!("[[group]]\nname = \"{name}\"\nport = {port}\n")
    }

    fn parse(rest: &str) -> Result<Class, FileError> {
        Class::parse(Path::new("lab/class.toml"), &format!("{HEAD}{rest}"))
    }

    #[test]
    fn a_class_has_its_groups_and_their_ports_and_is_kept_beside_its_file() {
        let class = parse(&(group("group-01", 9100) + &group("b", 9200))).unwrap();
        assert_eq!(class.name, "class");
        assert_eq!(class.files.directory(), Path::new("lab/here"));
        assert_eq!(class.limits, Limits::default());
        let ports = class.group("group-01").unwrap().ports();
        let shown = ports.iter().map(|port| {
            let (service, transport) = (port.service, port.transport.name());
            format!("{service} {transport} {}", port.number)
        });
        let expected = [
            "atm tcp 9105",
            "text tcp 9106",
            "calc tcp 9107",
            "chat tcp 9108",
            "echo tcp 9109",
            "echo udp 9109",
            "datetime udp 9110",
            "script tcp 9111",
        ];
        assert!(shown.eq(expected));
        let words = class.group("c").unwrap_err().to_string();
        assert!(words.contains("no group \"c\""), "{words}");
        assert!(words.ends_with("group-01, b"), "{words}");
    }

    #[test]
    fn a_group_with_a_hand_out_has_one_port() {
        let class = parse(&(group("a", 9100) + "handout = \"atm-login\"\n")).unwrap();
        let ports = class.groups[0].ports();
        assert_eq!((ports.len(), ports[0].number), (1, 9100));
    }

    #[test]
    fn what_is_wrong_is_reported_with_its_line() {
        let one = group("a", 9100);
        for (rest, expected) in [
            ("", "line 1: there is no [[group]]"),
            (&group("", 9100), "line 4: a group's name"),
            (&group("../x", 9100), "line 4: a group's name"),
            (&group("A", 9100), "line 4: a group's name"),
            (&group(&"a".repeat(33), 9100), "line 4: a group's name"),
            (&group("a", 0), "line 5: a port from 1"),
            (&group("a", 65_530), "line 5: a port from 1"),
            (&(one.clone() + &one), "line 7: a second group"),
            (
                &(one.clone() + &group("b", 9104)),
                "line 8: a and b would both have port 9109",
            ),
            (&(one.clone() + "fault = \"melt=3\""), "line 6: "),
            (&(one.clone() + "script = \"none\""), "line 6: no script"),
            (&(one.clone() + "handout = \"x\""), "line 6: no such hand"),
            (&(one.clone() + "ports = 3"), "line 6: unknown field"),
            (
                &("[limits]\nconnections = 0\n".to_owned() + &one),
                "line 3: connections",
            ),
            (
                &("address = \"a b\"\n".to_owned() + &one),
                "line 3: an address",
            ),
            (
                &("address = \"<b>\"\n".to_owned() + &one),
                "line 3: an address",
            ),
        ] {
            let words = parse(rest).unwrap_err().to_string();
            let expected = format!("lab/class.toml, {expected}");
            assert!(words.starts_with(&expected), "{rest}: {words}");
        }
        let many: String = (0..=MAX_GROUPS)
            .map(|number| group(&format!("g{number}"), 1_000 + 20 * number as u16))
            .collect();
        let words = parse(&many).unwrap_err().to_string();
        assert!(words.contains("more than 500 groups"), "{words}");
    }
}
