//! Where a PostgreSQL ledger is, as `postgres://user@host1:port,host2/database?sslmode=require`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use super::password::{self, Password};
use super::tls::Security;

/// Where PostgreSQL listens when no port is named.
const PORT: u16 = 5432;

/// Where Debian's PostgreSQL has its socket, for an address without a host.
#[cfg(unix)]
const SOCKET_DIRECTORY: &str = "/var/run/postgresql";

/// The servers of one database: a primary, and those that may take its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    hosts: Vec<(Host, u16)>,
    user: String,
    database: String,
    /// The one that is in the address itself.
    password: Option<Password>,
    /// Further settings of the session, as PostgreSQL's `options`.
    options: Option<String>,
    pub(super) security: Security,
}

/// Why an address is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no address of a ledger (postgres://user@host1,host2/database): {0}")]
pub struct AddressError(String);

impl Address {
    /// Whether this text is meant as an address, and not as the name of a file.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Number of servers, at least one.
    pub(super) fn servers(&self) -> usize {
        self.hosts.len()
    }

    /// How one of the servers is called, and its port.
    pub(super) fn server(&self, index: usize) -> Server<'_> {
        let (host, port) = &self.hosts[index];
        Server { host, port: *port }
    }

    /// How to connect to one of the servers, without the settings of a session.
    ///
    /// # Errors
    /// When the file of passwords cannot be read.
    pub(super) fn config(&self, index: usize) -> Result<Config, password::Error> {
        let Server { host, port } = self.server(index);
        let mut config = Config::new();
        let name = match host {
            Host::Tcp(name) => {
                config.host(name);
                name.clone()
            }
            #[cfg(unix)]
            Host::Unix(directory) => {
                config.host_path(directory);
                "localhost".to_owned()
            }
        };
        config
            .port(port)
            .user(&self.user)
            .dbname(&self.database)
            .application_name("labserver")
            .ssl_mode(self.security.mode());
        let password = match &self.password {
            Some(password) => Some(password.clone()),
            None => password::find(&name, port, &self.database, &self.user)?,
        };
        if let Some(password) = password {
            config.password(password.reveal());
        }
        Ok(config)
    }

    /// Further settings of the session that the address asks for, as `-c name=value`.
    pub(super) fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let wrong = |words: String| AddressError(words);
        let (before, query) = text.split_once('?').unwrap_or((text, ""));
        let mut kept = Vec::new();
        let (mut mode, mut root) = (None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value)),
                Some(("user" | "password" | "host" | "port" | "dbname" | "options", _)) => {
                    kept.push(parameter);
                }
                _ => {
                    let name = parameter.split('=').next().unwrap_or_default();
                    return Err(wrong(format!(
                        "{name:?} is not known: user, password, host, port, dbname, options, \
                         sslmode and sslrootcert are"
                    )));
                }
            }
        }
        let url = format!("{before}?{}", kept.join("&"));
        let config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // What is wrong, and never the address, which may hold a password.
            let source = std::error::Error::source(&error).map(ToString::to_string);
            wrong(source.unwrap_or_else(|| error.to_string()))
        })?;
        let user = config.get_user().map(str::to_owned);
        let user = user
            .or_else(|| variable("PGUSER"))
            .or_else(|| variable("USER"));
        let user = user.ok_or_else(|| wrong("it names no user".to_owned()))?;
        let password = config.get_password().map(|bytes| {
            let text = String::from_utf8(bytes.to_vec());
            text.map(Password::new)
                .map_err(|_| wrong("the password is not UTF-8".to_owned()))
        });
        Ok(Address {
            hosts: hosts(&config).map_err(wrong)?,
            database: config.get_dbname().unwrap_or(&user).to_owned(),
            user,
            password: password.transpose()?,
            options: config.get_options().map(str::to_owned),
            security: Security::new(mode, root).map_err(wrong)?,
        })
    }
}

fn hosts(config: &Config) -> Result<Vec<(Host, u16)>, String> {
    let mut hosts = config.get_hosts().to_vec();
    if hosts.is_empty() {
        #[cfg(unix)]
        hosts.push(Host::Unix(SOCKET_DIRECTORY.into()));
        #[cfg(not(unix))]
        hosts.push(Host::Tcp("localhost".to_owned()));
    }
    let port_of = |index: usize| match config.get_ports() {
        [] => Ok(PORT),
        [port] => Ok(*port),
        ports if ports.len() == hosts.len() => Ok(ports[index]),
        ports => Err(format!("{} hosts, but {} ports", hosts.len(), ports.len())),
    };
    let ports: Vec<u16> = (0..hosts.len()).map(port_of).collect::<Result<_, _>>()?;
    Ok(hosts.into_iter().zip(ports).collect())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The address without a password, and with only what says which database it is.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = (0..self.servers())
            .map(|index| self.server(index).to_string())
            .collect();
        write!(
            f,
            "postgres://{}@{}/{}",
            self.user,
            servers.join(","),
            self.database
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// One server of an address.
#[derive(Clone, Copy)]
pub(super) struct Server<'a> {
    host: &'a Host,
    port: u16,
}

impl fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            #[cfg(unix)]
            Host::Unix(directory) => write!(f, "{}:{}", directory.display(), self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, String> {
        text.parse()
            .map_err(|error: AddressError| error.to_string())
    }

    #[test]
    fn an_address_names_the_servers_the_user_and_the_database() {
        for (text, shown) in [
            ("postgres://bank@one/bank", "postgres://bank@one:5432/bank"),
            (
                "postgresql://bank@one:5433,two/bank?sslmode=disable",
                "postgres://bank@one:5433,two:5432/bank",
            ),
            ("postgres://bank@[::1]:7/", "postgres://bank@[::1]:7/bank"),
            (
                "postgres://bank:secret@one/bank?options=-c%20work_mem%3D1MB",
                "postgres://bank@one:5432/bank",
            ),
            #[cfg(unix)]
            (
                "postgres://bank@/books?host=/tmp/sockets&port=9",
                "postgres://bank@/tmp/sockets:9/books",
            ),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.to_string(), shown, "{text}");
            assert!(!format!("{address:?}").contains("secret"));
        }
        let address = parse("postgres://bank@a,b,c/d").unwrap();
        assert_eq!(
            (address.servers(), address.server(2).to_string()),
            (3, "c:5432".to_owned())
        );
    }

    #[test]
    fn what_is_no_address_is_said_without_its_password() {
        for (text, words) in [
            ("postgres://bank:secret@one:x/bank", "port"),
            (
                "postgres://bank:secret@one/bank?fsync=off",
                "\"fsync\" is not known",
            ),
            ("postgres://bank:secret@one/bank?sslmode=perhaps", "sslmode"),
            ("postgres://bank:secret@one,two/bank?port=1,2,3", "ports"),
            (
                "postgres://bank:secret@one/bank?sslmode=require&sslrootcert=/a",
                "verify-full",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.contains(words) && !error.contains("secret"),
                "{text}: {error}"
            );
        }
    }
}
