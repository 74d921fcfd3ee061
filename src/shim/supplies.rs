//! What a service finds beside its terminal, kept for the window's whole life: sockets to listen on, and the
//! socket that it can say things on. Nothing is opened before a run asks for it. Who is handed what is decided
//! in `spawn.rs`.

use super::notify::Notify;
use super::plain;
use crate::model::{Launch, Listen, ListenAddress};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::fcntl_dupfd_cloexec;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where a service finds the first of its sockets, after standard input, output and error.
pub(super) const FIRST_SOCKET: RawFd = 3;

/// The sockets are kept at this number and above: below are the numbers that a service finds them at.
const HELD_FROM: RawFd = 100;

/// What a service can be handed at most, so that the numbers stay apart.
const MOST_SOCKETS: usize = 64;

/// As many connections wait while a service restarts as the system allows.
const BACKLOG: i32 = 4096;

#[derive(Default)]
pub(super) struct Supplies {
    sockets: Vec<Socket>,
    notify: Option<Notify>,
}

/// A socket that is listened on.
struct Socket {
    listen: Listen,
    fd: OwnedFd,
    /// The file that stands for it, by path, device and inode.
    file: Option<(PathBuf, u64, u64)>,
}

impl Supplies {
    /// Makes them what the next run asks for; what it has in common with the last one stays open. The error is
    /// for the user. `dir` is where files may be made.
    pub(super) fn adjust(&mut self, launch: &Launch, dir: &Path, nonce: &str) -> Result<(), String> {
        self.adjust_sockets(launch)?;
        if !launch.may_speak() {
            self.notify = None;
        } else if let Some(notify) = &mut self.notify {
            notify.forget();
        } else {
            self.notify = Some(Notify::open(dir, nonce)?);
        }
        Ok(())
    }

    fn adjust_sockets(&mut self, launch: &Launch) -> Result<(), String> {
        if launch.listen.len() > MOST_SOCKETS {
            return Err(format!("more than {MOST_SOCKETS} sockets to listen on"));
        }
        self.sockets.retain(|socket| {
            launch
                .listen
                .iter()
                .any(|wanted| wanted.address == socket.listen.address)
        });
        let mut before = std::mem::take(&mut self.sockets);
        for wanted in &launch.listen {
            let known = before
                .iter()
                .position(|socket| socket.listen.address == wanted.address);
            let socket = match known {
                Some(at) => Ok(before.swap_remove(at)),
                None => Socket::bind(wanted, &launch.cwd),
            };
            match socket {
                Ok(mut socket) => {
                    socket.listen.name.clone_from(&wanted.name);
                    self.sockets.push(socket);
                }
                Err(message) => {
                    // The rest stays as it was, for the next try.
                    self.sockets.append(&mut before);
                    return Err(message);
                }
            }
        }
        Ok(())
    }

    /// The sockets to listen on, in the order of the launch, ready to be handed over.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (BorrowedFd<'_>, &str)> {
        self.sockets.iter().map(|socket| {
            make_blocking(socket.fd.as_fd());
            (socket.fd.as_fd(), socket.listen.name.as_str())
        })
    }

    pub(super) fn notify(&self) -> Option<&Notify> {
        self.notify.as_ref()
    }

    pub(super) fn notify_mut(&mut self) -> Option<&mut Notify> {
        self.notify.as_mut()
    }
}

impl Socket {
    fn bind(wanted: &Listen, cwd: &Path) -> Result<Self, String> {
        let bound = match &wanted.address {
            ListenAddress::Tcp(address) => TcpListener::bind(address).map(|socket| (socket.into(), None)),
            ListenAddress::Unix(path) => bind_path(&cwd.join(path)),
        };
        let (fd, file): (OwnedFd, _) = bound.map_err(|error| explain(&wanted.address, &error))?;
        // The number it has now may be one that a service is to find another socket at.
        let held = fcntl_dupfd_cloexec(&fd, HELD_FROM).map_err(io::Error::from);
        let held = held.and_then(|held| {
            rustix::net::listen(&held, BACKLOG)?;
            Ok(held)
        });
        Ok(Self {
            listen: wanted.clone(),
            fd: held.map_err(|error| explain(&wanted.address, &error))?,
            file,
        })
    }
}

