//! What one test owns: directories, environment, mark; and the check at its end that nothing is left of it.

use super::Output;
use super::invocation::Invocation;
use super::processes;
use super::terminal::Shared;
use super::wait::{deadline, holds_within};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The variable that marks every process of a test.
const MARK: &str = "OVR_TEST_MARK";

/// The surroundings that one or more projects of a test share.
pub(crate) struct Sandbox {
    /// Short, so that sockets fit, and without symbolic links, so that paths compare.
    pub(crate) dir: PathBuf,
    mark: String,
    held: Mutex<Held>,
    /// Removes `dir`.
    _guard: TempDir,
}

#[derive(Default)]
struct Held {
    terminals: Vec<Arc<Shared>>,
    leashes: Vec<OwnedFd>,
    /// Each project's root, and what was in it before the first command ran there.
    roots: BTreeMap<PathBuf, Option<BTreeSet<PathBuf>>>,
    /// Files that the test itself puts into the home directory.
    home: BTreeSet<PathBuf>,
}

impl Sandbox {
    pub(crate) fn new() -> Arc<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let guard = tempfile::Builder::new()
            .prefix("ovr-it-")
            .rand_bytes(6)
            .tempdir_in("/tmp")
            .expect("/tmp is writable");
        let dir = guard.path().canonicalize().expect("it was just made");
        for name in ["home", "tmp", "run", "state", "bin", "out", "tmux"] {
            fs::create_dir(dir.join(name)).expect("the sandbox is empty");
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(dir.join("run"), private).expect("it was just made");
        link_programs(&dir.join("bin"));
        Arc::new(Self {
            mark: format!(
                "{}-{}-{}",
                std::process::id(),
                NEXT.fetch_add(1, Ordering::Relaxed),
                dir.file_name().and_then(|name| name.to_str()).expect("ASCII")
            ),
            dir,
            held: Mutex::default(),
            _guard: guard,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("nobody panics while holding this")
    }

    /// Gives `command` the sandbox's environment and nothing of the caller's.
    pub(crate) fn furnish(&self, command: &mut Command) {
        let path = format!(
            "{}:{}:/usr/local/bin:/usr/bin:/bin",
            self.dir.join("bin").display(),
            fixtures().display()
        );
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.dir.join("home"))
            .env("TMPDIR", self.dir.join("tmp"))
            .env("TMUX_TMPDIR", self.dir.join("tmux"))
            .env("OVR_RUNTIME_DIR", self.dir.join("run"))
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("OUT", self.dir.join("out"))
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env("USER", "tester")
            .env("TZ", "UTC")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env(MARK, &self.mark);
    }

    /// Every living process that this test has brought about.
    pub(crate) fn processes(&self) -> Vec<processes::Process> {
        processes::marked(&format!("{MARK}={}", self.mark), &self.dir)
    }

    pub(crate) fn watch(&self, terminal: Arc<Shared>) {
        self.lock().terminals.push(terminal);
    }

    /// Keeps a terminal open until the end of the sandbox.
    pub(crate) fn keep(&self, leash: OwnedFd) {
        self.lock().leashes.push(leash);
    }

    pub(crate) fn add_root(&self, root: &Path) {
        self.lock().roots.insert(root.to_owned(), None);
    }

    /// Notes what the projects contain, before the first command runs.
    pub(crate) fn take_stock(&self) {
        for (root, before) in &mut self.lock().roots {
            before.get_or_insert_with(|| contents(root));
        }
    }

    /// A file that the test itself writes is none that `ovr` left behind.
    pub(crate) fn expect_file(&self, path: &Path) {
        let mut held = self.lock();
        for part in path.ancestors() {
            if part.starts_with(self.dir.join("home")) {
                held.home.insert(part.to_owned());
            }
            for (root, before) in &mut held.roots {
                if let (true, Some(before)) = (part.starts_with(root), before) {
                    before.insert(part.to_owned());
                }
            }
        }
    }

    /// Waits until the condition holds; fails the test by the condition's name otherwise.
    #[track_caller]
    pub(crate) fn wait_until(&self, name: &str, condition: impl FnMut() -> bool) {
        let held = holds_within(deadline(), condition);
        assert!(held, "waited in vain for: {name}\n{}", self.report());
    }

    /// All there is to see when a test fails: screens, output, states, processes.
    pub(crate) fn report(&self) -> String {
        let terminals: Vec<_> = self.lock().terminals.clone();
        let roots: Vec<_> = self.lock().roots.keys().cloned().collect();
        let mut parts: Vec<String> = terminals.iter().map(|terminal| terminal.report()).collect();
        for root in roots {
            let mut command = Command::new(program());
            self.furnish(&mut command);
            command.args(["status", "--json"]).current_dir(&root);
            let status = run_briefly(&mut command).unwrap_or_else(|| "does not end".to_owned());
            parts.push(format!("── ovr status --json in {}\n{status}", root.display()));
        }
        parts.push(format!("── processes\n{}", processes::table(&self.processes())));
        parts.join("\n")
    }

    /// Ends every session and says what is left that should not be.
    fn close(self: &Arc<Self>) -> Vec<String> {
        let mut wrong = Vec::new();
        let roots: Vec<PathBuf> = self.lock().roots.keys().cloned().collect();
        for root in roots.iter().filter(|root| root.exists()) {
            if !self.processes().is_empty() {
                let quit = Invocation::new(self, root, &["quit"]).try_output();
                match quit.map(|output: Output| output.code) {
                    Some(0 | 69) => {}
                    Some(code) => wrong.push(format!("`ovr quit` ended with {code}")),
                    None => wrong.push("`ovr quit` did not end".to_owned()),
                }
            }
        }
        holds_within(Duration::from_secs(4), || self.processes().is_empty());
        let left = self.processes();
        if !left.is_empty() {
            wrong.push(format!("processes are left:\n{}", processes::table(&left)));
            self.kill_all();
        }
        self.lock().leashes.clear();
        wrong.extend(self.strange_files());
        wrong
    }

    /// What was written where nothing should be.
    fn strange_files(&self) -> Vec<String> {
        let held = self.lock();
        let mut strange = BTreeSet::new();
        for (root, before) in &held.roots {
            if let Some(before) = before {
                strange.extend(contents(root).difference(before).cloned());
            }
        }
        for name in ["home", "tmp", "run", "tmux"] {
            let dir = self.dir.join(name);
            strange.extend(contents(&dir).difference(&held.home).cloned());
            strange.remove(&dir);
        }
        strange
            .into_iter()
            .map(|path| format!("{} was left behind", path.display()))
            .collect()
    }

    /// Kills by id, again and again until nobody is left: somebody might fork meanwhile.
    fn kill_all(&self) {
        holds_within(Duration::from_secs(10), || {
            let left = self.processes();
            for process in &left {
                processes::kill(process.pid, Signal::CONT);
                processes::kill(process.pid, Signal::KILL);
            }
            left.is_empty()
        });
    }

    /// The end of a test. One that has failed already is only cleaned up after.
    pub(crate) fn finish(self: &Arc<Self>) {
        if thread::panicking() {
            self.kill_all();
            self.lock().leashes.clear();
            return;
        }
        let wrong = self.close();
        assert!(wrong.is_empty(), "after the end: {}", wrong.join("\n"));
    }
}

/// The program under test.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("OVR_TEST_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_ovr")), PathBuf::from)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures")
}

