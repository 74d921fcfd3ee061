//! A project for a test: its files, calls of `ovr` in it, and what `ovr` says about its services.

use super::ports;
use super::processes;
use super::sandbox::{Sandbox, program};
use super::{Invocation, Output, Terminal};
use ovr::api::messages::{Service, Status};
use ovr::model::StateWord;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory with a Procfile, in a sandbox.
pub(crate) struct Project {
    sandbox: Arc<Sandbox>,
    pub(crate) root: PathBuf,
    /// Set for every call.
    env: Vec<(String, String)>,
    base_port: u16,
    /// This one checks the sandbox at its end.
    owner: bool,
}

impl Project {
    /// An empty project called `shop` in a sandbox of its own.
    pub(crate) fn new() -> Self {
        Self::at("shop")
    }

    /// The same with another directory, relative to the sandbox.
    pub(crate) fn at(dir: impl AsRef<Path>) -> Self {
        Self::within(Sandbox::new(), dir.as_ref(), true)
    }

    /// A project with this Procfile.
    pub(crate) fn with(procfile: &str) -> Self {
        Self::new().procfile(procfile)
    }

    /// Another project in the same sandbox: same user, same home, same runtime directory. Drop it first.
    pub(crate) fn beside(other: &Self, dir: &str) -> Self {
        Self::within(other.sandbox.clone(), Path::new(dir), false)
    }

    fn within(sandbox: Arc<Sandbox>, dir: &Path, owner: bool) -> Self {
        let root = sandbox.dir.join(dir);
        fs::create_dir_all(&root).expect("the sandbox is writable");
        sandbox.add_root(&root);
        Self {
            sandbox,
            root,
            env: Vec::new(),
            base_port: ports::DEFAULT_BASE,
            owner,
        }
    }

    /// A project with `count` services `s0`, `s1`, … whose commands this makes.
    pub(crate) fn with_many(count: usize, command: impl Fn(usize) -> String) -> Self {
        let lines: Vec<String> = (0..count).map(|n| format!("s{n}: {}", command(n))).collect();
        Self::with(&(lines.join("\n") + "\n"))
    }

    pub(crate) fn procfile(self, text: &str) -> Self {
        self.file("Procfile", text)
    }

    /// A file of the project; `path` may begin with `~/` for the home directory.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// A program on the services' path.
    pub(crate) fn script(self, name: &str, text: &str) -> Self {
        let path = self.sandbox.dir.join("bin").join(name);
        fs::remove_file(&path).ok();
        fs::write(&path, text).expect("the sandbox is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it was just written");
        self
    }

    /// With a base port that nobody listens at: for a test that another program at port 5000 would change. Where
    /// a port is taken, every screen says so.
    pub(crate) fn on_free_ports(mut self) -> Self {
        self.base_port = ports::free_base();
        let base = self.base_port.to_string();
        self.env("OVR_PORT", &base)
    }

    /// The port of the service in this place of the file, from 0.
    pub(crate) fn port(&self, place: u16) -> u16 {
        self.base_port + place * ports::STEP
    }

