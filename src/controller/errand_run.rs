//! One command of a client's: the helper that is its parent (`ovr errand`), its terminal or pipes, and what passes
//! between them and the client. Nobody who is slow makes others wait, and nothing that it prints is lost. Why a
//! command is run is not known here.

use crate::api::call::{NotRun, RunInput, RunOutput, Running};
use crate::api::messages::run::RunTerminal;
use crate::model::{Exit, Launch, Signal};
use crate::platform::open_files;
use crate::platform::pseudoterminal::Pseudoterminal;
use crate::shim::errand::{Order, Report, SUBCOMMAND};
use crate::shim::tree;
use crate::shim::wire::{LineSplitter, encode};
use bytes::Bytes;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{ioctl_tiocsctty, setsid};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};

/// So many chunks wait for a client; then the command's output is not read until it has taken one.
const CHUNKS: usize = 8;
const CHUNK: usize = 16 * 1024;
/// What still holds the output open when all that we may end is gone gets no more than this.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// What the command reads and writes.
#[derive(Debug)]
pub(super) enum Place {
    Pipes,
    Terminal(RunTerminal),
}

/// A command and its parent.
#[derive(Debug)]
pub(super) struct Errand {
    parent: Child,
    /// What all its processes carry in their environment.
    token: String,
    ears: Ears,
    /// When it is dropped, all ends.
    mouth: OwnedWriteHalf,
    terminal: Option<Pseudoterminal>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Errand {
    /// Starts the parent. Within a tokio runtime.
    pub(super) fn prepare(program: &str, token: String, place: &Place) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let number = theirs.as_raw_fd();
        let mut command = std::process::Command::new(program);
        open_files::give_back(&mut command);
        command
            .args([SUBCOMMAND, &number.to_string()])
            .env_clear()
            .current_dir("/");
        let terminal = match place {
            Place::Pipes => {
                command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped());
                None
            }
            Place::Terminal(wanted) => {
                let (terminal, inside) = Pseudoterminal::open(wanted.cols, wanted.rows)?;
                command
                    .envs(wanted.term.iter().map(|term| ("TERM", term)))
                    .stdin(inside.try_clone()?)
                    .stdout(inside.try_clone()?)
                    .stderr(inside);
                Some(terminal)
            }
        };
        let on_terminal = terminal.is_some();
        // SAFETY: the closure makes system calls and allocates nothing, which is sound between fork and exec; the
        // socket is open until the parent has been started.
        unsafe {
            command.pre_exec(move || {
                // Not in a session that somebody has a terminal in.
                setsid()?;
                if on_terminal {
                    ioctl_tiocsctty(rustix::stdio::stdin())?;
                }
                Ok(fcntl_setfd(BorrowedFd::borrow_raw(number), FdFlags::empty())?)
            });
        }
        let mut parent = Command::from(command).spawn()?;
        drop(theirs);
        let (ears, mouth) = UnixStream::from_std(ours)?.into_split();
        Ok(Self {
            token,
            ears: Ears {
                socket: ears,
                lines: LineSplitter::new(),
            },
            mouth,
            terminal,
            stdin: parent.stdin.take(),
            stdout: parent.stdout.take(),
            stderr: parent.stderr.take(),
            parent,
        })
    }

    /// Has the command started: its process's number, or why there is none.
    pub(super) async fn begin(&mut self, launch: Launch) -> io::Result<Result<u32, String>> {
        let token = self.token.clone();
        let order = encode(&Order::Run {
            launch,
            token,
            spares: false,
        });
        self.mouth.write_all(&order).await?;
        match self.ears.next().await {
            Some(Report::Spawned { pid }) => Ok(Ok(pid)),
            Some(Report::NotSpawned { reason }) => Ok(Err(reason)),
            Some(Report::Exited { .. } | Report::Ended { .. }) | None => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    /// Passes everything on, until the command is over, the client has gone, or `stop`; nothing of it is left then.
    pub(super) async fn attend(
        self,
        pid: u32,
        reply: oneshot::Sender<Result<Running, NotRun>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let Self {
            mut parent,
            token,
            mut ears,
            mut mouth,
            terminal,
            stdin,
            stdout,
            stderr,
        } = self;
        let (send, output) = mpsc::channel(CHUNKS);
        let (input, mut asked) = mpsc::unbounded_channel();
        let running = Running { pid, output, input };
        let mut ended = None;
        if reply.send(Ok(running)).is_ok() {
            let (tell_over, over) = watch::channel(false);
            let (queue, queued) = mpsc::unbounded_channel();
            let mut out = terminal.as_ref().map(Source::Terminal);
            out = out.or(stdout.map(Source::Out));
            let work = async {
                let end = async {
                    let exit = ears.end().await;
                    // All that it had open is closed with it.
                    drop(parent.wait().await);
                    tell_over.send_replace(true);
                    exit
                };
                let pumps = async {
                    tokio::join!(
                        pump(out, RunOutput::Out, &send, over.clone()),
                        pump(stderr.map(Source::Err), RunOutput::Err, &send, over.clone()),
                    )
                };
                tokio::join!(end, pumps).0
            };
            tokio::select! {
                exit = work => ended = Some(exit),
                () = heed(&mut asked, &queue, terminal.as_ref(), &mut mouth) => {}
                () = feed(terminal.as_ref(), stdin, queued, &send) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        // The parent sees these go, and ends what there is.
        drop((mouth, ears, terminal));
        // Only a parent that was killed has left anything.
        if !parent.wait().await.is_ok_and(|status| status.success()) {
            let swept = tokio::task::spawn_blocking(move || drop(tree::end_all(&token, 0)));
            drop(swept.await);
        }
        if let Some(exit) = ended {
            // The client may have gone meanwhile.
            drop(send.send(RunOutput::Ended(exit)).await);
        }
    }
}

/// What the parent reports.
#[derive(Debug)]
struct Ears {
    socket: OwnedReadHalf,
    lines: LineSplitter,
}

impl Ears {
    async fn next(&mut self) -> Option<Report> {
        let mut bytes = [0; 1024];
        loop {
            match self.lines.next_line() {
                Ok(Some(line)) => return serde_json::from_slice(line).ok(),
                Ok(None) => {}
                Err(_) => return None,
            }
            match self.socket.read(&mut bytes).await {
                Ok(length @ 1..) => self.lines.push(&bytes[..length]),
                Ok(0) | Err(_) => return None,
            }
        }
    }

    /// How the command ended. A parent that goes without a word was killed, and the command with it.
    async fn end(&mut self) -> Exit {
        loop {
            match self.next().await {
                Some(Report::Ended { exit }) => return exit,
                Some(Report::Spawned { .. } | Report::NotSpawned { .. } | Report::Exited { .. }) => {}
                None => return Exit::Signal(Signal::KILL),
            }
        }
    }
}

/// Where output comes from.
enum Source<'a> {
    Terminal(&'a Pseudoterminal),
    Out(ChildStdout),
    Err(ChildStderr),
}

impl Source<'_> {
    async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Terminal(terminal) => terminal.read(into).await,
            Self::Out(pipe) => pipe.read(into).await,
            Self::Err(pipe) => pipe.read(into).await,
        }
    }
}

