//! Which sockets listen, asked of the kernel itself (`NETLINK_SOCK_DIAG`): it looks through the listening sockets
//! alone. The text tables of `/proc/net` cost milliseconds on a machine with much memory, because the kernel walks
//! its whole table of connections for them, however empty; and this is asked before every start of a service.
#![cfg(target_os = "linux")]

use super::trees::Socket;
use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const REQUEST_DUMP: u16 = 0x1 | 0x300;
const MESSAGE_ERROR: u16 = 2;
const MESSAGE_DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// One bit for each state; LISTEN is the tenth.
const ONLY_LISTENING: u32 = 1 << 10;
/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;
/// The kernel fills one buffer after the other, none larger than this.
const BUFFER: usize = 32 * 1024;

/// Every listening TCP socket of this network namespace.
///
/// # Errors
/// The kernel does not answer such questions: the module is missing, or a sandbox forbids it.
pub(super) fn listening() -> io::Result<Vec<Socket>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut found = Vec::new();
    ask(&socket, AF_INET, &mut found)?;
    // A kernel without IPv6 has nothing to say about it.
    match ask(&socket, AF_INET6, &mut found) {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
        Ok(()) | Err(_) => {}
    }
    Ok(found)
}

fn ask(socket: &OwnedFd, family: u8, found: &mut Vec<Socket>) -> io::Result<()> {
    rustix::io::write(socket.as_fd(), &request(family))?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let length = rustix::io::retry_on_intr(|| rustix::io::read(socket.as_fd(), buffer.as_mut_slice()))?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if take(&buffer[..length], found)? {
            return Ok(());
        }
    }
}

fn request(family: u8) -> Vec<u8> {
    let length = HEADER + REQUEST;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST_DUMP.to_ne_bytes());
    // Sequence number and port: there is one question at a time.
    bytes.extend([0; 8]);
    bytes.extend([family, IPPROTO_TCP, 0, 0]);
    bytes.extend(ONLY_LISTENING.to_ne_bytes());
    // Any address and port.
    bytes.resize(length, 0);
    bytes
}

/// Takes the sockets out of one buffer of messages. True at the end of the answer.
fn take(messages: &[u8], found: &mut Vec<Socket>) -> io::Result<bool> {
    let mut rest = messages;
    while rest.len() >= HEADER {
        let length = usize::try_from(word(rest, 0)).unwrap_or(usize::MAX);
        if length < HEADER || length > rest.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let body = &rest[HEADER..length];
        match u16::from_ne_bytes([rest[4], rest[5]]) {
            MESSAGE_DONE => return Ok(true),
            MESSAGE_ERROR if body.len() >= 4 => {
                let errno = i32::from_ne_bytes(word(body, 0).to_ne_bytes());
                return Err(io::Error::from_raw_os_error(-errno));
            }
            SOCK_DIAG_BY_FAMILY if body.len() >= ANSWER => found.extend(socket(body)),
            _ => {}
        }
        // Each message begins at a multiple of four.
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// The socket that an `inet_diag_msg` describes.
fn socket(body: &[u8]) -> Option<Socket> {
    let address: IpAddr = match body[0] {
        AF_INET => Ipv4Addr::new(body[8], body[9], body[10], body[11]).into(),
        AF_INET6 => {
            let bytes: [u8; 16] = body[8..24].try_into().ok()?;
            Ipv6Addr::from(bytes).to_canonical()
        }
        _ => return None,
    };
    Some(Socket {
        address,
        port: u16::from_be_bytes([body[4], body[5]]),
        inode: u64::from(word(body, 68)),
    })
}

/// The 32 bits at this place, in the machine's order.
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::{ANSWER, HEADER, MESSAGE_DONE, MESSAGE_ERROR, SOCK_DIAG_BY_FAMILY, listening, take};
    use crate::ports::Socket;
    use crate::ports::proc_net::tables;
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(family: u8, port: u16, address: &[u8], inode: u32) -> Vec<u8> {
        let mut body = vec![0; ANSWER];
        body[0] = family;
        body[4..6].copy_from_slice(&port.to_be_bytes());
        body[8..8 + address.len()].copy_from_slice(address);
        body[68..72].copy_from_slice(&inode.to_ne_bytes());
        message(SOCK_DIAG_BY_FAMILY, &body)
    }

    #[test]
    fn the_answers_of_both_families_are_read() {
        let mut bytes = answer(2, 5000, &[127, 0, 0, 1], 123);
        bytes.extend(answer(10, 5001, &[0; 16], 124));
        let mut found = Vec::new();
        assert!(!take(&bytes, &mut found).unwrap());
        assert!(take(&message(MESSAGE_DONE, &[0; 4]), &mut found).unwrap());
        let socket = |address: &str, port, inode| Socket {
            address: address.parse().unwrap(),
            port,
            inode,
        };
        assert_eq!(found, [socket("127.0.0.1", 5000, 123), socket("::", 5001, 124)]);
    }

    #[test]
    fn a_refusal_and_nonsense_are_errors() {
        let refusal = message(MESSAGE_ERROR, &(-libc::ENOENT).to_ne_bytes());
        let error = take(&refusal, &mut Vec::new()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let mut long = message(MESSAGE_DONE, &[]);
        long[..4].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(take(&long, &mut Vec::new()).is_err());
        assert!(!take(&[1, 2, 3], &mut Vec::new()).unwrap());
    }

    #[test]
    fn the_kernel_says_the_same_as_its_tables() {
        let listeners: Vec<TcpListener> = ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"]
            .iter()
            .filter_map(|address| TcpListener::bind(address).ok())
            .collect();
        let ports: BTreeSet<u16> = listeners
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        // Where a sandbox forbids it, the tables are what is used.
        let Ok(mut told) = listening() else { return };
        told.retain(|socket| ports.contains(&socket.port));
        let mut listed = tables(&ports).unwrap();
        let key = |socket: &Socket| (socket.port, socket.address, socket.inode);
        told.sort_by_key(key);
        listed.sort_by_key(key);
        assert_eq!(told, listed);
        assert!(told.len() >= ports.len());
    }
}