    /// A variable of the caller's environment, in every call.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes or overwrites a file, also while the session runs.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = match path.strip_prefix("~/") {
            Some(rest) => self.sandbox.dir.join("home").join(rest),
            None => self.root.join(path),
        };
        fs::create_dir_all(path.parent().expect("a file is in a directory"))
            .expect("the sandbox is writable");
        fs::write(&path, text).expect("the sandbox is writable");
        self.sandbox.expect_file(&path);
    }

    /// A directory of the sandbox: `run`, `state`, `home`, `tmp`, `out`, `bin`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.dir.join(name)
    }

    /// A call of `ovr`, to be refined and run.
    pub(crate) fn cmd(&self, args: &[&str]) -> Invocation {
        let call = Invocation::new(&self.sandbox, &self.root, args);
        self.env
            .iter()
            .fold(call, |call, (name, value)| call.env(name, value.clone()))
    }

    /// Runs `ovr` to its end, without a terminal.
    #[track_caller]
    pub(crate) fn ovr(&self, args: &[&str]) -> Output {
        self.cmd(args).output()
    }

    /// `ovr start ARGS` on a terminal of 24×80.
    pub(crate) fn start(&self, args: &[&str]) -> Terminal {
        self.cmd(&[&["start"], args].concat()).terminal()
    }

    /// `ovr start ARGS` without a terminal.
    pub(crate) fn start_piped(&self, args: &[&str]) -> Terminal {
        self.cmd(&[&["start"], args].concat()).piped()
    }

    /// `ovr start -D ARGS`, which must succeed.
    #[track_caller]
    pub(crate) fn start_detached(&self, args: &[&str]) {
        self.ovr(&[&["start", "-D"], args].concat()).success();
    }

    /// `ovr connect NAME` on a terminal of 24×80.
    pub(crate) fn connect(&self, name: &str) -> Terminal {
        self.cmd(&["connect", name]).terminal()
    }

    /// Puts `ovr` on the path.
    pub(crate) fn link_program(&self) {
        let link = self.sandbox.dir.join("bin/ovr");
        if !link.exists() {
            std::os::unix::fs::symlink(program(), link).expect("the sandbox is writable");
        }
    }

    /// An interactive shell with job control, in which `ovr` is on the path.
    pub(crate) fn shell(&self) -> Terminal {
        self.link_program();
        self.cmd(&["--norc", "--noprofile", "-i"])
            .program("/bin/bash")
            .env("PS1", "$ ")
            .env("HISTFILE", "/dev/null")
            .terminal()
    }

    /// `ovr status --json`, which must have an answer.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        let output = self.ovr(&["status", "--json"]);
        serde_json::from_value(output.answered().json())
            .unwrap_or_else(|error| panic!("not a status ({error}): {output}"))
    }

    /// The status if a session answers.
    pub(crate) fn try_status(&self) -> Option<Status> {
        let output = self.cmd(&["status", "--json"]).try_output()?;
        serde_json::from_str(&output.stdout).ok()
    }

    /// What `ovr status --json` says about one instance.
    #[track_caller]
    pub(crate) fn service(&self, name: &str) -> Service {
        let mut status = self.status();
        let place = status.services.iter().position(|service| service.name == name);
        status
            .services
            .swap_remove(place.unwrap_or_else(|| panic!("no {name} in {status:?}")))
    }

    /// Waits until the condition holds for what `status` says of this instance; returns that.
    #[track_caller]
    pub(crate) fn wait_service(
        &self,
        name: &str,
        what: &str,
        condition: impl Fn(&Service) -> bool,
    ) -> Service {
        let mut found = None;
        self.wait_until(&format!("{name} {what}"), || {
            found = self.try_status().and_then(|status| {
                status
                    .services
                    .into_iter()
                    .find(|service| service.name == name && condition(service))
            });
            found.is_some()
        });
        found.expect("the wait above ends with one")
    }

    /// Waits until `status` shows this instance in this state.
    #[track_caller]
    pub(crate) fn wait_state(&self, name: &str, state: StateWord) -> Service {
        self.wait_service(name, &format!("to be {state}"), |service| service.state == state)
    }

    /// Waits until all of these run; their pids.
    #[track_caller]
    pub(crate) fn wait_running<const N: usize>(&self, names: [&str; N]) -> [u32; N] {
        names.map(|name| {
            self.wait_service(name, "to run", |service| {
                service.state == StateWord::Running && service.pid.is_some()
            })
            .pid
            .expect("the condition above")
        })
    }

    /// Waits until this instance runs as another process than `old`; its pid.
    #[track_caller]
    pub(crate) fn wait_replaced(&self, name: &str, old: u32) -> u32 {
        let found = self.wait_service(name, "to run again", |service| {
            service.state == StateWord::Running && service.pid.is_some_and(|pid| pid != old)
        });
        found.pid.expect("the condition above")
    }

    /// Waits until the session is over: no process of this sandbox lives.
    #[track_caller]
    pub(crate) fn wait_gone(&self) {
        self.wait_until("every process to be gone", || self.processes().is_empty());
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, name: &str, condition: impl FnMut() -> bool) {
        self.sandbox.wait_until(name, condition);
    }

    /// Screens, output, states and processes, for a failure's message.
    pub(crate) fn report(&self) -> String {
        self.sandbox.report()
    }

    /// Every living process that this test's sandbox has brought about.
    pub(crate) fn processes(&self) -> Vec<processes::Process> {
        self.sandbox.processes()
    }

    /// The living processes whose command contains `text`.
    pub(crate) fn processes_with(&self, text: &str) -> Vec<processes::Process> {
        let mut found = self.processes();
        found.retain(|process| process.command.contains(text));
        found
    }

    /// What a service has written to `$OUT/name`; empty if nothing.
    pub(crate) fn out(&self, name: &str) -> String {
        let bytes = fs::read(self.path("out").join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until a service has written `$OUT/name` up to a line's end; the text without it.
    #[track_caller]
    pub(crate) fn wait_out(&self, name: &str) -> String {
        self.wait_until(&format!("$OUT/{name} to be written"), || {
            self.out(name).ends_with('\n')
        });
        self.out(name).trim_end().to_owned()
    }

    /// The tmux server's pid.
    #[track_caller]
    pub(crate) fn tmux_pid(&self) -> u32 {
        let output = self.tmux(&["display-message", "-p", "#{pid}"]);
        output
            .success()
            .stdout
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("no pid: {output}"))
    }

    /// Runs a tmux command in the session's own server.
    #[track_caller]
    pub(crate) fn tmux(&self, args: &[&str]) -> Output {
        let socket = self.status().session.tmux_socket;
        self.cmd(&[&["-S", socket.as_str()], args].concat())
            .program(self.path("bin/tmux").to_str().expect("ASCII"))
            .output()
    }

    /// Ends all sessions and checks that nothing is left; also done when the project is dropped.
    pub(crate) fn finish(self) {
        drop(self);
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if self.owner {
            self.sandbox.finish();
        }
    }
}
