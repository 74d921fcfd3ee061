//! Variables whose values commands print (`env_cmds`): the commands are run side by side, once for each reading
//! of the configuration. Each has a parent of its own (`ovr errand`) and ends with this process, however that ends.

use super::super::launch::helper;
use crate::config::Checked;
use crate::config::environment::{Assignment, Environment, Origin};
use crate::config::project::Located;
use crate::config::shell::Shell;
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, Launch, Variables};
use crate::platform::open_files;
use crate::shim::errand::{Order, Report, SUBCOMMAND};
use crate::shim::tree;
use crate::shim::wire::encode;
use rustix::io::{FdFlags, fcntl_setfd};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a command may take. Process Compose gives it two seconds, which a cold `docker` or `aws` does not
/// keep.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than this is no value of a variable.
const MOST: u64 = 1 << 20;

/// How much of what a failed command said is shown.
const LAST_LINES: usize = 5;

const LOST: &str = "it was lost";

/// What runs the commands.
#[derive(Clone, Debug)]
pub struct Runner {
    /// Our own program, or the small one beside it.
    pub program: PathBuf,
    pub patience: Duration,
}

/// What a command gave.
struct Answer {
    exit: Exit,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Runner {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            program: helper()?,
            patience: PATIENCE,
        })
    }

    /// Runs all commands, in `environment` and in `cwd`, and gives each variable what its command has printed,
    /// without the white space around it. Every command that fails is an error.
    pub fn run(
        &self,
        commands: &[(String, Located<String>)],
        shell: &Shell<'_>,
        cwd: &Path,
        environment: &Environment,
    ) -> Checked<Vec<Assignment>> {
        let deadline = Instant::now() + self.patience;
        let pairs = environment.pairs();
        let env: Variables = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        // All are begun before the first is waited for.
        let begun: Vec<_> = commands
            .iter()
            .map(|(_, command)| {
                let launch = Launch {
                    argv: shell.argv(&command.value),
                    cwd: cwd.to_owned(),
                    env: env.clone(),
                    ..Launch::default()
                };
                Running::begin(&self.program, launch)
            })
            .collect();
        let mut diagnostics = Vec::new();
        let mut assignments = Vec::new();
        for ((name, command), begun) in commands.iter().zip(begun) {
            match begun
                .map_err(|error| vec![error.to_string()])
                .and_then(|running| running.value(deadline, self.patience))
            {
                Ok(value) => assignments.push(Assignment {
                    name: name.clone(),
                    value,
                    origin: Origin::At(command.span.clone()),
                }),
                Err(causes) => diagnostics.push(failed(name, command, causes)),
            }
        }
        Checked::new(assignments, diagnostics)
    }
}

/// So many were run by this process.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The commands under way; `None` when no more are to be run.
static UNDER_WAY: Mutex<Option<Vec<Weak<UnixStream>>>> = Mutex::new(Some(Vec::new()));

fn under_way() -> MutexGuard<'static, Option<Vec<Weak<UnixStream>>>> {
    // Whoever panicked has left a list that is whole.
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends what is under way, since this process is about to end, and has nothing begun any more. Whoever waits for a
/// command is told that it has no value.
pub fn stop() {
    let stopped = under_way().take().unwrap_or_default();
    for socket in stopped.iter().filter_map(Weak::upgrade) {
        // Closed already where its parent has gone.
        socket.shutdown(Shutdown::Both).ok();
    }
}

/// The error says that no more are to be run.
fn note(socket: &Arc<UnixStream>) -> io::Result<()> {
    let mut under_way = under_way();
    let Some(list) = &mut *under_way else {
        return Err(io::Error::other("ovr is ending"));
    };
    list.retain(|other| other.strong_count() > 0);
    list.push(Arc::downgrade(socket));
    Ok(())
}

fn failed(name: &str, command: &Located<String>, causes: Vec<String>) -> Diagnostic {
    let error = Diagnostic::error(
        Kind::Config,
        format!(
            "env_cmds: {name} has no value: `{}` failed",
            first_line(&command.value)
        ),
    )
    .at(command.span.clone());
    causes.into_iter().fold(error, Diagnostic::cause)
}

fn first_line(command: &str) -> &str {
    command.trim().lines().next().unwrap_or_default()
}

/// A command under way, and its parent.
struct Running {
    parent: Child,
    /// When it is closed, all ends.
    socket: Arc<UnixStream>,
    /// What all its processes carry in their environment.
    token: String,
    answer: mpsc::Receiver<io::Result<Answer>>,
}

