//! A page for each group, to be printed: where its services are, its cards and PINs, and what to type
//! first. In Markdown, or in HTML that needs nothing else.

use std::fmt::Write;
use std::net::IpAddr;

use anyhow::Context;
use proto::mode::Mode;

use super::accounts::Account;
use super::file::{Class, Group};
use crate::doctor::addresses;

/// How pages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Markdown
    Md,
    /// HTML, in one file without links to others
    Html,
}

impl Format {
    /// The ending of such a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Md => "md",
            Format::Html => "html",
        }
    }
}

/// One group's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Block {
    Heading(&'static str),
    Text(String),
    Table(&'static [&'static str], Vec<Vec<String>>),
    /// What to type, each in a line.
    Commands(Vec<String>),
}

/// The addresses at which students find the class.
///
/// # Errors
/// When the addresses of this computer cannot be listed.
pub fn addresses(class: &Class) -> anyhow::Result<Vec<String>> {
    if let Some(address) = &class.address {
        return Ok(vec![address.clone()]);
    }
    if !class.bind.is_unspecified() {
        return Ok(vec![class.bind.to_string()]);
    }
    let interfaces = addresses::interfaces().context(
        "cannot list the addresses of this computer: give the class an `address` in its file",
    )?;
    let is_served = |address: &IpAddr| address.is_ipv4() || class.bind.is_ipv6();
    let addresses = interfaces.into_iter().map(|(address, _)| address);
    let mut addresses: Vec<_> = addresses
        .filter(is_served)
        .map(|it| it.to_string())
        .collect();
    if addresses.is_empty() {
        addresses.push("127.0.0.1".into());
    }
    Ok(addresses)
}

/// The page of a group, at the first of these addresses; without PINs where `accounts` has none of
/// it, or they are not to be shown.
pub fn page(class: &Class, group: &Group, addresses: &[String], accounts: &[Account]) -> Page {
    let address = addresses.first().map_or("127.0.0.1", String::as_str);
    let at = |port: u16| match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    };
    let of_it: Vec<&Account> = accounts
        .iter()
        .filter(|it| it.group == group.name)
        .collect();
    let ports = group.ports().into_iter().map(|port| {
        let what = match group.handout {
            Some(handout) => handout.title(),
            None => Mode::parse(port.service).map_or("", described),
        };
        vec![
            port.service.to_owned(),
            port.transport.name().to_owned(),
            at(port.number),
            what.to_owned(),
        ]
    });
    let mut blocks = vec![
        Block::Heading("Where"),
        Block::Table(
            &["service", "transport", "address", "what it is"],
            ports.collect(),
        ),
    ];
    if addresses.len() > 1 {
        let others = addresses[1..].join(", ");
        let words = format!("If {address} cannot be reached, the same ports are at {others}.");
        blocks.push(Block::Text(words));
    }
    if !of_it.is_empty() {
        let row = |it: &&Account| {
            let (card, pin) = (it.card.as_str(), it.pin.reveal());
            let (holder, balance) = (it.holder.to_string(), it.balance.to_string());
            vec![card.to_owned(), pin.to_owned(), holder, balance]
        };
        blocks.push(Block::Heading("Cards"));
        let rows = of_it.iter().map(row).collect();
        blocks.push(Block::Table(&["card", "PIN", "holder", "balance"], rows));
        blocks.push(Block::Text(
            "Three wrong PINs in a row lock a card for five minutes. No other group has these \
             accounts, also where it has the same cards."
                .into(),
        ));
    }
    blocks.push(Block::Heading("First commands"));
    let card = of_it.first().map_or("CARD", |it| it.card.as_str());
    blocks.push(Block::Commands(commands(group, at, card)));
    blocks.push(Block::Heading("How to check your own half"));
    blocks.extend(how_to_check(group));
    Page {
        title: format!("{}: {}", class.name, group.name),
        blocks,
    }
}

/// What a service is, in a line.
fn described(mode: Mode) -> &'static str {
    match mode {
        Mode::Atm => "the bank of the cash machines",
        Mode::Text => "lower case, primes, palindromes",
        Mode::Calc => "the calculator",
        Mode::Chat => "the chat room of this group",
        Mode::Echo => "sends back what it receives",
        Mode::Datetime => "date and time",
        Mode::Script => "a scripted exchange",
    }
}

