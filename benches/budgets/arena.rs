//! Where it is measured: a directory of its own, a clean environment, the beacon on which services say that they
//! live, and the process table to find everything again. How a contender is started is not known here.

use super::manager::Manager;
use ovr::platform::process_end::ProcessEnd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before the attempt counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The surroundings of a whole run.
pub(crate) struct Arena {
    pub(crate) dir: PathBuf,
    /// `ovr`, then its peers.
    pub(crate) managers: Vec<Manager>,
    mark: String,
    next: Cell<u32>,
    faults: RefCell<Vec<String>>,
    _guard: TempDir,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let guard = tempfile::Builder::new()
            .prefix("ovr-bench-")
            .tempdir_in("/tmp")
            .expect("/tmp is writable");
        let dir = guard.path().canonicalize().expect("it was just made");
        for name in ["home", "run", "state", "tmux"] {
            fs::create_dir(dir.join(name)).expect("the directory is empty");
        }
        Self {
            mark: format!("OVR_BENCH_MARK={}", dir.display()),
            dir,
            managers: Manager::all(),
            next: Cell::new(0),
            faults: RefCell::default(),
            _guard: guard,
        }
    }

    /// What was measured with what: for the line above the table.
    pub(crate) fn describe(&self) -> String {
        let say = |program: &Path, arg: &str| {
            let output = self.command(program).arg(arg).output();
            output.map_or_else(
                |error| error.to_string(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            )
        };
        let [ovr, peers @ ..] = self.managers.as_slice() else {
            return String::new();
        };
        let profile = match ovr.program.parent().and_then(Path::file_name) {
            Some(name) => format!("{} build", name.display()),
            None => "build unknown".to_owned(),
        };
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let mut versions = format!(
            "{} ({profile}), {}",
            say(&ovr.program, "--version"),
            say(&tmux(), "-V"),
        );
        for peer in peers {
            versions.extend([", ", &say(&peer.program, "--version")]);
        }
        format!("{versions}, {processors} processors; medians (lowest–highest)")
    }

    /// Something was found that must not be, whatever the machine: it is told at the end, which is an error.
    pub(crate) fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        self.faults.take()
    }

    /// A command in a clean environment.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let (name, value) = self.mark.split_once('=').expect("the mark is NAME=VALUE");
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.join("home"))
            .env("OVR_RUNTIME_DIR", self.dir.join("run"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("TMUX_TMPDIR", self.dir.join("tmux"))
            .env("OVR_TMUX", tmux())
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env(name, value);
        command
    }

    /// An empty directory.
    pub(crate) fn fresh_dir(&self) -> PathBuf {
        self.next.set(self.next.get() + 1);
        let dir = self.dir.join(format!("p{}", self.next.get()));
        fs::create_dir(&dir).expect("names are not used twice");
        dir
    }

    /// A fresh beacon.
    pub(crate) fn beacon(&self) -> Beacon {
        self.next.set(self.next.get() + 1);
        let path = self.dir.join(format!("b{}", self.next.get()));
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|made| made.success()), "names are not used twice");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .expect("a pipe that was just made opens");
        Beacon { path, file }
    }

    /// Every living process of this run, with its name: by the mark in its environment, or by the directory in its
    /// command line (`ovr` keeps the environment out of tmux).
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let own = std::process::id();
        let dir = self.dir.to_str().expect("a path of ASCII").as_bytes();
        let holds = |pid: u32, file: &str, what: &[u8]| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            bytes.windows(what.len()).any(|window| window == what)
        };
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid != own)
            .filter(|pid| holds(*pid, "environ", self.mark.as_bytes()) || holds(*pid, "cmdline", dir))
            .map(|pid: u32| {
                let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                (pid, name.trim_end().to_owned())
            })
            .collect()
    }

    /// Kills what is left of an attempt, by id.
    pub(crate) fn kill_all(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > end {
                return;
            }
            for (pid, _) in left {
                send(pid, Signal::KILL);
            }
            std::thread::yield_now();
        }
    }
}