impl Running {
    fn begin(program: &Path, launch: Launch) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let socket = Arc::new(ours);
        note(&socket)?;
        let mut parent = parent(program, &theirs)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let token = format!("printed-{}-{number}", std::process::id());
        let order = encode(&Order::Run {
            launch,
            token: token.clone(),
            // What it starts in the background may be an agent that others are to find.
            spares: true,
        });
        let (say, answer) = mpsc::channel();
        let (out, err) = (parent.stdout.take(), parent.stderr.take());
        let told = Arc::clone(&socket);
        // Ends with the command, or when that is ended. Nobody listens any more when it was given up.
        thread::spawn(move || say.send(listen(&told, &order, out, err)));
        Ok(Self {
            parent,
            socket,
            token,
            answer,
        })
    }

    /// What the command has printed, or why that is nothing to go by.
    fn value(mut self, deadline: Instant, patience: Duration) -> Result<String, Vec<String>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = match self.answer.recv_timeout(left) {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                self.end();
                return Err(vec![error.to_string()]);
            }
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                return Err(vec![format!("it gave no answer within {} s", patience.as_secs())]);
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.end();
                return Err(vec![LOST.to_owned()]);
            }
        };
        self.reap();
        if answer.exit != Exit::Code(0) {
            let mut causes = vec![ended(answer.exit)];
            causes.extend(last_lines(&answer.err));
            return Err(causes);
        }
        match String::from_utf8(answer.out) {
            Ok(text) if !text.contains('\0') => Ok(text.trim().to_owned()),
            Ok(_) | Err(_) => Err(vec!["what it printed is no text".to_owned()]),
        }
    }

    /// Ends all of it; nothing is left then.
    fn end(&mut self) {
        // Closed already where its parent has gone.
        self.socket.shutdown(Shutdown::Both).ok();
        self.reap();
    }

    /// Waits for the parent's end. Only one that was killed has left anything that is not to be left.
    fn reap(&mut self) {
        if !self.parent.wait().is_ok_and(|status| status.success()) {
            tree::end_all(&self.token, 0);
        }
    }
}

/// Starts the parent of a command that is told to it by the socket.
fn parent(program: &Path, theirs: &UnixStream) -> io::Result<Child> {
    let number = theirs.as_raw_fd();
    let mut command = Command::new(program);
    open_files::give_back(&mut command);
    command
        .args([SUBCOMMAND, &number.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A key typed here is not for it: what happens then is told by the socket's end.
        .process_group(0);
    // SAFETY: the closure makes one system call and allocates nothing, which is sound between fork and exec; the
    // socket is open until the parent has been started.
    unsafe {
        command.pre_exec(move || Ok(fcntl_setfd(BorrowedFd::borrow_raw(number), FdFlags::empty())?));
    }
    let spawned = command.spawn();
    spawned
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run {}: {error}", program.display())))
}

/// Has the command run, and reads its output to its end.
fn listen(
    socket: &UnixStream,
    order: &[u8],
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
) -> io::Result<Answer> {
    (&mut &*socket).write_all(order)?;
    let (out, err) = (thread::spawn(move || read(out)), thread::spawn(move || read(err)));
    // If its parent was killed, the output may be held open by what that has left, which is ended for it.
    let exit = exit(socket)?;
    let whole = |read: JoinHandle<_>| read.join().unwrap_or_else(|_| Err(io::Error::other(LOST)));
    let (out, err) = (whole(out)?, whole(err)?);
    // Its parent may be gone with it.
    (&mut &*socket).write_all(&encode(&Order::Release)).ok();
    Ok(Answer { exit, out, err })
}

fn read(from: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        (&mut from).take(MOST).read_to_end(&mut bytes)?;
        // The rest is read as well: nobody should wait for a reader.
        io::copy(&mut from, &mut io::sink())?;
    }
    Ok(bytes)
}

/// How the command ended; the error says why it never ran.
fn exit(socket: &UnixStream) -> io::Result<Exit> {
    for line in BufReader::new(socket).lines() {
        match serde_json::from_str(&line?)? {
            Report::Exited { exit } | Report::Ended { exit } => return Ok(exit),
            Report::NotSpawned { reason } => return Err(io::Error::other(reason)),
            Report::Spawned { .. } => {}
        }
    }
    Err(io::Error::other(LOST))
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("it exited with code {code}"),
        Exit::Signal(signal) => format!("it was ended by signal {}", signal.number()),
    }
}

fn last_lines(said: &[u8]) -> Vec<String> {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.iter().map(|line| line.trim_end().to_owned()).collect()
}