fn commands(group: &Group, at: impl Fn(u16) -> String, card: &str) -> Vec<String> {
    if let Some(handout) = group.handout {
        let (name, server) = (handout.name(), at(group.port));
        return vec![format!("labclient handout {name} --server {server}")];
    }
    let command = |mode: Mode| {
        let server = at(group
            .port
            .saturating_add(mode.default_port() - Mode::BASE_PORT));
        let (mode, rest) = match mode {
            Mode::Atm => ("atm", format!(" --card {card} balance")),
            Mode::Text => ("text", " lower \"HELLO World\"".into()),
            Mode::Calc => ("calc", " \"12 + 42\"".into()),
            Mode::Chat => ("chat", " --name YOURNAME".into()),
            Mode::Echo => ("echo", " hello".into()),
            Mode::Datetime => ("datetime", " date".into()),
            Mode::Script => match &group.script {
                Some(script) => ("script", format!(" --script {script}")),
                None => ("script", String::new()),
            },
        };
        format!("labclient {mode} --server {server}{rest}")
    };
    Mode::ALL.map(command).to_vec()
}

fn how_to_check(group: &Group) -> Vec<Block> {
    let what = match group.handout {
        Some(handout) => format!("--handout {}", handout.name()),
        None => "text".into(),
    };
    vec![
        Block::Text(
            "Both run on your own computer, and name the rule that your program breaks; with another \
             service than text, give its name."
                .into(),
        ),
        Block::Commands(vec![
            format!("labserver check {what} -- python3 my_client.py"),
            format!("labclient check {what} -- python3 my_server.py"),
        ]),
    ]
}

/// These pages in one text.
pub fn render(pages: &[Page], format: Format) -> String {
    match format {
        Format::Md => {
            let pages: Vec<String> = pages.iter().map(in_markdown).collect();
            pages.join("\n")
        }
        Format::Html => {
            let title = match pages {
                [page] => page.title.as_str(),
                _ => "Groups",
            };
            let pages: String = pages.iter().map(in_html).collect();
            format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                 <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{pages}</body>\n</html>\n",
                html(title)
            )
        }
    }
}