/// Puts the tmux and python to be used first on the tests' path: version managers' wrappers are slow and need
/// the real home. `OVR_TMUX` names another tmux, for `ovr` and for the tests themselves.
fn link_programs(bin: &Path) {
    let named = std::env::var("OVR_TMUX").ok().filter(|name| !name.is_empty());
    // `join` of an absolute path gives that path.
    let tmux = find(named.as_deref().unwrap_or("tmux"));
    // The next tmux on the path would let the tests pass.
    assert!(
        named.is_none() || tmux.is_some(),
        "OVR_TMUX names no program: {named:?}"
    );
    if let Some(tmux) = tmux {
        symlink(tmux, bin.join("tmux")).expect("the directory is empty");
    }
    let system = Path::new("/usr/bin/python3");
    let python = system
        .exists()
        .then(|| system.to_owned())
        .or_else(|| find("python3"));
    if let Some(python) = python {
        symlink(python, bin.join("python3")).expect("the directory is empty");
    }
}

fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

fn contents(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([dir.to_owned()]);
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(contents(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// Runs a command for a report; `None` if it does not end soon.
fn run_briefly(command: &mut Command) -> Option<String> {
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .ok()?;
    if !holds_within(Duration::from_secs(3), || matches!(child.try_wait(), Ok(Some(_)))) {
        child.kill().ok()?;
        child.wait().ok()?;
        return None;
    }
    let output = child.wait_with_output().ok()?;
    Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}
