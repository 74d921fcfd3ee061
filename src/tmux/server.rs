//! A tmux server as such: where it is, plain `tmux` invocations, what its lists say, and how it is seen to end.

use super::command::Command;
use super::whole::listing;
use super::{PaneId, SessionId, WindowId};
use crate::diag::{Diagnostic, Kind};
use crate::platform::file_lock;
use crate::platform::process_end::ProcessEnd;
use rustix::process::{Pid, Signal};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// The longest path of a socket on all supported systems.
const MAX_SOCKET_PATH: usize = 103;
/// Between two looks where the system offers nothing to wait on.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub(super) const VIEWERS: &str =
    "#{client_control_mode} #{client_pid} #{client_readonly} #{session_id} #{window_id} .";
const CONTROL_CLIENTS: &str = "#{client_pid} #{client_flags}";

/// Where a server is, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The program; see [`super::locate::locate`].
    pub binary: PathBuf,
    pub socket: PathBuf,
    /// The configuration file that we write for it.
    pub config: PathBuf,
}

/// What a plain `tmux` invocation said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub ok: bool,
    pub text: String,
    pub errors: String,
}

impl Server {
    /// A `tmux` process for this server, without a command yet. A surrounding tmux is out of its sight.
    pub fn command(&self) -> process::Command {
        let mut command = process::Command::new(&self.binary);
        command
            .arg("-S")
            .arg(&self.socket)
            .arg("-f")
            .arg(&self.config)
            .env_remove("TMUX")
            .env_remove("TMUX_PANE");
        command
    }

    /// Whether the system will take the path of the socket.
    ///
    /// # Errors
    /// Kind `System`: it is too long.
    pub fn check_socket(&self) -> Result<(), Diagnostic> {
        let length = OsStr::as_bytes(self.socket.as_os_str()).len();
        if length <= MAX_SOCKET_PATH {
            return Ok(());
        }
        Err(Diagnostic::error(
            Kind::System,
            format!(
                "the path of the tmux socket is {length} bytes long, and no system takes more than {MAX_SOCKET_PATH}: {}",
                self.socket.display()
            ),
        )
        .hint("set OVR_RUNTIME_DIR to a shorter directory"))
    }

    /// Runs one `tmux` process against the running server; never starts one.
    ///
    /// # Errors
    /// It cannot be run, or took longer than `patience` (it is ended then).
    pub async fn run(&self, arguments: &[String], patience: Duration) -> io::Result<Output> {
        let mut command = self.command();
        command
            .args(["-N", "-u"])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null());
        let mut command = tokio::process::Command::from(command);
        let output = timeout(patience, command.kill_on_drop(true).output())
            .await
            .map_err(|_| {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no answer from tmux for {patience:?}"),
                )
            })??;
        Ok(Output {
            ok: output.status.success(),
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Held by whoever starts a server here, until that can be reached. Its name is tmux's.
    fn start_lock(&self) -> PathBuf {
        let mut path = self.socket.clone().into_os_string();
        path.push(".lock");
        path.into()
    }

    /// Whether one may be there: it can be reached, or is about to.
    pub fn may_be_there(&self) -> bool {
        self.socket.exists() || self.start_lock().exists()
    }

    /// Waits for one that somebody is just starting, until it can be reached or has come to nothing, for at most
    /// `patience`. `false`: it is still starting.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub async fn started(&self, patience: Duration) -> io::Result<bool> {
        let Ok(lock) = fs::File::open(self.start_lock()) else {
            // Removed with the first moment in which it can be reached, or never made.
            return Ok(true);
        };
        let waited = spawn_blocking(move || file_lock::wait_until_free(lock, patience)).await;
        Ok(waited.map_err(io::Error::other)??)
    }

    /// Asks the server with this pid to make its socket again, and waits until it can be reached (0.5 s on
    /// tmux 3.3a). Clients that are attached notice nothing.
    ///
    /// # Errors
    /// There is no such process, or the socket did not come back in time.
    pub async fn recreate_socket(&self, server_pid: u32, patience: Duration) -> io::Result<()> {
        rustix::process::kill_process(pid(server_pid)?, Signal::USR1)?;
        let connected = async {
            while UnixStream::connect(&self.socket).is_err() {
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(patience, connected)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "tmux did not make its socket again"))
    }
}

/// A terminal that looks at one of our windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The pid of its tmux client.
    pub pid: u32,
    pub session: SessionId,
    pub window: WindowId,
    pub read_only: bool,
}

impl Command {
    /// Sends every other client away, without a last word of tmux's own.
    pub fn detach_others() -> Self {
        Self::new("detach-client").args(["-a", "-E", "exec true"])
    }

    /// All clients of the server; read the reply with [`viewers`].
    pub fn list_clients() -> Self {
        Self::new("list-clients").args(["-F", VIEWERS])
    }

    /// The clients like ours; read the reply with [`control_clients`].
    pub fn list_control_clients() -> Self {
        Self::new("list-clients").args(["-F", CONTROL_CLIENTS])
    }

