//! The page from a shell: how `labserver status` and `labserver control` find a server, and ask it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::access::{Access, Tokens};

/// How long a page may take for anything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Where a page is and what lets one control it, in a file of this user alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Where the page is.
    pub address: SocketAddr,
    /// Its tokens.
    pub tokens: Tokens,
}

/// A key in its file, which is removed with this. A server that is killed leaves it behind, and the
/// next one at its port takes it up: a browser that knows the tokens goes on.
#[derive(Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// Puts the key of the page at this address into a directory, which is made.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn create(
        directory: &Path,
        address: SocketAddr,
        access: &mut Access,
    ) -> anyhow::Result<KeyFile> {
        state::create_directory(directory, directory)?;
        let path = path_in(directory, address.port());
        if let Ok(former) = Key::read(&path) {
            access.tokens = former.tokens;
        }
        let key = Key {
            address: reached(address),
            tokens: access.tokens.clone(),
        };
        let written = || {
            let mut file = state::open(&path)?.file;
            file.set_len(0)?;
            file.write_all(serde_json::to_string(&key)?.as_bytes())
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(KeyFile(path))
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn path_in(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!("page-{port}.json"))
}

/// Where a page that listens at this address is reached from this computer.
fn reached(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

impl Key {
    /// The key of the page with this port, or of the only page there is.
    ///
    /// # Errors
    /// When there is none, or more than one to choose from.
    pub fn find(directory: &Path, port: Option<u16>) -> anyhow::Result<Key> {
        const START: &str = "start a server with --watch 8080";
        if let Some(port) = port {
            return Key::read(&path_in(directory, port))
                .map_err(|_| anyhow!("no server of yours has a page on port {port}: {START}"));
        }
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let keys = entries.filter_map(|entry| Key::read(&entry.path()).ok());
        // One that was killed left its key behind.
        let is_there = |key: &Key| TcpStream::connect_timeout(&key.address, TIMEOUT / 10).is_ok();
        let mut keys: Vec<Key> = keys.filter(is_there).collect();
        keys.sort_by_key(|key| key.address.port());
        match keys.len() {
            0 => bail!("no server of yours has a page: {START}"),
            1 => Ok(keys.remove(0)),
            _ => {
                let ports = keys.iter().map(|key| key.address.port().to_string());
                let ports = ports.collect::<Vec<_>>().join(", ");
                bail!("several servers of yours have a page: choose one with --page, of {ports}")
            }
        }
    }

    fn read(path: &Path) -> anyhow::Result<Key> {
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }

    /// Asks for this, and returns the answer's body.
    ///
    /// # Errors
    /// When the page cannot be reached, or refuses: its words.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
        let answer = self.exchange(method, path, body);
        let answer = answer.with_context(|| format!("no answer from {}", self.address))?;
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut fields);
        let parsed = head
            .parse(&answer)
            .context("this is no page of labserver")?;
        let httparse::Status::Complete(length) = parsed else {
            bail!("{} closed before its answer was whole", self.address);
        };
        let body = String::from_utf8_lossy(&answer[length..]).into_owned();
        match head.code {
            Some(200) => Ok(body),
            _ => bail!("{}", body.trim()),
        }
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let (address, token, length) = (self.address, &self.tokens.to_control, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn key_in(directory: &Path, address: SocketAddr) -> (KeyFile, Key) {
        let mut access = Access::new(address);
        let file = KeyFile::create(directory, address, &mut access).unwrap();
        let tokens = access.tokens;
        (file, Key { address, tokens })
    }

    #[test]
    fn the_only_page_is_found_and_of_several_one_is_chosen_by_its_port() {
        let directory = tempfile::tempdir().unwrap();
        let directory = &directory.path().join("pages");
        let error = Key::find(directory, None).unwrap_err().to_string();
        assert!(
            error.starts_with("no server of yours has a page"),
            "{error}"
        );
        let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [one, other] = listeners
            .each_ref()
            .map(|listener| listener.local_addr().unwrap());
        let (file, first) = key_in(directory, one);
        assert_eq!(Key::find(directory, None).unwrap(), first);
        let (_file, second) = key_in(directory, other);
        let error = Key::find(directory, None).unwrap_err().to_string();
        assert!(error.contains("choose one with --page"), "{error}");
        assert_eq!(Key::find(directory, Some(other.port())).unwrap(), second);
        drop(file);
        assert_eq!(Key::find(directory, None).unwrap(), second);
        let error = Key::find(directory, Some(one.port()))
            .unwrap_err()
            .to_string();
        assert!(error.contains(&one.port().to_string()), "{error}");
    }

    #[test]
    fn a_key_that_a_killed_server_left_behind_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let gone = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let (file, key) = key_in(directory.path(), gone);
        assert!(Key::find(directory.path(), None).is_err());
        std::mem::forget(file);
        let (_file, next) = key_in(directory.path(), gone);
        assert_eq!(next, key, "the next server at its port takes it up");
    }

    #[test]
    fn a_page_on_all_interfaces_is_reached_on_loopback() {
        for (address, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            assert_eq!(reached(address.parse().unwrap()), expected.parse().unwrap());
        }
    }
}
