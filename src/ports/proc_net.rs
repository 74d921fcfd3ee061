//! Who listens, as Linux tells it: `sock_diag.rs` or, where that is not to be had, `/proc/net/tcp{,6}` for the
//! sockets, `/proc/*/fd` for their owners. Reading and parsing; what an answer means is `holder.rs`'s.
#![cfg(target_os = "linux")]

use super::holder::{Holder, Listener, Project};
use super::sock_diag;
use super::trees::Socket;
use rustix::param::clock_ticks_per_second;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

/// Every listener on these ports and any local address, with its owner where that can be seen. Only where
/// there is one are the processes looked through.
pub(super) fn listeners(ports: &BTreeSet<u16>) -> io::Result<Vec<Listener>> {
    let sockets = match sock_diag::listening() {
        Ok(mut sockets) => {
            sockets.retain(|socket| ports.contains(&socket.port));
            sockets
        }
        Err(_) => tables(ports)?,
    };
    if sockets.is_empty() {
        return Ok(Vec::new());
    }
    let inodes: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
    let owners = owners(&inodes);
    let holders: BTreeMap<u64, Holder> = owners
        .into_iter()
        .filter_map(|(inode, pid)| Some((inode, holder(pid)?)))
        .collect();
    Ok(sockets
        .into_iter()
        .map(|socket| Listener {
            port: socket.port,
            address: socket.address,
            holder: holders.get(&socket.inode).cloned(),
        })
        .collect())
}

/// The listening sockets on these ports, as the text tables have them.
pub(super) fn tables(ports: &BTreeSet<u16>) -> io::Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    parse_table(&fs::read_to_string("/proc/net/tcp")?, ports, &mut sockets);
    // Absent where the kernel has no IPv6.
    if let Ok(table) = fs::read_to_string("/proc/net/tcp6") {
        parse_table(&table, ports, &mut sockets);
    }
    Ok(sockets)
}

const LISTEN: &str = "0A";

/// Takes the listening sockets on `ports` out of a table in the form of `/proc/net/tcp` or `tcp6`.
fn parse_table(table: &str, ports: &BTreeSet<u16>, into: &mut Vec<Socket>) {
    for line in table.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace();
        let (Some(local), Some(LISTEN)) = (fields.nth(1), fields.nth(1)) else {
            continue;
        };
        let parsed = parse_address(local).filter(|(_, port)| ports.contains(port));
        // Behind the state: queues, timer, retransmits, uid, timeout.
        let inode = fields.nth(5).and_then(|inode| inode.parse().ok());
        if let (Some((address, port)), Some(inode)) = (parsed, inode) {
            into.push(Socket { address, port, inode });
        }
    }
}

/// `0100007F:1F90`: each 32 bits of the address as a number of this machine's byte order.
fn parse_address(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = [0_u8; 16];
    let words = address.len() / 8;
    if !address.is_ascii() || address.len() % 8 != 0 || words > 4 {
        return None;
    }
    for (index, word) in bytes.chunks_exact_mut(4).take(words).enumerate() {
        let number = u32::from_str_radix(&address[index * 8..index * 8 + 8], 16).ok()?;
        word.copy_from_slice(&number.to_ne_bytes());
    }
    match words {
        1 => Some((Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(), port)),
        4 => Some((Ipv6Addr::from(bytes).to_canonical(), port)),
        _ => None,
    }
}

/// The process that holds each socket. Of several that share one (a server and its workers) the oldest.
fn owners(inodes: &BTreeSet<u64>) -> BTreeMap<u64, u32> {
    let mut owners: BTreeMap<u64, (u64, u32)> = BTreeMap::new();
    let Ok(processes) = fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids {
        for inode in socket_inodes(pid).filter(|inode| inodes.contains(inode)) {
            let age = (start_ticks(pid).unwrap_or(u64::MAX), pid);
            let oldest = owners.entry(inode).or_insert(age);
            *oldest = age.min(*oldest);
        }
    }
    owners.into_iter().map(|(inode, (_, pid))| (inode, pid)).collect()
}

/// The sockets that a process holds. None of another user's, or of one that is gone by now.
pub(super) fn socket_inodes(pid: u32) -> impl Iterator<Item = u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter_map(|target| socket_inode(&target))
}

