//! A manager as a contender: a session in the foreground whose console is a pipe that somebody reads.

use super::arena::{Arena, send, wait_for_ends, watch};
use super::manager::Manager;
use rustix::process::Signal;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// A running manager.
pub(crate) struct Session<'a> {
    arena: &'a Arena,
    manager: &'a Manager,
    dir: PathBuf,
    pub(crate) child: Child,
    readers: Vec<JoinHandle<String>>,
}

/// A project with these services, in order.
pub(crate) fn project(arena: &Arena, services: &[(String, String)]) -> PathBuf {
    let dir = arena.fresh_dir();
    let mut text = String::new();
    for (name, command) in services {
        writeln!(text, "{name}: {command}").expect("a String takes everything");
    }
    fs::write(dir.join("Procfile"), text).expect("the directory is ours");
    dir
}

/// `count` services that report on the beacon and sleep.
pub(crate) fn idlers(count: usize, command: &str) -> Vec<(String, String)> {
    (0..count)
        .map(|n| (format!("s{n}"), command.to_owned()))
        .collect()
}

impl<'a> Session<'a> {
    /// Spawns it and returns at once.
    pub(crate) fn start(
        arena: &'a Arena,
        manager: &'a Manager,
        dir: PathBuf,
        args: &[&str],
    ) -> Result<Self, String> {
        let mut child = start_command(arena, manager, &dir, args)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut readers = Vec::new();
        if let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) {
            readers.push(std::thread::spawn(move || tail(&mut stdout)));
            readers.push(std::thread::spawn(move || tail(&mut stderr)));
        }
        Ok(Self {
            arena,
            manager,
            dir,
            child,
            readers,
        })
    }

    /// A command of the manager in this project, silent.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.arena.command(&self.manager.program);
        command
            .args(args)
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Sends Ctrl-C's signal.
    pub(crate) fn interrupt(&self) {
        send(self.child.id(), Signal::INT);
    }

    /// Waits for its end: with patience, for not every manager comes to one.
    pub(crate) fn wait(&mut self) -> Result<i32, String> {
        if matches!(self.child.try_wait(), Ok(None)) {
            wait_for_ends(&watch(&[self.child.id()])?)?;
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        Ok(super::output::shell_code(status))
    }

    /// Ends it outside of any measurement; what it said last is the reason if an attempt failed.
    pub(crate) fn end<T>(mut self, attempt: Result<T, String>) -> Result<T, String> {
        if attempt.is_ok() {
            self.interrupt();
        }
        if attempt.is_err() || self.wait().is_err() {
            self.arena.kill_all();
            self.child.wait().map_err(|error| error.to_string())?;
        }
        let said: Vec<String> = self
            .readers
            .drain(..)
            .map(|reader| reader.join().unwrap_or_default())
            .collect();
        attempt.map_err(
            |reason| match said.iter().rev().find_map(|text| text.lines().last()) {
                Some(last) => format!("{reason}; said {last:?}"),
                None => reason,
            },
        )
    }
}

/// `ovr start ARGS`, or a peer's like of it, with its output in pipes.
pub(crate) fn start_command(arena: &Arena, manager: &Manager, dir: &Path, args: &[&str]) -> Command {
    let mut command = arena.command(&manager.program);
    command
        .args(manager.start)
        .args(args)
        // Overmind keeps its scripts there.
        .env("TMPDIR", &arena.dir)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads to the end and keeps the last bit.
fn tail(pipe: &mut impl Read) -> String {
    let mut buffer = vec![0; 65536];
    let mut last = Vec::new();
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        last.extend_from_slice(&buffer[..count]);
        let surplus = last.len().saturating_sub(2000);
        last.drain(..surplus);
    }
    String::from_utf8_lossy(&last).into_owned()
}
