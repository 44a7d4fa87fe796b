//! Our server with a script: for answers that no service gives.

use std::fmt::Write;

use crate::client::{Client, OwnServer};
use crate::verdict::Failure;

/// A message, or any, and what a script answers: nothing where it closes.
pub type Rule<'t> = (Option<String>, Vec<&'t str>);

/// Our server with a script that says this first, and then answers by these rules.
pub fn script(client: &Client, first: &str, rules: &[Rule<'_>]) -> Result<OwnServer, Failure> {
    let wire = client.framing.name();
    let first = toml_text(first);
    let mut script = format!(
        "title = \"answers of another kind\"\ntransport = \"tcp\"\nwire = \"{wire}\"\n\n\
         [server]\non-connect = {{ send = {first} }}\n\n\
         [[server.on]]\nreceive = \"QUIT\"\nsend = \"OK bye\"\nclose = true\n\n"
    );
    for (received, answers) in rules {
        let condition = match received {
            Some(text) => format!("receive = {}", toml_text(text)),
            None => "any = true".to_owned(),
        };
        let answers: Vec<String> = answers.iter().map(|it| toml_text(it)).collect();
        let action = match answers.as_slice() {
            [] => "close = true".to_owned(),
            answers => format!("send = [{}]", answers.join(", ")),
        };
        // Writing to a String cannot fail.
        let _ = write!(script, "[[server.on]]\n{condition}\n{action}\n\n");
    }
    script += "[client]\n\n[[client.on]]\nany = true\nask = \"> \"\n";
    let file = client.path("script.toml");
    let written = std::fs::write(&file, script);
    written.map_err(|error| Failure::Undecided(format!("this computer failed: {error}")))?;
    let file = file.display().to_string();
    client.server_of(&["--mode", "script", "--script", &file], &[])
}

fn toml_text(text: &str) -> String {
    let escape = |c: char| match c.is_control() || matches!(c, '"' | '\\') {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    let escaped: String = text.chars().map(escape).collect();
    format!("\"{escaped}\"")
}