fn socket_inode(target: &Path) -> Option<u64> {
    let text = target.to_str()?.strip_prefix("socket:[")?;
    text.strip_suffix(']')?.parse().ok()
}

fn holder(pid: u32) -> Option<Holder> {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments: Vec<String> = arguments
        .split(|byte| *byte == 0)
        .filter(|argument| !argument.is_empty())
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect();
    Some(Holder {
        pid,
        program: arguments
            .first()
            .map_or_else(|| thread_name(pid), |first| program(first)),
        command: arguments.join(" "),
        cwd: fs::read_link(format!("/proc/{pid}/cwd")).ok(),
        age: age(pid),
        project: project(pid),
    })
}

/// The project whose service it is, as its environment tells.
fn project(pid: u32) -> Option<Project> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variable = |name: &str| {
        let entries = environment.split(|byte| *byte == 0);
        let mut values = entries.filter_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        values
            .next()
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    Some(Project {
        name: variable("OVR_PROJECT")?,
        root: variable("OVR_PROJECT_ROOT")?,
    })
}

/// The program's short name. A process may have written a title there: `nginx: master process`.
fn program(first_argument: &str) -> String {
    let path = match first_argument.split_once(' ') {
        Some((title, _)) if !first_argument.starts_with('/') => title.trim_end_matches(':'),
        _ => first_argument,
    };
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// What the kernel calls a process that shows no command line.
fn thread_name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// The start of a process, in clock ticks since boot.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the start is the 22nd field, the state the third.
    let behind_name = &stat[stat.rfind(')')? + 1..];
    behind_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn age(pid: u32) -> Option<Duration> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    let uptime = Duration::try_from_secs_f64(uptime).ok()?;
    let per_second = clock_ticks_per_second().max(1);
    let started = start_ticks(pid)?;
    let millis = (started % per_second) * 1000 / per_second;
    let since_boot = Duration::from_secs(started / per_second) + Duration::from_millis(millis);
    Some(uptime.saturating_sub(since_boot))
}

#[cfg(test)]
mod tests {
    use super::{parse_address, parse_table, program};
    use crate::ports::Socket;
    use std::collections::BTreeSet;

    #[test]
    fn a_program_is_called_by_its_short_name() {
        for (first, expected) in [
            ("python3", "python3"),
            ("/usr/bin/node", "node"),
            ("./bin/server", "server"),
            ("nginx: master process /usr/sbin/nginx", "nginx"),
            ("puma 6.4 (tcp://0.0.0.0:3000) [shop]", "puma"),
            ("/opt/my app/server", "server"),
        ] {
            assert_eq!(program(first), expected);
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn a_table_gives_the_listening_sockets_of_the_ports_asked_for() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
               0: 0100007F:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 123 1 0 100 0 0 10 0\n\
               1: 00000000:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 124 1 0 100 0 0 10 0\n\
               2: 0100007F:1388 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 125 1 0 100 0 0 10 0\n\
               3: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 126 1 0 100 0 0 10 0\n\
               nonsense\n";
        let mut found = Vec::new();
        parse_table(table, &BTreeSet::from([5000, 5001]), &mut found);
        let socket = |address: &str, port, inode| Socket {
            address: address.parse().unwrap(),
            port,
            inode,
        };
        assert_eq!(
            found,
            [socket("127.0.0.1", 5000, 123), socket("0.0.0.0", 5001, 124)]
        );
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn addresses_of_both_families_are_read() {
        for (text, expected) in [
            ("0100007F:0050", "127.0.0.1"),
            ("00000000000000000000000000000000:0050", "::"),
            ("00000000000000000000000001000000:0050", "::1"),
            ("0000000000000000FFFF00000100007F:0050", "127.0.0.1"),
            ("B80D01200000000000000000010000FF:0050", "2001:db8::ff00:1"),
        ] {
            assert_eq!(
                parse_address(text),
                Some((expected.parse().unwrap(), 80)),
                "{text}"
            );
        }
        for text in [
            "",
            "0100007F",
            "0100:0050",
            "0100007F:",
            "zz00007F:0050",
            "0100007F0100007F:0050",
        ] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