/// Sends what comes, to its end. It is read only as fast as the client takes it.
async fn pump(
    source: Option<Source<'_>>,
    kind: fn(Bytes) -> RunOutput,
    send: &mpsc::Sender<RunOutput>,
    mut over: watch::Receiver<bool>,
) {
    let Some(mut source) = source else { return };
    let mut buffer = vec![0; CHUNK];
    // Once for all: who still prints then would begin the time anew with each piece.
    let mut held_open = pin!(held_open(&mut over));
    loop {
        let Ok(room) = send.reserve().await else { return };
        let read = tokio::select! {
            read = source.read(&mut buffer) => read.unwrap_or(0),
            () = held_open.as_mut() => 0,
        };
        if read == 0 {
            return;
        }
        room.send(kind(Bytes::copy_from_slice(&buffer[..read])));
    }
}

/// Until all is gone that can be ended, and a little longer.
async fn held_open(over: &mut watch::Receiver<bool>) {
    drop(over.wait_for(|over| *over).await);
    tokio::time::sleep(LAST_OUTPUT).await;
}

/// Does what the client asks for, until that has gone. Input waits in `queue`.
async fn heed(
    asked: &mut mpsc::UnboundedReceiver<RunInput>,
    queue: &mpsc::UnboundedSender<Option<Bytes>>,
    terminal: Option<&Pseudoterminal>,
    mouth: &mut OwnedWriteHalf,
) {
    while let Some(input) = asked.recv().await {
        match input {
            RunInput::Bytes(bytes) => drop(queue.send(Some(bytes))),
            RunInput::End => drop(queue.send(None)),
            RunInput::Resize { cols, rows } => {
                // One that is gone has no size.
                drop(terminal.map(|terminal| terminal.resize(cols, rows)));
            }
            RunInput::Signal(signal) => {
                // The same.
                drop(mouth.write_all(&encode(&Order::Signal { signal })).await);
            }
        }
    }
}

/// Gives the command its input, as fast as it takes it. Never over: what is no longer read is let go.
async fn feed(
    terminal: Option<&Pseudoterminal>,
    mut stdin: Option<ChildStdin>,
    mut queued: mpsc::UnboundedReceiver<Option<Bytes>>,
    send: &mpsc::Sender<RunOutput>,
) {
    while let Some(input) = queued.recv().await {
        let Some(bytes) = input else {
            stdin = None;
            continue;
        };
        let written = match (terminal, &mut stdin) {
            (Some(terminal), _) => terminal.write(&bytes).await,
            (None, Some(pipe)) => pipe.write_all(&bytes).await,
            (None, None) => Ok(()),
        };
        if written.is_err() {
            stdin = None;
        }
        drop(send.send(RunOutput::Took(bytes.len())).await);
    }
    std::future::pending::<()>().await;
}
