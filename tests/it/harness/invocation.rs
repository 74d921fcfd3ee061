//! One call of a program in a project: arguments, directory, environment, and what it gets for a terminal.

use super::output::Output;
use super::pty::Pty;
use super::sandbox::{Sandbox, program};
use super::talk::Talk;
use super::terminal::{Shared, Terminal};
use super::wait::deadline;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A command to be run; begun by [`super::Project::cmd`].
pub(crate) struct Invocation {
    sandbox: Arc<Sandbox>,
    root: PathBuf,
    program: PathBuf,
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(String, Option<OsString>)>,
    size: (u16, u16),
    blind: bool,
}

impl Invocation {
    pub(crate) fn new(sandbox: &Arc<Sandbox>, root: &Path, args: &[&str]) -> Self {
        Self {
            sandbox: sandbox.clone(),
            root: root.to_owned(),
            program: program(),
            args: args.iter().map(OsString::from).collect(),
            dir: root.to_owned(),
            env: Vec::new(),
            size: (24, 80),
            blind: false,
        }
    }

    /// Another program than `ovr`.
    pub(crate) fn program(mut self, program: &str) -> Self {
        self.program = program.into();
        self
    }

    /// One more argument, of whatever bytes.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The directory to call it in, relative to the project's root.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = self.root.join(dir);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), Some(value.into())));
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.env.push((name.to_owned(), None));
        self
    }

    /// Rows and columns of the terminal, if it gets one.
    pub(crate) fn size(mut self, rows: u16, cols: u16) -> Self {
        self.size = (rows, cols);
        self
    }

    /// Keeps no screen, for floods of output.
    pub(crate) fn blind(mut self) -> Self {
        self.blind = true;
        self
    }

    fn command(&self) -> Command {
        self.sandbox.take_stock();
        let mut command = Command::new(&self.program);
        self.sandbox.furnish(&mut command);
        command.args(&self.args).current_dir(&self.dir);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    fn line(&self) -> String {
        let name = self.program.file_name().unwrap_or_default();
        let words: Vec<_> = std::iter::once(name)
            .chain(self.args.iter().map(OsString::as_os_str))
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        words.join(" ")
    }

    /// Runs it on a terminal of its own.
    pub(crate) fn terminal(self) -> Terminal {
        let pty = Pty::open(self.size.0, self.size.1).expect("the machine has terminals left");
        let child = pty
            .spawn(&mut self.command())
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.line()));
        let shared = Shared::new(self.line(), (!self.blind).then_some(self.size));
        self.sandbox.watch(shared.clone());
        Terminal::on_pty(&self.sandbox, shared, child, pty.master)
    }

    /// Runs it without a terminal: nothing to read, pipes to write to.
    pub(crate) fn piped(self) -> Terminal {
        let shared = Shared::new(self.line(), None);
        self.sandbox.watch(shared.clone());
        self.through_pipes(shared)
    }

    /// Runs it with pipes to talk to it by.
    pub(crate) fn talk(self) -> Talk {
        Talk::begin(&self.sandbox, &mut self.command())
    }

    fn through_pipes(self, shared: Arc<Shared>) -> Terminal {
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", self.line()));
        Terminal::on_pipes(&self.sandbox, shared, child)
    }

    /// Runs it without a terminal to its end.
    #[track_caller]
    pub(crate) fn output(self) -> Output {
        let (line, sandbox) = (self.line(), self.sandbox.clone());
        self.try_output().unwrap_or_else(|| {
            panic!(
                "`{line}` does not end, or leaves its output open\n{}",
                sandbox.report()
            )
        })
    }

    /// The same; `None` if it does not end, or somebody it has started keeps its output open.
    pub(crate) fn try_output(self) -> Option<Output> {
        let (line, sandbox) = (self.line(), self.sandbox.clone());
        let running = self.through_pipes(Shared::new(line.clone(), None));
        let pid = running.pid;
        if !running.is_over_within(deadline()) {
            super::processes::kill(pid, rustix::process::Signal::KILL);
            return None;
        }
        Some(Output {
            command: line,
            code: running.wait_exit(),
            stdout: String::from_utf8_lossy(&running.raw()).into_owned(),
            stderr: running.stderr(),
            sandbox,
        })
    }
}
