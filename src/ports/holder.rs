//! Who holds a port already: asked before a start, so that the answer comes before the service's own
//! complaint. On Linux the kernel's tables tell, on macOS `lsof`; where neither can, trying to bind tells only the
//! address.

use super::trees::{Socket, held_by};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// A program of this machine that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub port: u16,
    pub address: IpAddr,
    /// `None` where it cannot be seen: another user's process.
    pub holder: Option<Holder>,
}

/// The process behind a [`Listener`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    /// Its short name: `python3`.
    pub program: String,
    /// Its command line, with blanks between the arguments.
    pub command: String,
    pub cwd: Option<PathBuf>,
    /// For how long it has been running.
    pub age: Option<Duration>,
    /// The `ovr` project that it is a service of.
    pub project: Option<Project>,
}

/// A project of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub name: String,
    pub root: String,
}

/// The addresses that a service listens on as a rule, and that a listener stands in the way on.
const ADDRESSES: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::UNSPECIFIED),
];

/// The ports that macOS itself listens on, by default.
const AIRPLAY: [u16; 2] = [5000, 7000];

/// Who listens on these TCP ports on 0.0.0.0, 127.0.0.1, :: or ::1; sorted by port. All ports are answered
/// in one pass.
pub fn listeners(ports: impl IntoIterator<Item = u16>) -> Vec<Listener> {
    let ports: BTreeSet<u16> = ports.into_iter().collect();
    if ports.is_empty() {
        return Vec::new();
    }
    let mut found = from_tables(&ports).unwrap_or_else(|_| by_binding(&ports));
    found.retain(|listener| ADDRESSES.contains(&listener.address));
    // Several sockets may share port and address; one whose owner is known tells most.
    found.sort_by_key(|listener| (listener.port, listener.address, listener.holder.is_none()));
    found.dedup_by_key(|listener| (listener.port, listener.address));
    found
}

/// The same, asked while nothing of ours is about to listen: a port may be tried by binding it. On macOS that finds
/// other users' listeners too, and spares a process where no port is taken, which is the rule.
pub fn listeners_before_a_start(ports: impl IntoIterator<Item = u16>) -> Vec<Listener> {
    let ports: BTreeSet<u16> = ports.into_iter().collect();
    if cfg!(target_os = "linux") {
        return listeners(ports);
    }
    let refused = by_binding(&ports);
    let mut found = listeners(refused.iter().map(|listener| listener.port));
    let seen: BTreeSet<u16> = found.iter().map(|listener| listener.port).collect();
    found.extend(
        refused
            .into_iter()
            .filter(|listener| !seen.contains(&listener.port)),
    );
    found.sort_by_key(|listener| (listener.port, listener.address));
    found
}

/// Whether a port that was taken is so still: by this process, or, where its holder could not be seen, by anybody.
/// `listening` is what [`super::listening`] says. Of all processes this one alone is looked at, however many there are;
/// where the system does not tell what listens, it is asked anew.
pub fn is_still_taken(port: u16, holder: Option<u32>, listening: Option<&[Socket]>) -> bool {
    let Some(sockets) = listening else {
        let holds = |listener: &Listener| listener.holder.as_ref().map(|found| found.pid) == holder;
        return listeners([port]).iter().any(holds);
    };
    let in_the_way = |socket: &&Socket| socket.port == port && ADDRESSES.contains(&socket.address);
    let sockets = sockets.iter().filter(in_the_way);
    let by_inode: BTreeMap<u64, Socket> = sockets.map(|socket| (socket.inode, *socket)).collect();
    match holder {
        Some(pid) => !by_inode.is_empty() && !held_by(pid, &by_inode).is_empty(),
        None => !by_inode.is_empty(),
    }
}

#[cfg(target_os = "linux")]
fn from_tables(ports: &BTreeSet<u16>) -> io::Result<Vec<Listener>> {
    super::proc_net::listeners(ports)
}

#[cfg(not(target_os = "linux"))]
fn from_tables(ports: &BTreeSet<u16>) -> io::Result<Vec<Listener>> {
    super::lsof::listeners(ports)
}

/// A listener on the wildcard address can make a loopback address look taken, and the other way round; the
/// first address of [`ADDRESSES`] that is refused stands for its port.
fn by_binding(ports: &BTreeSet<u16>) -> Vec<Listener> {
    let taken = |address: &IpAddr, port: u16| {
        let refused = TcpListener::bind((*address, port)).err();
        refused.is_some_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    };
    ports
        .iter()
        .filter_map(|port| {
            let address = ADDRESSES.iter().find(|address| taken(address, *port))?;
            Some(Listener {
                port: *port,
                address: *address,
                holder: None,
            })
        })
        .collect()
}

