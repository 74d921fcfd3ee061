//! A running command and what it has printed so far, on a terminal of its own or through pipes. A reader thread
//! feeds a screen; whoever waits is woken by it.

use super::processes;
use super::pty;
use super::sandbox::Sandbox;
use super::stream::Plain;
use super::wait::deadline;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// A command that was started and not waited for.
pub(crate) struct Terminal {
    pub(crate) pid: u32,
    shared: Arc<Shared>,
    master: Option<Arc<OwnedFd>>,
    /// Its other end ends the reader when this one is dropped.
    leash: Option<OwnedFd>,
    sandbox: Arc<Sandbox>,
}

/// What reader, waiter and test have in common.
pub(crate) struct Shared {
    pub(crate) name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    screen: Option<vt100::Parser>,
    /// Everything it printed, as it printed it.
    raw: Vec<u8>,
    /// The same without escape sequences and carriage returns.
    plain: Plain,
    stderr: Vec<u8>,
    paused: bool,
    hung_up: bool,
    /// The readers that have not seen the end yet.
    open: u32,
    status: Option<ExitStatus>,
}

impl Shared {
    pub(crate) fn new(name: String, size: Option<(u16, u16)>) -> Arc<Self> {
        let screen = size.map(|(rows, cols)| vt100::Parser::new(at_least_two(rows), at_least_two(cols), 0));
        Arc::new(Self {
            name,
            state: Mutex::new(State {
                screen,
                ..State::default()
            }),
            changed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no reader panics while it holds the state")
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changed.notify_all();
        answer
    }

    /// Screen and last output, for a failure's report.
    pub(crate) fn report(&self) -> String {
        let state = self.lock();
        let screen = state.screen.as_ref().map_or(String::new(), |parser| {
            let screen = parser.screen();
            format!("screen {:?}:\n{}\n", screen.size(), screen.contents())
        });
        format!(
            "── {} ({})\n{screen}last output:\n{}\n{}",
            self.name,
            state
                .status
                .map_or_else(|| "running".to_owned(), |status| status.to_string()),
            state.plain.tail(2000),
            String::from_utf8_lossy(&state.stderr)
        )
    }
}

impl Terminal {
    /// Takes over a child on a pseudoterminal.
    pub(crate) fn on_pty(sandbox: &Arc<Sandbox>, shared: Arc<Shared>, child: Child, master: OwnedFd) -> Self {
        let master = Arc::new(master);
        let (held, leash) = rustix::pipe::pipe().expect("the machine has descriptors left");
        shared.lock().open += 1;
        {
            let (shared, master) = (shared.clone(), master.clone());
            thread::spawn(move || read_pty(&shared, &master, &held));
        }
        Self::with_waiter(sandbox, shared, child, Some(master), Some(leash))
    }

    /// Takes over a child whose standard output and error are pipes.
    pub(crate) fn on_pipes(sandbox: &Arc<Sandbox>, shared: Arc<Shared>, mut child: Child) -> Self {
        let stdout = child.stdout.take().expect("standard output was piped");
        let stderr = child.stderr.take().expect("standard error was piped");
        shared.lock().open += 2;
        let (out, err) = (shared.clone(), shared.clone());
        thread::spawn(move || read_pipe(&out, stdout, State::take_output));
        thread::spawn(move || read_pipe(&err, stderr, |state, bytes| state.stderr.extend_from_slice(bytes)));
        Self::with_waiter(sandbox, shared, child, None, None)
    }

    fn with_waiter(
        sandbox: &Arc<Sandbox>,
        shared: Arc<Shared>,
        mut child: Child,
        master: Option<Arc<OwnedFd>>,
        leash: Option<OwnedFd>,
    ) -> Self {
        let pid = child.id();
        let waiter = shared.clone();
        thread::spawn(move || {
            let status = child.wait().expect("a child can be waited for once");
            waiter.change(|state| state.status = Some(status));
        });
        Self {
            pid,
            shared,
            master,
            leash,
            sandbox: sandbox.clone(),
        }
    }

    #[track_caller]
    fn wait<T>(&self, name: &str, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let end = Instant::now() + deadline();
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = look(&state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!(
                    "waited in vain for: {name} (of {})\n{}",
                    self.shared.name,
                    self.sandbox.report()
                );
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .expect("no reader panics while it holds the state")
                .0;
        }
    }

    /// Waits until the screen is as the condition wants it.
    #[track_caller]
    pub(crate) fn wait_for_screen(&self, name: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        self.wait(name, |state| {
            let parser = state.screen.as_ref().expect("the command has a screen");
            condition(parser.screen()).then_some(())
        });
    }

    /// Waits until the screen shows this text.
    #[track_caller]
    pub(crate) fn wait_for_screen_text(&self, text: &str) {
        self.wait_for_screen(&format!("{text:?} on the screen"), |screen| {
            screen.contents().contains(text)
        });
    }

    /// Waits until this text has been printed since the start, escape sequences aside.
    #[track_caller]
    pub(crate) fn wait_for_output(&self, text: &str) {
        let mut from = 0;
        self.wait(&format!("output {text:?}"), |state| {
            let found = state.plain.contains(text, from);
            from = state.plain.len().saturating_sub(text.len());
            found.then_some(())
        });
    }

    /// Waits for the end; the exit code, or 128 + the signal's number.
    #[track_caller]
    pub(crate) fn wait_exit(&self) -> i32 {
        let status = self.wait("its end", |state| state.status);
        // What it printed last may still be in the terminal. Whoever keeps the other end open gets no more time.
        self.is_over_within(Duration::from_secs(1));
        shell_code(status)
    }

    /// Waits until it has ended and everything it printed was read; `false` when `time` is over before that.
    pub(crate) fn is_over_within(&self, time: Duration) -> bool {
        let unfinished = |state: &mut State| state.status.is_none() || state.open > 0;
        let (_state, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), time, unfinished)
            .expect("no reader panics while it holds the state");
        !waited.timed_out()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.shared.lock().status.is_some()
    }

    /// Everything printed so far, without escape sequences and carriage returns.
    pub(crate) fn plain(&self) -> String {
        self.shared.lock().plain.text()
    }

    /// The end of it, of a few screens: all of a flood takes long to look through.
    pub(crate) fn plain_end(&self) -> String {
        self.shared.lock().plain.tail(4096)
    }

    /// How often `text` stands in it.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.shared.lock().plain.count(text)
    }

