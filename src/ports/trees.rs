//! Which of a machine's listening sockets a set of processes holds. Reading only; who these processes are is for
//! others to say.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    pub address: IpAddr,
    pub port: u16,
    pub inode: u64,
}

/// Every listening TCP socket of this machine, in no certain order. `None` where the system does not tell at once:
/// macOS, and sandboxes.
pub fn listening() -> Option<Vec<Socket>> {
    #[cfg(target_os = "linux")]
    return super::sock_diag::listening().ok();
    #[cfg(not(target_os = "linux"))]
    None
}

/// Those of `sockets` that a process holds. Blocks for as long as it takes to look through its descriptors.
#[cfg(target_os = "linux")]
pub fn held_by(pid: u32, sockets: &BTreeMap<u64, Socket>) -> Vec<Socket> {
    super::proc_net::socket_inodes(pid)
        .filter_map(|inode| sockets.get(&inode).copied())
        .collect()
}

/// None: the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn held_by(_pid: u32, _sockets: &BTreeMap<u64, Socket>) -> Vec<Socket> {
    Vec::new()
}
