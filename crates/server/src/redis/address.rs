//! Where a Redis is, as a URL says it.

use std::fmt;
use std::str::FromStr;

/// The port of Redis.
const PORT: u16 = 6379;

/// The port of Sentinel.
const SENTINEL_PORT: u16 = 26379;

/// Where a Redis is: `redis://host:port/database`, or one that Sentinels watch:
/// `redis+sentinel://host:port,host:port/name/database`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The Redis, or the Sentinels, each as `host:port`. There is at least one.
    pub servers: Vec<String>,
    /// The name under which the Sentinels know the Redis; `None` when it is named itself.
    pub master: Option<String>,
    /// The user to log in as; `None` is the default one.
    pub user: Option<String>,
    /// The number of the database.
    pub database: u32,
}

/// A password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// This password.
    pub fn new(password: String) -> Password {
        Password(password)
    }

    /// The password itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(url: &str) -> Result<Address, String> {
        let (scheme, rest) = url.split_once("://").ok_or(SPELLING)?;
        let watched = match scheme {
            "redis" => false,
            "redis+sentinel" => true,
            "rediss" => return Err("TLS is not spoken to Redis: go through a tunnel".into()),
            _ => return Err(SPELLING.into()),
        };
        if rest.contains(['?', '#']) {
            return Err("nothing may follow the database: no ? and no #".into());
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                let words = "a password in the URL can be read by everybody who lists processes: \
                    put it into the environment, as REDISCLI_AUTH";
                return Err(words.into());
            }
            Some(("", _)) => return Err("no user before the @".into()),
            Some((user, hosts)) => (Some(user.to_owned()), hosts),
            None => (None, authority),
        };
        let mut path = path.split('/');
        let master = match (watched, path.next()) {
            (false, database) => {
                path = database.unwrap_or_default().split('/');
                if hosts.contains(',') || rest.split('/').count() > 2 {
                    return Err(SPELLING.into());
                }
                None
            }
            (true, None | Some("")) => {
                return Err(
                    "the name under which Sentinel knows the Redis is missing, as in \
                            redis+sentinel://host:26379/mymaster"
                        .into(),
                );
            }
            (true, Some(name)) => Some(name.to_owned()),
        };
        let database = path.next().unwrap_or_default();
        if path.next().is_some() {
            return Err(SPELLING.into());
        }
        let default = if watched { SENTINEL_PORT } else { PORT };
        let servers = hosts.split(',').map(|host| with_port(host, default));
        Ok(Address {
            servers: servers.collect::<Result<_, _>>()?,
            master,
            user,
            database: match database {
                "" => 0,
                number => number
                    .parse()
                    .map_err(|_| format!("the database is a number, not {number:?}"))?,
            },
        })
    }
}

const SPELLING: &str = "a Redis is redis://host:port/database, and one that Sentinel watches \
    redis+sentinel://host:port,host:port/name/database";

/// `host:port`, of `host` or `host:port`; an IPv6 address is in brackets.
fn with_port(host: &str, default: u16) -> Result<String, String> {
    let is_whole = host.ends_with(']') || !host.contains(':');
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !is_whole => (name, port.parse().ok().filter(|port| *port > 0)),
        _ => (host, Some(default)),
    };
    let port = port.ok_or_else(|| format!("no port at the end of {host:?}"))?;
    let is_bracketed = name.starts_with('[') && name.ends_with(']') && name.len() > 2;
    if name.is_empty() {
        return Err("the host is missing".into());
    }
    if name.contains([':', '[', ']']) && !is_bracketed {
        return Err(format!(
            "no host and port: {host:?}; an IPv6 address is in brackets"
        ));
    }
    Ok(format!("{name}:{port}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.join(",");
        match &self.master {
            Some(name) => write!(f, "redis+sentinel://{servers}/{name}")?,
            None => write!(f, "redis://{servers}")?,
        }
        match self.database {
            0 => Ok(()),
            number => write!(f, "/{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_defaults() {
        for (url, shown) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://localhost/", "redis://localhost:6379"),
            ("redis://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3"),
            ("redis://ahona@host:1/0", "redis://host:1"),
            ("redis://[::1]", "redis://[::1]:6379"),
            ("redis://[::1]:7000", "redis://[::1]:7000"),
            (
                "redis+sentinel://a,b:7,c/room",
                "redis+sentinel://a:26379,b:7,c:26379/room",
            ),
            (
                "redis+sentinel://a/room/2",
                "redis+sentinel://a:26379/room/2",
            ),
        ] {
            let address: Address = url.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
        let user = "redis://ahona@host".parse::<Address>().unwrap().user;
        assert_eq!(user.as_deref(), Some("ahona"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (url, words) in [
            ("", "a Redis is redis://"),
            ("localhost:6379", "a Redis is redis://"),
            ("http://localhost", "a Redis is redis://"),
            ("rediss://localhost", "TLS"),
            ("redis://", "the host is missing"),
            ("redis://:6379", "the host is missing"),
            ("redis://host:", "no port"),
            ("redis://host:0", "no port"),
            ("redis://host:65536", "no port"),
            ("redis://host:port", "no port"),
            ("redis://::1", "in brackets"),
            ("redis://[]:1", "in brackets"),
            ("redis://host/one", "the database is a number"),
            ("redis://host/-1", "the database is a number"),
            ("redis://host/1/2", "a Redis is redis://"),
            ("redis://a,b", "a Redis is redis://"),
            ("redis://host?x=y", "nothing may follow"),
            ("redis://host#x", "nothing may follow"),
            ("redis://@host", "no user"),
            ("redis://user:secret@host", "REDISCLI_AUTH"),
            ("redis://:secret@host", "REDISCLI_AUTH"),
            ("redis+sentinel://a,b", "the name under which Sentinel"),
            ("redis+sentinel://a,b/", "the name under which Sentinel"),
            ("redis+sentinel://a,/room", "the host is missing"),
            ("redis+sentinel://a/room/x", "the database is a number"),
            ("redis+sentinel://a/room/1/2", "a Redis is redis://"),
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert!(error.contains(words), "{url}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let password = Password::new("secret".into());
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
