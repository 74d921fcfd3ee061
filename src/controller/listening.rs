//! On which ports the services really listen, looked at when somebody asks how they are: a program may well ignore
//! the port that it was given. A question to the kernel tells whether anything listens that did not before; only
//! then are the services' processes looked through, on a thread that may block, and the question waits for it.

use super::core::Controller;
use super::host::Host;
use crate::api::call::Call;
use crate::model::{InstanceId, RunId, State};
use crate::ports::{self, Socket};
use crate::shim::tree;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What one run listens on.
#[derive(Clone, Debug)]
pub(super) struct Listens {
    run: RunId,
    /// Of the machine's listeners, when it was looked.
    stamp: u64,
    sockets: Vec<Socket>,
}

/// The look under way, if one is.
#[derive(Debug, Default)]
pub(super) struct Looks {
    under_way: bool,
    /// Answered when it is over.
    held: Vec<Call>,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Looked {
    stamp: u64,
    found: Vec<(InstanceId, RunId, Vec<Socket>)>,
}

impl Controller {
    /// Keeps a question back until it is known what the services listen on; gives it back if that is known.
    pub(super) fn after_a_look(&mut self, call: Call) -> Option<Call> {
        let asks = matches!(call, Call::Status { .. } | Call::Why { .. });
        if asks && (self.looks.under_way || self.begin_look()) {
            self.looks.held.push(call);
            return None;
        }
        Some(call)
    }

    pub(super) fn on_looked(&mut self, looked: Looked) {
        self.looks.under_way = false;
        for (instance, run, sockets) in looked.found {
            self.host_mut(instance).listens = Some(Listens {
                run,
                stamp: looked.stamp,
                sockets,
            });
        }
        for call in std::mem::take(&mut self.looks.held) {
            self.answer_call(call);
        }
    }

    /// Looks at those whose listeners may be other ones than when it was last looked. `false`: there are none.
    fn begin_look(&mut self) -> bool {
        let alive: Vec<(InstanceId, RunId, u32)> = self.ids().filter_map(|id| self.run_in_shim(id)).collect();
        if alive.is_empty() {
            return false;
        }
        let Some(sockets) = ports::listening() else {
            return false;
        };
        let stamp = stamp(&sockets);
        let is_new = |(id, run, _): &(InstanceId, RunId, u32)| {
            let known = self.host(*id).listens.as_ref();
            known.is_none_or(|known| known.run != *run || known.stamp != stamp)
        };
        let wanted: Vec<_> = alive.into_iter().filter(is_new).collect();
        if wanted.is_empty() {
            return false;
        }
        let looked = self.inlets.looked.clone();
        tokio::spawn(async move {
            let found = tokio::task::spawn_blocking(move || look(&wanted, &sockets)).await;
            // Nobody listens any more when the session is over.
            drop(looked.send(Looked {
                stamp,
                found: found.unwrap_or_default(),
            }));
        });
        self.looks.under_way = true;
        true
    }

    fn run_in_shim(&self, id: InstanceId) -> Option<(InstanceId, RunId, u32)> {
        let run = match self.machine.state(id) {
            State::Running { run, .. } | State::Daemonized { run, .. } => *run,
            State::Disabled
            | State::Pending(_)
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => return None,
        };
        Some((id, run, self.host(id).shim.as_ref()?.pid))
    }

    /// What its current run listens on, as far as it has been looked.
    fn sockets_of(&self, id: InstanceId) -> &[Socket] {
        let Some((_, run, _)) = self.run_in_shim(id) else {
            return &[];
        };
        let known = self.host(id).listens.as_ref().filter(|known| known.run == run);
        known.map_or(&[], |known| &known.sockets)
    }

    /// The ports that it listens on, in order.
    pub(super) fn ports_of(&self, id: InstanceId) -> Vec<u16> {
        let ports: BTreeSet<u16> = self.sockets_of(id).iter().map(|socket| socket.port).collect();
        ports.into_iter().collect()
    }

