//! Bare tmux as a contender: a server on its own socket, a control client that is read, and nothing else.

use super::arena::{self, Arena};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

/// A server with one control client.
pub(crate) struct Server<'a> {
    arena: &'a Arena,
    socket: PathBuf,
    pub(crate) client: Child,
    /// Open as long as the client shall stay.
    _stdin: ChildStdin,
    reader: Option<JoinHandle<()>>,
}

impl<'a> Server<'a> {
    /// One window for each command: the first on the control client's command line, the others on its input (a
    /// command line is one message, and no longer than 16 kB).
    pub(crate) fn start(arena: &'a Arena, commands: &[String]) -> Result<Self, String> {
        Self::start_with(arena, &[], commands, |_| {})
    }

    /// The same where every window has so much more in its environment.
    pub(crate) fn start_in(
        arena: &'a Arena,
        environment: &[(String, String)],
        commands: &[String],
    ) -> Result<Self, String> {
        Self::start_as(arena, environment, &[], commands, |_| {})
    }

    /// The same with commands to run first, and somebody who sees what the client says.
    pub(crate) fn start_with(
        arena: &'a Arena,
        setup: &[&str],
        commands: &[String],
        see: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, String> {
        Self::start_as(arena, &[], setup, commands, see)
    }

    fn start_as(
        arena: &'a Arena,
        environment: &[(String, String)],
        setup: &[&str],
        commands: &[String],
        mut see: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, String> {
        let socket = arena.fresh_dir().join("s");
        let mut command = tmux(arena, &socket);
        command.envs(environment.iter().cloned()).arg("-C").args(setup);
        let (first, others) = commands.split_first().ok_or("no command")?;
        command.args(["new-session", "-x", "200", "-y", "50"]).arg(first);
        let mut client = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut stdin = client.stdin.take().ok_or("no pipe")?;
        let mut stdout = client.stdout.take().ok_or("no pipe")?;
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                see(&buffer[..count]);
            }
        });
        for text in others {
            writeln!(stdin, "new-window -d '{text}'").map_err(|error| error.to_string())?;
        }
        Ok(Self {
            arena,
            socket,
            client,
            _stdin: stdin,
            reader: Some(reader),
        })
    }

    /// A command for this server, silent.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = tmux(self.arena, &self.socket);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Ends the server outside of any measurement.
    pub(crate) fn end<T>(mut self, attempt: Result<T, String>) -> Result<T, String> {
        self.command(&["kill-server"]).status().ok();
        self.client.wait().map_err(|error| error.to_string())?;
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
        self.arena.kill_all();
        attempt
    }
}

fn tmux(arena: &Arena, socket: &std::path::Path) -> Command {
    let mut command = arena.command(arena::tmux());
    command.args(["-f", "/dev/null", "-S"]).arg(socket);
    command
}