const STYLE: &str = "
body { font: 11pt sans-serif; max-width: 46em; margin: 1em auto; }
section { break-after: page; }
section:last-child { break-after: auto; }
table { border-collapse: collapse; }
th, td { border: 1px solid #999; padding: .2em .6em; text-align: left; }
td, pre { font-family: monospace; }
pre { background: #eee; padding: .6em; white-space: pre-wrap; }
";

fn in_markdown(page: &Page) -> String {
    let mut text = format!("# {}\n", markdown(&page.title));
    for block in &page.blocks {
        text.push('\n');
        // Writing to a String cannot fail.
        let _ = match block {
            Block::Heading(words) => writeln!(text, "## {}", markdown(words)),
            Block::Text(words) => writeln!(text, "{}", markdown(words)),
            Block::Table(head, rows) => {
                let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
                let head: Vec<_> = head.iter().map(|cell| markdown(cell)).collect();
                text += &line(&head);
                text += &line(&vec!["---".to_owned(); head.len()]);
                for row in rows {
                    text += &line(&row.iter().map(|cell| markdown(cell)).collect::<Vec<_>>());
                }
                Ok(())
            }
            // Indented, so that nothing in it can end it.
            Block::Commands(lines) => lines.iter().try_for_each(|it| writeln!(text, "    {it}")),
        };
    }
    text
}

fn in_html(page: &Page) -> String {
    let mut text = format!("<section>\n<h1>{}</h1>\n", html(&page.title));
    for block in &page.blocks {
        let _ = match block {
            Block::Heading(words) => writeln!(text, "<h2>{}</h2>", html(words)),
            Block::Text(words) => writeln!(text, "<p>{}</p>", html(words)),
            Block::Table(head, rows) => {
                let row = |cells: &mut dyn Iterator<Item = &str>, cell: &str| {
                    let cells = cells.map(|it| format!("<{cell}>{}</{cell}>", html(it)));
                    format!("<tr>{}</tr>\n", cells.collect::<String>())
                };
                let mut lines = row(&mut head.iter().copied(), "th");
                for cells in rows {
                    lines += &row(&mut cells.iter().map(String::as_str), "td");
                }
                writeln!(text, "<table>\n{lines}</table>")
            }
            Block::Commands(lines) => writeln!(text, "<pre>{}</pre>", html(&lines.join("\n"))),
        };
    }
    text + "</section>\n"
}

/// Text in which Markdown finds no markup: no link, no emphasis, no end of a cell. A full stop or a
/// hyphen between letters and digits means nothing to it, and stays readable.
fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_plain = |c: char| c.is_ascii_digit() || c == ' ';
        let after = rest.peek().copied().unwrap_or(' ');
        let is_number = ".:,-".contains(c)
            && is_plain(before) | before.is_ascii_alphanumeric()
            && (is_plain(after) || c == '-' && after.is_ascii_alphanumeric());
        if c.is_ascii_punctuation() && !is_number {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

/// Text in which HTML finds no markup.
fn html(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const HOLDER: &str = "<b>*A*</b> | [x](http://y) `z` www.z.org";

    fn class(rest: &str) -> Class {
        let text =
            format!("bind = \"0.0.0.0\"\ndirectory = \"x\"\naddress = \"lab.example.org\"\n{rest}");
        let group = "[[group]]\nname = \"group-01\"\nport = 9100\n";
        Class::parse(Path::new("a_b.toml"), &(text + group)).unwrap()
    }

    fn account() -> Account {
        Account {
            group: "group-01".into(),
            card: "123456789".parse().unwrap(),
            pin: "7305".parse().unwrap(),
            holder: HOLDER.parse().unwrap(),
            balance: "5".parse().unwrap(),
        }
    }

    fn rendered(format: Format, accounts: &[Account]) -> String {
        let class = class("");
        let addresses = addresses(&class).unwrap();
        render(
            &[page(&class, &class.groups[0], &addresses, accounts)],
            format,
        )
    }

    #[test]
    fn a_page_has_addresses_ports_cards_and_commands_that_can_be_typed() {
        for format in [Format::Md, Format::Html] {
            let text = rendered(format, &[account()]);
            for words in [
                "9105",
                "123456789",
                "7305",
                "labclient atm --server lab.example.org:9105 --card 123456789 balance",
                "labclient datetime --server lab.example.org:9110 date",
                "labserver check text -- python3 my_client.py",
            ] {
                assert!(text.contains(words), "{words}: {text}");
            }
            let without = rendered(format, &[]);
            assert!(!without.contains("7305") && without.contains("--card CARD balance"));
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        let page = rendered(Format::Html, &[account()]);
        assert!(page.contains("&lt;b&gt;*A*&lt;/b&gt;") && !page.contains("<b>"));
        let page = rendered(Format::Md, &[account()]);
        let expected =
            "\\<b\\>\\*A\\*\\<\\/b\\> \\| \\[x\\]\\(http\\:\\/\\/y\\) \\`z\\` www\\.z\\.org";
        assert!(page.contains(expected), "{page}");
        assert!(page.starts_with("# a\\_b: group-01\n"), "{page}");
    }

    #[test]
    fn an_address_of_ipv6_is_in_brackets_where_a_port_follows() {
        let class = class("");
        let page = page(&class, &class.groups[0], &["2001:db8::7".into()], &[]);
        let text = render(&[page], Format::Html);
        assert!(
            text.contains("--server [2001:db8::7]:9106 lower &quot;HELLO"),
            "{text}"
        );
    }

    #[test]
    fn a_group_with_a_hand_out_is_told_the_command_of_its_client() {
        let class = class("[limits]\nconnections = 5\n");
        let handout = proto::handout::Handout::parse("atm-login");
        let group = Group {
            handout,
            ..class.groups[0].clone()
        };
        let text = render(&[page(&class, &group, &["::1".into()], &[])], Format::Md);
        assert!(
            text.contains("    labclient handout atm-login --server [::1]:9100\n"),
            "{text}"
        );
        assert!(
            text.contains("labserver check --handout atm-login --"),
            "{text}"
        );
    }
}
