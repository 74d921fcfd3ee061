//! Whose listener a probe has reached: a service that looks ready because somebody else's server answers is not.
//! Said only of what is certain; whatever cannot be seen, and whatever may be a container's, is let pass. Looks
//! at the system and may take a while: for a thread that may block.

use crate::model::clipped;
use crate::ports::{Holder, Listener, listeners};
use crate::shim::tree;
use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How a foreign listener's report begins.
pub(super) const TAKEN: &str = "port taken by pid";

/// More of a command is not shown.
const MOST_CHARS: usize = 80;

/// Programs that listen for containers and virtual machines.
const PROXIES: [&str; 12] = [
    "docker-proxy",
    "dockerd",
    "com.docker.backend",
    "containerd",
    "rootlesskit",
    "rootlessport",
    "slirp4netns",
    "pasta",
    "conmon",
    "gvproxy",
    "limactl",
    "podman",
];

/// How long a connection may take that somebody on this machine is to take.
const AT_MOST: Duration = Duration::from_secs(1);

/// Words in a service's own command that say that its server may run elsewhere.
const ELSEWHERE: [&str; 9] = [
    "docker",
    "podman",
    "nerdctl",
    "compose",
    "kubectl",
    "minikube",
    "limactl",
    "systemctl",
    "ssh ",
];

/// Who may rightly listen.
#[derive(Clone, Debug)]
pub(super) struct Rightful {
    /// The shims of the service and of those of the session whose port it is, each with its token.
    pub(super) shims: Vec<(u32, String)>,
}

/// Whether a service with this command may have its server in a container or on another machine.
pub(super) fn may_run_elsewhere(command: &str) -> bool {
    ELSEWHERE.iter().any(|word| command.contains(word))
}

/// `port taken by pid 9710 (python3 -m http.server)`, if what answers at `peer` is certainly not the service.
pub(super) fn foreign(peer: SocketAddr, rightful: &Rightful) -> Option<String> {
    if cfg!(not(target_os = "linux")) {
        // A process that has left its tree may not be told from a stranger there: nothing is certain.
        return None;
    }
    let answering = answering(peer, listeners([peer.port()]));
    let mut holders = Vec::new();
    for listener in &answering {
        // One that cannot be seen may be anybody's.
        holders.push(listener.holder.as_ref()?);
    }
    let trees: BTreeSet<u32> = rightful
        .shims
        .iter()
        .flat_map(|(shim, _)| tree::descendants(*shim))
        .map(|found| found.pid)
        .collect();
    let is_rightful = |holder: &Holder| {
        let mut shims = rightful.shims.iter();
        trees.contains(&holder.pid)
            || shims.any(|(shim, token)| *shim == holder.pid || tree::is_marked(holder.pid, token))
    };
    if holders
        .iter()
        .any(|holder| is_rightful(holder) || is_container(holder))
    {
        return None;
    }
    let holder = holders.first()?;
    Some(format!("{TAKEN} {} ({})", holder.pid, shown(&holder.command)))
}

/// Whether somebody listens on this port, and it may well be the service.
pub(super) fn listens(port: u16, rightful: &Rightful) -> bool {
    if cfg!(not(target_os = "linux")) {
        return answers(port);
    }
    listeners([port]).iter().any(|listener| {
        let peer = SocketAddr::new(listener.address, port);
        foreign(peer, rightful).is_none()
    })
}

/// Whether a connection to this port of this machine is taken: what can be told where no table is cheap to read.
fn answers(port: u16) -> bool {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let connects =
        |address: &IpAddr| TcpStream::connect_timeout(&SocketAddr::new(*address, port), AT_MOST).is_ok();
    loopback.iter().any(connects)
}

/// The listeners that a connection to `peer` may have reached: those on just that address, else on all.
fn answering(peer: SocketAddr, found: Vec<Listener>) -> Vec<Listener> {
    let exact = |listener: &Listener| listener.address == peer.ip();
    if found.iter().any(exact) {
        return found.into_iter().filter(exact).collect();
    }
    let wide = |listener: &Listener| match listener.address {
        IpAddr::V4(address) => address.is_unspecified() && peer.is_ipv4(),
        // It takes both, as a rule.
        IpAddr::V6(address) => address.is_unspecified(),
    };
    found.into_iter().filter(wide).collect()
}

fn is_container(holder: &Holder) -> bool {
    PROXIES.iter().any(|proxy| holder.program.starts_with(proxy)) || !is_beside_us(holder.pid)
}

/// Whether the process certainly lives in the namespaces that we live in.
fn is_beside_us(pid: u32) -> bool {
    ["pid", "net"].iter().all(|kind| {
        let namespace = |of: &str| fs::read_link(format!("/proc/{of}/ns/{kind}")).ok();
        let theirs = namespace(&pid.to_string());
        theirs.is_some() && theirs == namespace("self")
    })
}

fn shown(command: &str) -> String {
    let command: String = command.chars().filter(|c| !c.is_control()).collect();
    clipped(&command, MOST_CHARS)
}

#[cfg(test)]
mod tests {
    use super::{Rightful, answering, answers, is_container, listens, may_run_elsewhere};
    use crate::ports::{Holder, Listener};
    use std::net::{SocketAddr, TcpListener};

    fn by(program: &str) -> Holder {
        Holder {
            pid: std::process::id(),
            program: program.to_owned(),
            command: format!("/usr/bin/{program} -x"),
            cwd: None,
            age: None,
            project: None,
        }
    }

    fn rightful(shim: u32) -> Rightful {
        Rightful {
            shims: vec![(shim, "no such token".to_owned())],
        }
    }

    #[test]
    fn a_port_answers_while_somebody_listens_on_it() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        assert!(answers(port));
        assert!(listens(port, &rightful(std::process::id())));
        drop(socket);
        assert!(!answers(port));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn r35_a_listener_outside_the_services_tree_is_told_with_pid_and_command() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let own = std::process::id();
        let told = super::foreign(address, &rightful(u32::MAX)).unwrap();
        assert!(told.starts_with(&format!("port taken by pid {own} (")), "{told}");
        assert_eq!(super::foreign(address, &rightful(own)), None);
        assert!(listens(address.port(), &rightful(own)));
        assert!(!listens(address.port(), &rightful(u32::MAX)));
        drop(socket);
        assert_eq!(super::foreign(address, &rightful(u32::MAX)), None);
        assert!(!listens(address.port(), &rightful(own)));
    }

    #[test]
    fn what_may_be_a_containers_is_let_pass() {
        for proxy in ["docker-proxy", "rootlesskit", "conmon"] {
            assert!(is_container(&by(proxy)), "{proxy}");
        }
        assert!(may_run_elsewhere("docker compose up db"));
        assert!(may_run_elsewhere("exec podman run postgres"));
        assert!(!may_run_elsewhere("bin/rails s"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_program_of_this_machine_is_no_container() {
        assert!(!is_container(&by("python3")));
    }

    #[test]
    fn a_listener_on_just_that_address_answers_before_one_on_all() {
        let on = |address: &str| Listener {
            port: 80,
            address: address.parse().unwrap(),
            holder: None,
        };
        let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
        let both = vec![on("0.0.0.0"), on("127.0.0.1")];
        assert_eq!(answering(peer("127.0.0.1:80"), both), [on("127.0.0.1")]);
        assert_eq!(answering(peer("[::1]:80"), vec![on("0.0.0.0")]), []);
        assert_eq!(answering(peer("127.0.0.1:80"), vec![on("::")]), [on("::")]);
        assert_eq!(answering(peer("127.0.0.1:80"), vec![on("::1")]), []);
    }
}