impl Listener {
    /// Whether it is one of macOS's own, which goes by the name of the program that shows its switch.
    fn is_airplay(&self) -> bool {
        let may_be = |holder: &Holder| holder.program.starts_with("ControlCe");
        cfg!(target_os = "macos") && AIRPLAY.contains(&self.port) && self.holder.as_ref().is_none_or(may_be)
    }
}

impl fmt::Display for Listener {
    /// `port 5000 on 127.0.0.1 is taken by python3 (pid 9710, in /srv/shop, since 3 min)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} on {} is taken", self.port, self.address)?;
        if self.is_airplay() {
            return write!(f, ", on macOS usually by AirPlay Receiver");
        }
        let Some(holder) = &self.holder else {
            return write!(f, " by a process that cannot be seen from here");
        };
        write!(f, " by {} (pid {}", holder.program, holder.pid)?;
        if let Some(cwd) = &holder.cwd {
            write!(f, ", in {}", cwd.display())?;
        }
        if let Some(age) = holder.age {
            write!(f, ", since {}", in_words(age))?;
        }
        write!(f, ")")
    }
}

/// A span of time in its largest whole unit: `12 s`, `3 min`, `5 h`, `2 d`.
fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use super::is_still_taken;
    use super::{Holder, Listener, by_binding, in_words, listeners};
    #[cfg(target_os = "linux")]
    use crate::ports::listening;
    use std::collections::BTreeSet;
    use std::net::{IpAddr, TcpListener};
    use std::time::Duration;

    /// Listens on a free port of this address; `None` where the machine has no such address.
    fn listen(address: &str) -> Option<(TcpListener, u16)> {
        let socket = TcpListener::bind((address.parse::<IpAddr>().unwrap(), 0)).ok()?;
        let port = socket.local_addr().unwrap().port();
        Some((socket, port))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_listener_is_found_with_its_address_and_process() {
        for address in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
            let Some((socket, port)) = listen(address) else {
                continue;
            };
            let found = listeners([1, port, 2]);
            assert_eq!(found.len(), 1, "{address}: {found:?}");
            assert_eq!(found[0].address, address.parse::<IpAddr>().unwrap());
            assert_eq!(found[0].port, port);
            let holder = found[0].holder.as_ref().unwrap();
            assert_eq!(holder.pid, std::process::id());
            assert_eq!(holder.cwd, std::env::current_dir().ok());
            assert!(holder.command.contains(&std::env::args().next().unwrap()));
            assert!(holder.age.unwrap() < Duration::from_secs(3600));
            drop(socket);
            assert_eq!(listeners([port]), []);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_is_taken_for_as_long_as_its_holder_has_a_socket_on_it() {
        let (socket, port) = listen("127.0.0.1").unwrap();
        let own = Some(std::process::id());
        let is_taken = |holder| {
            let sockets = listening();
            let told = is_still_taken(port, holder, sockets.as_deref());
            // Where the system does not tell what listens, everybody is looked through.
            assert_eq!(is_still_taken(port, holder, None), told);
            told
        };
        assert!(is_taken(own));
        // Who ended meanwhile, or has let go of it.
        assert!(!is_taken(Some(u32::MAX >> 1)));
        drop(socket);
        assert!(!is_taken(own) && !is_taken(None));
        if let Some((_socket, port)) = listen("127.0.0.9") {
            assert!(!is_still_taken(port, own, listening().as_deref()));
        }
    }

    #[test]
    fn an_address_of_another_interface_is_in_nobodys_way() {
        if let Some((_socket, port)) = listen("127.0.0.9") {
            let found = listeners([port]);
            assert_eq!(found, []);
        }
    }

    #[test]
    fn binding_tells_that_a_port_is_taken() {
        let (socket, port) = listen("127.0.0.1").unwrap();
        let found = by_binding(&BTreeSet::from([port]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].holder, None);
        drop(socket);
        assert_eq!(by_binding(&BTreeSet::from([port])), []);
    }

    #[test]
    fn no_ports_are_no_question() {
        assert_eq!(listeners([]), []);
    }

    #[test]
    fn a_taken_port_is_told_in_a_sentence() {
        let mut listener = Listener {
            port: 5000,
            address: "127.0.0.1".parse().unwrap(),
            holder: Some(Holder {
                pid: 9710,
                program: "python3".to_owned(),
                command: "python3 -m http.server 5000".to_owned(),
                cwd: Some("/srv/shop".into()),
                age: Some(Duration::from_secs(200)),
                project: None,
            }),
        };
        assert_eq!(
            listener.to_string(),
            "port 5000 on 127.0.0.1 is taken by python3 (pid 9710, in /srv/shop, since 3 min)"
        );
        listener.holder = None;
        assert_eq!(
            listener.to_string(),
            "port 5000 on 127.0.0.1 is taken by a process that cannot be seen from here"
        );
        for (seconds, text) in [(0, "0 s"), (60, "1 min"), (7_300, "2 h"), (90_000, "1 d")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), text);
        }
    }
}
