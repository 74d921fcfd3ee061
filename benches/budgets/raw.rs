//! Bare pseudoterminals as a contender: fork, exec, one thread that reads them all. What a manager cannot beat.

use super::arena::Arena;
use super::pty::Pty;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::thread::JoinHandle;

/// Some commands, each on its own terminal.
pub(crate) struct Children {
    pub(crate) children: Vec<Child>,
    reader: Option<JoinHandle<()>>,
}

impl Children {
    /// Starts them all, then reads.
    pub(crate) fn start(arena: &Arena, commands: &[String]) -> Result<Self, String> {
        Self::start_in(arena, &[], commands)
    }

    /// The same where every command has so much more in its environment.
    pub(crate) fn start_in(
        arena: &Arena,
        environment: &[(String, String)],
        commands: &[String],
    ) -> Result<Self, String> {
        let mut children = Vec::new();
        let mut masters = Vec::new();
        for command in commands {
            let (child, master) = spawn_in(arena, environment, command)?;
            children.push(child);
            masters.push(master);
        }
        let reader = std::thread::spawn(move || read_all(masters));
        Ok(Self {
            children,
            reader: Some(reader),
        })
    }

    /// Sends a signal to every group.
    pub(crate) fn signal(&self, signal: Signal) {
        for child in &self.children {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                kill_process_group(pid, signal).ok();
            }
        }
    }

    /// Waits for all of them.
    pub(crate) fn wait(&mut self) -> Result<(), String> {
        for child in &mut self.children {
            child.wait().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Ends them outside of any measurement.
    pub(crate) fn end<T>(mut self, attempt: Result<T, String>) -> Result<T, String> {
        self.signal(Signal::KILL);
        self.wait()?;
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
        attempt
    }
}

/// Starts one command on a terminal.
pub(crate) fn spawn(arena: &Arena, command: &str) -> Result<(Child, OwnedFd), String> {
    spawn_in(arena, &[], command)
}

fn spawn_in(
    arena: &Arena,
    environment: &[(String, String)],
    command: &str,
) -> Result<(Child, OwnedFd), String> {
    let pty = Pty::open(50, 200).map_err(|error| error.to_string())?;
    let mut shell = arena.command("/bin/sh");
    shell.args(["-c", command]).envs(environment.iter().cloned());
    let child = pty.spawn(&mut shell).map_err(|error| error.to_string())?;
    Ok((child, pty.master))
}

/// Reads until every terminal is closed.
fn read_all(mut masters: Vec<OwnedFd>) {
    let mut buffer = vec![0; 65536];
    while !masters.is_empty() {
        let ready: Vec<bool> = {
            let mut waiting: Vec<PollFd<'_>> = masters
                .iter()
                .map(|master| PollFd::new(master, PollFlags::IN))
                .collect();
            if poll(&mut waiting, None).is_err() {
                continue;
            }
            waiting.iter().map(|fd| !fd.revents().is_empty()).collect()
        };
        let mut place = 0;
        masters.retain(|master| {
            place += 1;
            !ready[place - 1] || matches!(rustix::io::read(master, &mut buffer), Ok(1..))
        });
    }
}