    /// Everything printed so far, byte by byte.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.shared.lock().raw.clone()
    }

    /// Standard error, where it has a pipe of its own.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().stderr).into_owned()
    }

    /// The visible text.
    pub(crate) fn screen_text(&self) -> String {
        let state = self.shared.lock();
        state
            .screen
            .as_ref()
            .map_or(String::new(), |parser| parser.screen().contents())
    }

    /// Types bytes, as a keyboard would send them.
    pub(crate) fn type_keys(&self, keys: &str) {
        let master = self.master.as_ref().expect("keys need a terminal");
        let mut file = File::from(master.try_clone().expect("the machine has descriptors left"));
        file.write_all(keys.as_bytes()).expect("the terminal takes input");
    }

    pub(crate) fn ctrl_c(&self) {
        self.type_keys("\x03");
    }

    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        let master = self.master.as_ref().expect("only a terminal has a size");
        self.shared.change(|state| {
            if let Some(parser) = &mut state.screen {
                parser
                    .screen_mut()
                    .set_size(at_least_two(rows), at_least_two(cols));
            }
        });
        pty::resize(master, rows, cols).expect("the terminal is open");
    }

    /// Whether the terminal edits lines and echoes keys, as a shell leaves it for a command.
    pub(crate) fn has_line_editing(&self) -> bool {
        let master = self.master.as_ref().expect("only a terminal has settings");
        let settings = rustix::termios::tcgetattr(master).expect("the terminal is open");
        let modes = rustix::termios::LocalModes::ICANON | rustix::termios::LocalModes::ECHO;
        settings.local_modes.contains(modes)
    }

    /// Sends a signal to the command itself.
    pub(crate) fn signal(&self, signal: Signal) {
        if !self.has_ended() {
            processes::kill(self.pid, signal);
        }
    }

    /// Reads no more until [`Self::go_on_reading`]: what a person's Ctrl-S does.
    pub(crate) fn stop_reading(&self) {
        self.shared.change(|state| state.paused = true);
    }

    pub(crate) fn go_on_reading(&self) {
        self.shared.change(|state| state.paused = false);
    }

    /// Closes the terminal, as closing its window does: the kernel sends SIGHUP to the session's leader.
    pub(crate) fn hang_up(&mut self) {
        self.shared.change(|state| state.hung_up = true);
        self.leash = None;
        self.master = None;
        self.wait("the reader to let go of the terminal", |state| {
            (state.open == 0).then_some(())
        });
    }
}

impl Drop for Terminal {
    /// The terminal stays open behind a forgotten handle, so that the end of a scope is no hang-up: the sandbox
    /// ends the session first.
    fn drop(&mut self) {
        self.go_on_reading();
        if let Some(leash) = self.leash.take() {
            self.sandbox.keep(leash);
        }
    }
}

impl State {
    fn take_output(&mut self, bytes: &[u8]) {
        if let Some(parser) = &mut self.screen {
            parser.process(bytes);
        }
        self.plain.push(bytes);
        self.raw.extend_from_slice(bytes);
    }
}

/// A terminal may have no size; its screen needs one.
fn at_least_two(cells: u16) -> NonZero<u16> {
    NonZero::new(cells.max(2)).expect("two is not zero")
}

fn read_pty(shared: &Shared, master: &Arc<OwnedFd>, held: &OwnedFd) {
    let mut buffer = vec![0; 65536];
    loop {
        let mut waiting = [
            PollFd::new(master.as_ref(), PollFlags::IN),
            PollFd::new(held, PollFlags::IN),
        ];
        if poll(&mut waiting, None).is_err() {
            continue;
        }
        let let_go = !waiting[1].revents().is_empty();
        if let_go || !wait_while_paused(shared) {
            break;
        }
        // A terminal whose other side is closed answers EIO: the end.
        match rustix::io::read(master.as_ref(), &mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => shared.change(|state| state.take_output(&buffer[..count])),
        }
    }
    shared.change(|state| state.open -= 1);
}

fn read_pipe(shared: &Shared, mut pipe: impl Read, take: impl Fn(&mut State, &[u8])) {
    let mut buffer = vec![0; 65536];
    loop {
        if !wait_while_paused(shared) {
            break;
        }
        match pipe.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => shared.change(|state| take(state, &buffer[..count])),
        }
    }
    shared.change(|state| state.open -= 1);
}

/// Waits until reading may go on; `false` after a hang-up.
fn wait_while_paused(shared: &Shared) -> bool {
    let state = shared
        .changed
        .wait_while(shared.lock(), |state| state.paused && !state.hung_up)
        .expect("no reader panics while it holds the state");
    !state.hung_up
}

/// The code that a shell would show for this end.
pub(crate) fn shell_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .expect("a process that ended has a code or a signal")
}