/// The tmux that is measured, and that `ovr` uses: the first on the path, or the one that `OVR_TMUX` names.
pub(crate) fn tmux() -> PathBuf {
    match std::env::var_os("OVR_TMUX").filter(|name| !name.is_empty()) {
        // Contenders run in directories of their own.
        Some(name) if name.as_encoded_bytes().contains(&b'/') => {
            std::path::absolute(&name).unwrap_or_else(|_| name.into())
        }
        Some(name) => name.into(),
        None => "tmux".into(),
    }
}

/// Sends a signal; a process that is gone is fine.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .expect("a pid is a positive int");
    kill_process(pid, signal).ok();
}

/// What makes this program such a service.
pub(crate) const IDLE: &str = "--idle";

/// The service of [`Beacon::idle_program`].
pub(crate) fn idle(beacon: &str) -> ! {
    let report = format!("{}\n", std::process::id());
    fs::write(beacon, report).expect("the beacon is there as long as anybody measures");
    loop {
        std::thread::park();
    }
}

/// A named pipe on which each service writes its pid as its first act: "running" is known without asking.
pub(crate) struct Beacon {
    path: PathBuf,
    file: File,
}

impl Beacon {
    /// A command that reports and then does nothing for long.
    pub(crate) fn idle_command(&self) -> String {
        format!("echo $$ >{}; exec sleep 1000", self.path.display())
    }

    /// The same as a program with an argument, which needs no shell.
    pub(crate) fn idle_program(&self) -> String {
        let this = std::env::current_exe().expect("the system knows what it runs");
        format!("{} {IDLE} {}", this.display(), self.path.display())
    }

    /// Waits for the next `count` reports; the pids, in order. An end of the `keeper` (the contender's process) is
    /// the end of waiting.
    pub(crate) fn wait(&mut self, count: usize, keeper: Option<&Child>) -> Result<Vec<u32>, String> {
        self.wait_within(PATIENCE, count, keeper)
    }

    /// The same with another patience.
    pub(crate) fn wait_within(
        &mut self,
        patience: Duration,
        count: usize,
        keeper: Option<&Child>,
    ) -> Result<Vec<u32>, String> {
        let keeper = watch(&keeper.map(Child::id).into_iter().collect::<Vec<u32>>())?;
        let end = Instant::now() + patience;
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').count() - 1;
        while lines(&text) < count {
            let left = end.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).expect("it is no age");
            let mut waiting: Vec<PollFd<'_>> = std::iter::once(PollFd::new(&self.file, PollFlags::IN))
                .chain(keeper.iter().map(|keeper| PollFd::new(keeper, PollFlags::IN)))
                .collect();
            let ready = poll(&mut waiting, Some(&left));
            match ready {
                Ok(1..) if !waiting[0].revents().is_empty() => {
                    let read = self.file.read(&mut buffer).map_err(|error| error.to_string())?;
                    text.extend_from_slice(&buffer[..read]);
                }
                Ok(_) => return Err(format!("{} of {count} came up", lines(&text))),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        String::from_utf8_lossy(&text)
            .lines()
            .map(|line| line.parse().map_err(|_| format!("no pid: {line}")))
            .collect()
    }
}

/// Waits until all these processes have ended, by their descriptors: no looking again and again.
pub(crate) fn wait_for_ends(watched: &[ProcessEnd]) -> Result<(), String> {
    for end in watched {
        let patience = Timespec::try_from(PATIENCE).expect("it is no age");
        let mut waiting = [PollFd::new(end, PollFlags::IN)];
        if poll(&mut waiting, Some(&patience)) != Ok(1) {
            return Err("a process did not end".to_owned());
        }
    }
    Ok(())
}

/// Hold of processes, for [`wait_for_ends`].
pub(crate) fn watch(pids: &[u32]) -> Result<Vec<ProcessEnd>, String> {
    pids.iter()
        .map(|pid| ProcessEnd::watch(*pid).map_err(|error| format!("{pid}: {error}")))
        .collect()
}