    /// Where it can be reached: on its own port, or on the one that it has chosen instead.
    pub(super) fn url_of(&self, id: InstanceId) -> Option<String> {
        let own = own_port(self.host(id))?;
        let strays = self.strays(id);
        let Some(stray) = strays.first() else {
            return Some(format!("http://127.0.0.1:{own}"));
        };
        Some(url(self.sockets_of(id), *stray))
    }

    /// `listens on 3000, not on its port 5000`.
    pub(super) fn stray_in_words(&self, id: InstanceId) -> Option<String> {
        let own = own_port(self.host(id))?;
        let strays: Vec<String> = self.strays(id).iter().map(u16::to_string).collect();
        let (last, others) = strays.split_last()?;
        let strays = if others.is_empty() {
            last.clone()
        } else {
            format!("{} and {last}", others.join(", "))
        };
        Some(format!("listens on {strays}, not on its port {own}"))
    }

    /// The ports that it listens on instead of its own.
    fn strays(&self, id: InstanceId) -> Vec<u16> {
        let ports = self.ports_of(id);
        match own_port(self.host(id)) {
            Some(own) if !ports.contains(&own) => ports,
            Some(_) | None => Vec::new(),
        }
    }
}

fn own_port(host: &Host) -> Option<u16> {
    host.spec.port.as_ref().map(|(port, _)| *port)
}

/// Looks through the processes of these instances.
fn look(wanted: &[(InstanceId, RunId, u32)], sockets: &[Socket]) -> Vec<(InstanceId, RunId, Vec<Socket>)> {
    let by_inode: BTreeMap<u64, Socket> = sockets.iter().map(|socket| (socket.inode, *socket)).collect();
    let roots: Vec<u32> = wanted.iter().map(|(_, _, shim)| *shim).collect();
    let trees = tree::trees(&roots);
    let found = wanted.iter().zip(trees).map(|((id, run, _), members)| {
        let held = members.iter().flat_map(|pid| ports::held_by(*pid, &by_inode));
        (*id, *run, held.collect())
    });
    found.collect()
}

/// The same for the same listeners: a socket's number is not given again for long.
fn stamp(sockets: &[Socket]) -> u64 {
    let inodes: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
    inodes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, inode| {
        (hash ^ inode).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Where a listener on this port is reached from here.
fn url(sockets: &[Socket], port: u16) -> String {
    let addresses = || sockets.iter().filter(|socket| socket.port == port);
    let reached = |address: &IpAddr| address.is_unspecified() || *address == IpAddr::from([127, 0, 0, 1]);
    let other = addresses()
        .map(|socket| socket.address)
        .find(|address| !reached(address));
    match other {
        Some(other) if !addresses().any(|socket| reached(&socket.address)) => match other {
            IpAddr::V4(address) => format!("http://{address}:{port}"),
            IpAddr::V6(address) => format!("http://[{address}]:{port}"),
        },
        Some(_) | None => format!("http://127.0.0.1:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{stamp, url};
    use crate::ports::Socket;

    fn on(address: &str, port: u16, inode: u64) -> Socket {
        Socket {
            address: address.parse().unwrap(),
            port,
            inode,
        }
    }

    #[test]
    fn an_url_names_the_address_that_a_program_listens_on() {
        let sockets = [
            on("0.0.0.0", 80, 1),
            on("::1", 81, 2),
            on("10.0.0.1", 82, 3),
            on("::1", 83, 4),
            on("127.0.0.1", 83, 5),
        ];
        for (port, expected) in [
            (80, "http://127.0.0.1:80"),
            (81, "http://[::1]:81"),
            (82, "http://10.0.0.1:82"),
            (83, "http://127.0.0.1:83"),
        ] {
            assert_eq!(url(&sockets, port), expected);
        }
    }

    #[test]
    fn the_stamp_changes_with_the_listeners_and_not_with_their_order() {
        let (one, two) = (on("::", 80, 1), on("::", 81, 2));
        assert_eq!(stamp(&[one, two]), stamp(&[two, one]));
        assert_ne!(stamp(&[one, two]), stamp(&[one]));
    }
}
