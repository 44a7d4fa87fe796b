//! What `--server` names: one server, or several of the same service.

use proto::printable::printable;

/// Servers in one list. A machine that finds none of them has waited for each.
const MAX_SERVERS: usize = 16;

/// What `--server` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName {
    /// A name or an address; one of IPv6 in brackets.
    pub host: String,
    /// Nothing stands for that of the mode.
    pub port: Option<u16>,
}

impl ServerName {
    /// Reads one or several of these, with commas between.
    pub fn parse_list(text: &str) -> Result<Vec<ServerName>, String> {
        let mut names = Vec::new();
        for part in text.split(',') {
            let name = ServerName::parse(part)?;
            if names.contains(&name) {
                return Err(format!("{} is named twice", printable(part)));
            }
            names.push(name);
        }
        if names.len() > MAX_SERVERS {
            return Err(format!("more than {MAX_SERVERS} servers"));
        }
        Ok(names)
    }

    /// Reads `HOST` or `HOST:PORT`.
    pub fn parse(text: &str) -> Result<ServerName, String> {
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address has colons of its own, and needs brackets for a port to follow.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => return Err("the port is a number from 1 to 65535".into()),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == ',') {
            return Err("write HOST or HOST:PORT".into());
        }
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        Ok(ServerName { host, port })
    }

    /// `HOST:PORT`, on this port where none is named.
    pub fn address(&self, port: u16) -> String {
        format!("{}:{}", self.host, self.port.unwrap_or(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            ":80",
            "host:",
            "host:0",
            "host:65536",
            "host:http",
            "[::1]:-1",
            "a:80,",
            ",a:80",
            "a:80,,b:80",
            "a:80, b:80",
            "a:80,b:0",
            "a:80,b:80,a:80",
            "::1,[::1]",
            "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
        ] {
            assert!(ServerName::parse_list(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        for (text, words) in [
            ("a,", "write HOST or HOST:PORT"),
            ("a:http,b", "the port is a number from 1 to 65535"),
            ("a,b,a", "a is named twice"),
            ("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16 servers"),
        ] {
            assert_eq!(ServerName::parse_list(text).unwrap_err(), words);
        }
    }
}