    /// All that a pane still shows and remembers, colours included; lines that were wrapped are whole. Read
    /// the reply with [`captured`].
    pub fn capture_scrollback(pane: PaneId) -> Self {
        Self::new("capture-pane").args(["-p", "-e", "-J", "-S", "-", "-t", &pane.to_string()])
    }
}

/// Reads the reply to [`Command::list_clients`], leaving out those in control mode; `None` if it was cut and has to
/// be asked for again. To be asked of a server that has clients.
pub fn viewers(text: &str) -> Option<Vec<Viewer>> {
    let viewer = |line: &str| {
        let mut words = line.split(' ');
        if words.next()? == "1" {
            return None;
        }
        Some(Viewer {
            pid: words.next()?.parse().ok()?,
            read_only: words.next()? == "1",
            session: words.next()?.parse().ok()?,
            window: words.next()?.parse().ok()?,
        })
    };
    listing(text, viewer)
}

/// Reads the reply to [`Command::list_control_clients`]: the pids of those that a controller has started. Other
/// programs that speak tmux's control mode have a size of their own.
pub fn control_clients(text: &str) -> Vec<u32> {
    let ours = |line: &str| {
        let (pid, flags) = line.split_once(' ')?;
        let has = |flag: &str| flags.split(',').any(|given| given == flag);
        let pid = pid.parse().ok()?;
        (has("control-mode") && has("ignore-size")).then_some(pid)
    };
    text.lines().filter_map(ours).collect()
}

/// Reads the reply to [`Command::capture_scrollback`]: its lines, without the empty ones at the end that are
/// the unused rest of the screen, and without the blanks that pad a line.
pub fn captured(body: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = body
        .strip_suffix(b"\n")
        .unwrap_or(body)
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

fn pid(number: u32) -> io::Result<Pid> {
    i32::try_from(number)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no pid"))
}

/// A server's process, held so that its end can be waited for and no other process is taken for it.
#[derive(Debug)]
pub struct ServerProcess(AsyncFd<ProcessEnd>);

impl ServerProcess {
    /// Takes hold of the process. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// There is no such process.
    pub fn open(server_pid: u32) -> io::Result<Self> {
        let end = ProcessEnd::watch(server_pid)?;
        // SAFETY: the end owns its descriptor, so it stays open and the same for as long as it is registered.
        let end = unsafe { AsyncFd::register_with_interest(end, Interest::READABLE) }?;
        Ok(Self(end))
    }

    /// Waits until the process has ended, whoever ends it.
    pub async fn gone(&self) {
        if let Ok(mut ready) = self.0.readable().await {
            ready.retain_ready();
        }
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// It is not ours to end.
    pub async fn kill(&self) -> io::Result<()> {
        self.signal(Signal::KILL)?;
        self.gone().await;
        Ok(())
    }

    /// SIGTERM, on which tmux hangs its windows up and ends.
    ///
    /// # Errors
    /// It is not ours to end.
    pub fn ask_to_end(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Ends the server: SIGTERM; after `patience` SIGKILL. Returns when the
    /// process is gone, and whether SIGKILL was needed. tmux leaves its socket behind; so it is removed.
    ///
    /// # Errors
    /// It is not ours to end, or the socket not ours to remove.
    pub async fn end(&self, server: &Server, patience: Duration) -> io::Result<bool> {
        self.signal(Signal::TERM)?;
        let in_time = timeout(patience, self.gone()).await.is_ok();
        if !in_time {
            self.signal(Signal::KILL)?;
            self.gone().await;
        }
        match fs::remove_file(&server.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(!in_time),
        }
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match self.0.get_ref().signal(signal) {
            // Gone already, which is what was wanted.
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Server, Viewer, captured, control_clients, viewers};
    use crate::tmux::{SessionId, WindowId};

    #[test]
    fn terminals_are_read_and_control_clients_left_out() {
        assert_eq!(
            viewers("1 10 0 $0 @0 .\n0 11 1 $4 @2 .\n").unwrap(),
            [Viewer {
                pid: 11,
                session: SessionId(4),
                window: WindowId(2),
                read_only: true
            }]
        );
    }

    #[test]
    fn a_controllers_client_is_told_from_other_programs_in_control_mode() {
        let text = "12 attached,focused,control-mode,ignore-size,UTF-8\n13 attached,control-mode,UTF-8\n\
                    14 attached,focused,ignore-size\nx control-mode,ignore-size\n";
        assert_eq!(control_clients(text), [12]);
    }

    #[test]
    fn the_unused_rest_of_a_screen_is_no_output() {
        assert_eq!(captured(b"a  \n\nb\n\n\n"), [&b"a"[..], b"", b"b"]);
        assert!(captured(b"\n\n").is_empty());
    }

    #[test]
    fn a_socket_path_that_no_system_takes_is_refused_in_words() {
        let server = |length: usize| Server {
            binary: "tmux".into(),
            socket: "x".repeat(length).into(),
            config: "c".into(),
        };
        assert!(server(103).check_socket().is_ok());
        let error = server(120).check_socket().unwrap_err();
        assert!(error.message.contains("120 bytes"), "{error}");
    }
}
