//! A command as a check: run in the service's surroundings, good if it exits with 0. Whatever it starts ends
//! with the attempt.

use super::words::{last_line, no_answer, plain};
use super::{Good, Reason, Surroundings, in_time};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process_group};
use std::io::{self, ErrorKind, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::thread;
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// How much of the end of its output is kept.
const KEPT: usize = 4096;

pub(super) async fn attempt(
    argv: &[String],
    cwd: &Path,
    surroundings: Surroundings,
    limit: Duration,
) -> Result<Good, Reason> {
    let (mut running, mut output) = start(argv, cwd, surroundings)?;
    let status = in_time(limit, async {
        loop {
            tokio::select! {
                status = running.child.wait() => return status,
                () = output.more(), if output.is_open => {}
            }
        }
    });
    let status = status.await;
    output.take_rest();
    let said = last_line(&output.tail);
    let Some(status) = status else {
        running.end(true).await;
        return Err(with(no_answer(limit), said));
    };
    // Somebody who is not the command can still write: it has left processes behind.
    running.end(output.is_open).await;
    judge(status.map_err(|error| plain(&error))?, said)
}

fn judge(status: ExitStatus, said: Option<String>) -> Result<Good, Reason> {
    let how = match (status.code(), status.signal()) {
        (Some(0), _) => return Ok(Good::default()),
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => {
            let signal = signal.and_then(crate::model::Signal::from_number);
            signal.map_or_else(|| "killed".to_owned(), |signal| format!("killed by {signal}"))
        }
    };
    Err(with(how, said))
}

fn with(how: String, said: Option<String>) -> Reason {
    match said {
        Some(said) => format!("{how}: {said}"),
        None => how,
    }
}

fn start(argv: &[String], cwd: &Path, surroundings: Surroundings) -> Result<(Running, Output), Reason> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("there is no command".to_owned());
    };
    let unable = |error: &io::Error| match error.kind() {
        ErrorKind::NotFound if !cwd.is_dir() => format!("no directory {}", cwd.display()),
        ErrorKind::NotFound => format!("{program}: not found"),
        _ => format!("{program}: {}", plain(error)),
    };
    let (reader, writer) = io::pipe().map_err(|error| unable(&error))?;
    let errors = writer.try_clone().map_err(|error| unable(&error))?;
    let mut command = std::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(cwd)
        .env_clear()
        .envs(surroundings.env.iter())
        .env(surroundings.token.0, &surroundings.token.1)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .process_group(0);
    let (parent, prepare) = (getpid(), surroundings.prepare);
    // SAFETY: `become_child` makes two system calls, both async-signal-safe, and does not allocate; `prepare` is as
    // sound.
    unsafe {
        command.pre_exec(move || {
            prepare()?;
            become_child(parent)
        });
    }
    let output = Output::new(reader).map_err(|error| unable(&error))?;
    // The ends of the pipe that the command has go with it: only then does its end show.
    let child = Command::from(command).spawn().map_err(|error| unable(&error))?;
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let running = Running {
        child,
        group,
        token: surroundings.token.1,
        end_marked: surroundings.end_marked,
    };
    Ok((running, output))
}

/// Between fork and exec: no check outlives who made it.
fn become_child(parent: Pid) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that was set.
    if getppid() != Some(parent) {
        return Err(ErrorKind::NotFound.into());
    }
    Ok(())
}

/// The command's process, and what is known of those that it starts.
struct Running {
    child: Child,
    /// `None` when it has been ended.
    group: Option<Pid>,
    token: String,
    end_marked: fn(&str),
}

impl Running {
    /// Ends the group, and with `all` whatever has left it; all of it is gone then.
    async fn end(&mut self, all: bool) {
        self.kill_group();
        if all && let Some(done) = self.end_rest() {
            // Its sender is dropped if the thread fails; then nothing more can be done.
            let _ended = done.await;
        }
        // Reaped at once if it has ended already.
        let _status = self.child.wait().await;
    }

    /// The number stays the group's as long as it has a member, and is not given out again soon after.
    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }

    /// Looks through all processes for those that this command has started; in a thread, since that blocks.
    fn end_rest(&self) -> Option<oneshot::Receiver<()>> {
        let (done, ended) = oneshot::channel();
        let (end_marked, token) = (self.end_marked, self.token.clone());
        let thread = thread::Builder::new().name("probe".to_owned()).spawn(move || {
            end_marked(&token);
            // The attempt may have been cancelled meanwhile.
            let _nobody = done.send(());
        });
        thread.ok().map(|_running| ended)
    }
}

impl Drop for Running {
    /// The attempt is cancelled. tokio reaps the process.
    fn drop(&mut self) {
        if self.group.is_some() {
            self.kill_group();
            let _ended = self.end_rest();
        }
    }
}

/// What the command prints, the end of it.
struct Output {
    pipe: pipe::Receiver,
    tail: Vec<u8>,
    is_open: bool,
}

impl Output {
    fn new(reader: PipeReader) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?,
            tail: Vec::new(),
            is_open: true,
        })
    }

    /// Waits for more, and takes it.
    async fn more(&mut self) {
        if self.pipe.readable().await.is_err() {
            self.is_open = false;
        }
        self.take();
    }

    /// Takes what is there without waiting. A child that prints for ever does not hold this up.
    fn take_rest(&mut self) {
        for _ in 0..64 {
            if !self.is_open || !self.take() {
                return;
            }
        }
    }

    /// Whether there was something.
    fn take(&mut self) -> bool {
        let mut chunk = [0; KEPT];
        match self.pipe.try_read(&mut chunk) {
            Ok(0) => {
                self.is_open = false;
                false
            }
            Ok(count) => {
                self.tail.extend_from_slice(&chunk[..count]);
                let surplus = self.tail.len().saturating_sub(KEPT);
                self.tail.drain(..surplus);
                true
            }
            Err(error) => {
                self.is_open = error.kind() == ErrorKind::WouldBlock;
                false
            }
        }
    }
}
