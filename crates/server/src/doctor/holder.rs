//! Which process holds a port: Linux says so of one's own processes, in `/proc`.

use std::fs;
use std::path::Path;

use proto::mode::Transport;

/// A process that holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub process: u32,
    /// Its name.
    pub program: String,
}

/// Who holds this port, at any address; nothing where that cannot be seen.
pub fn holder(port: u16, transport: Transport) -> Option<Holder> {
    let files = match transport {
        Transport::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Transport::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let tables = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let sockets: Vec<String> = tables
        .flat_map(|table| inodes(&table, port, transport))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.map(|entry| entry.path()).find_map(|directory| {
        let process = directory.file_name()?.to_str()?.parse().ok()?;
        has_one_of(&directory, &sockets).then(|| Holder {
            process,
            program: name(&directory),
        })
    })
}

/// The sockets with this local port in a table of the kernel: over TCP, those that listen.
fn inodes(table: &str, port: u16, transport: Transport) -> Vec<String> {
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local, 16) == Ok(port)
            && (transport == Transport::Udp || fields.get(3) == Some(&"0A"));
        is_it.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn has_one_of(process: &Path, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    let mut targets = files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok());
    targets.any(|target| sockets.iter().any(|socket| target == Path::new(socket)))
}

fn name(process: &Path) -> String {
    let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
    proto::printable::printable(name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:232D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0
   1: 0100007F:232D 0100007F:8001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4
   2: 0100007F:232E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0
";

    #[test]
    fn a_socket_that_listens_is_found_by_its_port() {
        assert_eq!(inodes(TABLE, 9005, Transport::Tcp), ["4711"]);
        assert_eq!(inodes(TABLE, 9006, Transport::Tcp), ["4713"]);
        assert_eq!(inodes(TABLE, 9007, Transport::Tcp), [""; 0]);
        assert_eq!(inodes(TABLE, 9005, Transport::Udp), ["4711", "4712"]);
        assert_eq!(
            inodes("garbage\nmore : of it\n", 9005, Transport::Tcp),
            [""; 0]
        );
    }
}