impl Drop for Socket {
    /// Its file goes with it, unless somebody has put another one there.
    fn drop(&mut self) {
        if let Some((path, device, inode)) = &self.file
            && fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (*device, *inode))
        {
            let _gone = fs::remove_file(path);
        }
    }
}

type Bound = (OwnedFd, Option<(PathBuf, u64, u64)>);

fn bind_path(path: &Path) -> io::Result<Bound> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    let file = fs::symlink_metadata(path)?;
    Ok((listener.into(), Some((path.to_owned(), file.dev(), file.ino()))))
}

/// Whether there is a socket that nobody listens on any more. Whatever else is there is not ours to remove.
fn is_stale(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).err().is_some_and(refused)
}

/// All runs share what a socket is open as: one that made it non-blocking must not surprise the next.
fn make_blocking(socket: BorrowedFd<'_>) {
    if let Ok(flags) = fcntl_getfl(socket)
        && flags.contains(OFlags::NONBLOCK)
    {
        let _refused = fcntl_setfl(socket, flags.difference(OFlags::NONBLOCK));
    }
}

fn explain(address: &ListenAddress, error: &io::Error) -> String {
    let shown = match address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => path.display().to_string(),
    };
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("address in use: {shown}"),
        _ => format!("cannot listen on {shown}: {}", plain(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::Supplies;
    use crate::model::{Launch, Listen, ListenAddress};
    use std::fs;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    fn launch(dir: &Path, addresses: &[(&str, ListenAddress)]) -> Launch {
        let listen = addresses.iter().map(|(name, address)| Listen {
            address: address.clone(),
            name: (*name).to_owned(),
        });
        Launch {
            cwd: dir.to_owned(),
            listen: listen.collect(),
            ..Launch::default()
        }
    }

    fn adjust(supplies: &mut Supplies, launch: &Launch) -> Result<Vec<(i32, String)>, String> {
        supplies.adjust(launch, &launch.cwd, "00112233")?;
        let sockets = supplies.sockets();
        Ok(sockets
            .map(|(fd, name)| (fd.as_raw_fd(), name.to_owned()))
            .collect())
    }

    #[test]
    fn a_changed_list_binds_only_what_is_new_and_closes_what_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let one = ListenAddress::Unix("one.sock".into());
        let two = ListenAddress::Unix("two.sock".into());
        let mut supplies = Supplies::default();
        let first = adjust(&mut supplies, &launch(dir.path(), &[("a", one.clone())])).unwrap();
        let both = [("b", two.clone()), ("renamed", one)];
        let second = adjust(&mut supplies, &launch(dir.path(), &both)).unwrap();
        assert_eq!(second[1], (first[0].0, "renamed".to_owned()));
        assert_eq!(second[0].1, "b");
        let third = adjust(&mut supplies, &launch(dir.path(), &[("b", two)])).unwrap();
        assert_eq!(third, [second[0].clone()]);
        assert!(!dir.path().join("one.sock").exists());
        assert!(UnixStream::connect(dir.path().join("two.sock")).is_ok());
        assert_eq!(adjust(&mut supplies, &launch(dir.path(), &[])).unwrap(), []);
        assert!(!dir.path().join("two.sock").exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_living_one_or_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        let wanted = launch(dir.path(), &[("a", ListenAddress::Unix("web.sock".into()))]);
        let mut supplies = Supplies::default();
        drop(UnixListener::bind(&path).unwrap());
        assert!(adjust(&mut supplies, &wanted).is_ok());
        adjust(&mut supplies, &launch(dir.path(), &[])).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        let refused = Err("address in use: web.sock".to_owned());
        assert_eq!(adjust(&mut supplies, &wanted), refused);
        drop(other);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "text").unwrap();
        assert_eq!(adjust(&mut supplies, &wanted), refused);
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap();
        let wanted = launch(Path::new("/"), &[("a", ListenAddress::Tcp(address))]);
        let refused = Err(format!("address in use: {address}"));
        assert_eq!(adjust(&mut Supplies::default(), &wanted), refused);
    }
}
