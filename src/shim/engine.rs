//! The shim's loop: wait for one of socket, signal, terminal and deadline; react; say what happened. Who may
//! run and when is the controller's business.

use super::link::Link;
use super::live::{Live, Turn};
use super::protocol::{Ended, Hello, Order, Report, VERSION};
use super::signals::Signals;
use super::terminal::Terminal;
use super::{ShimArgs, give_memory_back, nonce, note};
use crate::model::mark::Mark;
use crate::model::{InstanceName, Launch, RunId, StopPlan};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What a service is left after its window has been closed.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

pub(super) struct Engine {
    instance: InstanceName,
    socket: PathBuf,
    pane: String,
    nonce: String,
    signals: Signals,
    terminal: Terminal,
    link: Option<Link>,
    /// The controller's queue was full; tried again at the next event.
    connect_due: bool,
    phase: Phase,
    last: Option<Ended>,
    /// To end as soon as nothing runs.
    leaving: bool,
    hung_up: bool,
}

enum Phase {
    Idle,
    /// A run waits for its first mark to be taken by the terminal.
    Opening(Box<Opening>),
    Live(Box<Live>),
}

struct Opening {
    run: RunId,
    launch: Launch,
    stop: StopPlan,
}

/// What a wait has brought.
#[derive(Default)]
struct Ready {
    signal: bool,
    link_in: bool,
    link_out: bool,
    terminal_in: bool,
    terminal_out: bool,
}

impl Engine {
    pub(super) fn new(args: ShimArgs) -> io::Result<Self> {
        // First of all: until then SIGUSR1 would end the process.
        let signals = Signals::install()?;
        // Orphans of the service come to the shim, which so knows when its tree is empty.
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        Ok(Self {
            instance: args.instance,
            socket: args.socket,
            pane: std::env::var("TMUX_PANE").unwrap_or_default(),
            nonce: nonce()?,
            signals,
            terminal: Terminal::open()?,
            link: None,
            connect_due: false,
            phase: Phase::Idle,
            last: None,
            leaving: false,
            hung_up: false,
        })
    }

    pub(super) fn serve(mut self) -> ExitCode {
        self.connect();
        while !(self.leaving && matches!(self.phase, Phase::Idle)) {
            let ready = self.wait();
            if ready.signal {
                self.on_signals();
            }
            if ready.link_in {
                self.on_orders();
            }
            if ready.link_out && self.link.as_mut().is_some_and(|link| link.flush().is_err()) {
                self.link = None;
            }
            if ready.terminal_out {
                self.terminal.flush();
            }
            if ready.terminal_in {
                self.on_keys();
            }
            if self.terminal.is_gone() {
                self.on_hangup();
            }
            self.on_deadline();
            self.open_run();
            if self.connect_due {
                self.connect();
            }
        }
        ExitCode::SUCCESS
    }

    /// Sleeps until something happens. Nothing but a stop plan at work sets a time.
    fn wait(&self) -> Ready {
        let mut fds = vec![PollFd::from_borrowed_fd(self.signals.fd(), PollFlags::IN)];
        if let Some(link) = &self.link {
            let out = if link.has_unsent() {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            fds.push(PollFd::from_borrowed_fd(link.fd(), PollFlags::IN | out));
        }
        let mut of_terminal = PollFlags::empty();
        of_terminal.set(PollFlags::IN, matches!(self.phase, Phase::Idle));
        of_terminal.set(PollFlags::OUT, !self.terminal.is_flushed());
        if let Some(fd) = self.terminal.fd()
            && !of_terminal.is_empty()
        {
            fds.push(PollFd::from_borrowed_fd(fd, of_terminal));
        }
        if poll(&mut fds, self.timeout().as_ref()).is_err() {
            // Interrupted: what interrupted it is readable at the next wait.
            return Ready::default();
        }
        let failed = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let mut results = fds.iter().map(PollFd::revents);
        let signal = results.next().unwrap_or(PollFlags::empty());
        let link = match self.link {
            Some(_) => results.next().unwrap_or(PollFlags::empty()),
            None => PollFlags::empty(),
        };
        let terminal = results.next().unwrap_or(PollFlags::empty());
        Ready {
            signal: !signal.is_empty(),
            link_in: link.intersects(PollFlags::IN | failed),
            link_out: link.contains(PollFlags::OUT),
            terminal_in: terminal.intersects(PollFlags::IN | failed),
            terminal_out: terminal.contains(PollFlags::OUT),
        }
    }

    /// A grace beyond what the system can count is one without end.
    fn timeout(&self) -> Option<Timespec> {
        let Phase::Live(live) = &self.phase else {
            return None;
        };
        let left = live.deadline()?.saturating_duration_since(Instant::now());
        Timespec::try_from(left).ok()
    }

    fn on_signals(&mut self) {
        let caught = self.signals.take();
        if caught.child {
            self.on_children();
        }
        if caught.reconnect {
            self.connect();
        }
        if caught.hangup {
            self.on_hangup();
        }
        if caught.terminate {
            self.cmd_close();
        }
    }

    fn on_children(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        match live.on_children() {
            Turn::Nothing => {}
            Turn::Tell(report) => self.report(&report),
            Turn::Over => self.on_over(),
        }
    }

    /// The run's tree is empty: its last mark, the window's note, the report.
    fn on_over(&mut self) {
        let Phase::Live(live) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let (ended, lasted) = live.conclude();
        let text = note::ended(&self.instance, &ended, lasted);
        self.close_run(ended.run, &text);
        if self.terminal.is_gone() {
            // It ended because its terminal had: that is to be known first.
            self.on_hangup();
        }
        self.last = Some(ended.clone());
        self.report(&Report::Ended(ended));
    }

    /// The window after a run: the run's end marked, the screen in order, a note.
    fn close_run(&mut self, run: RunId, text: &str) {
        self.terminal.take_back();
        let mut bytes = Mark::RunEnds(run).encode(&self.nonce);
        bytes.extend(note::after_run(text, &self.nonce));
        self.terminal.write(&bytes);
    }

    fn on_deadline(&mut self) {
        if let Phase::Live(live) = &mut self.phase
            && live.deadline().is_some_and(|due| due <= Instant::now())
        {
            live.on_deadline();
        }
    }

    fn on_keys(&mut self) {
        let keys = self.terminal.read_keys();
        if !keys.enter || !matches!(self.phase, Phase::Idle) || self.leaving {
            return;
        }
        // Not read yet by the controller: once says as much as twice.
        if self.link.as_ref().is_none_or(|link| !link.has_unsent()) {
            self.report(&Report::Enter);
        }
        if self.link.is_none() {
            self.terminal
                .write_note(&note::plain(note::NOBODY_THERE, &self.nonce));
        }
    }

    /// The window was closed or the tmux server is gone.
    fn on_hangup(&mut self) {
        if self.hung_up {
            return;
        }
        self.hung_up = true;
        self.leaving = true;
        self.terminal.lose();
        self.report(&Report::Hangup);
        self.cancel_opening("the window was closed");
        if let Phase::Live(live) = &mut self.phase {
            live.hurry(HANGUP_GRACE);
        }
    }

    fn on_orders(&mut self) {
        let open = self.link.as_mut().map(Link::receive);
        while let Some(order) = self.link.as_mut().map(Link::next_order) {
            match order {
                Ok(Some(order)) => self.carry_out(order),
                Ok(None) => break,
                Err(_) => self.link = None,
            }
        }
        if !matches!(open, Some(Ok(true))) {
            // The controller is gone. The next one says so with SIGUSR1.
            self.link = None;
        }
        give_memory_back();
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Hello { .. } => {}
            Order::Run { run, launch, stop } => self.cmd_run(run, launch, stop),
            Order::Stop { run, plan, kill } => self.cmd_stop(run, plan, kill),
            Order::Signal { run, signal } => match &self.phase {
                Phase::Live(live) if live.run == run => live.cmd_signal(signal),
                Phase::Live(_) | Phase::Opening(_) | Phase::Idle => {}
            },
            Order::Note { text } => {
                if matches!(self.phase, Phase::Idle) {
                    self.terminal.write_note(&note::plain(&text, &self.nonce));
                }
            }
            Order::Close => self.cmd_close(),
        }
    }

    fn cmd_run(&mut self, run: RunId, launch: Launch, stop: StopPlan) {
        let refused = match &self.phase {
            _ if self.terminal.is_gone() || self.leaving => Some("the window is being closed".to_owned()),
            Phase::Live(live) => Some(format!("run {} is still alive", live.run)),
            Phase::Opening(opening) => Some(format!("run {} is being started", opening.run)),
            Phase::Idle => None,
        };
        if let Some(message) = refused {
            return self.report(&Report::SpawnFailed { run, message });
        }
        self.terminal.hand_over();
        self.terminal.write(&Mark::RunBegins(run).encode(&self.nonce));
        self.phase = Phase::Opening(Box::new(Opening { run, launch, stop }));
        self.open_run();
    }

    /// Starts the run that waits, once its first mark is in the stream: no output comes before it.
    fn open_run(&mut self) {
        if !self.terminal.is_flushed() || !matches!(self.phase, Phase::Opening(_)) {
            return;
        }
        let Phase::Opening(opening) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let Opening { run, launch, stop } = *opening;
        match Live::start(run, &launch, stop, &self.nonce) {
            Ok(live) => {
                let report = live.spawned();
                self.phase = Phase::Live(Box::new(live));
                self.report(&report);
            }
            Err(message) => {
                self.close_run(run, &note::could_not_start(&self.instance, &message));
                self.report(&Report::SpawnFailed { run, message });
            }
        }
    }

    /// A run whose mark is still waiting never begins.
    fn cancel_opening(&mut self, why: &str) {
        let Phase::Opening(opening) = &self.phase else {
            return;
        };
        let (run, message) = (opening.run, why.to_owned());
        self.phase = Phase::Idle;
        self.close_run(run, &note::could_not_start(&self.instance, why));
        self.report(&Report::SpawnFailed { run, message });
    }

    fn cmd_stop(&mut self, run: RunId, plan: StopPlan, kill: bool) {
        match &mut self.phase {
            Phase::Opening(opening) if opening.run == run => self.cancel_opening("it was stopped first"),
            Phase::Live(live) if live.run == run => {
                let problem = live.cmd_stop(plan, kill);
                self.say_in_output(problem);
            }
            // Ended already: the report is on its way.
            Phase::Opening(_) | Phase::Live(_) | Phase::Idle => {}
        }
    }

    /// Ends the shim, after what runs has been stopped; a stop that is at work is let finish. A second time
    /// cuts the grace short.
    fn cmd_close(&mut self) {
        let again = std::mem::replace(&mut self.leaving, true);
        self.cancel_opening("the window is being closed");
        if let Phase::Live(live) = &mut self.phase
            && (again || !live.is_stopping())
        {
            let plan = live.own_plan();
            let problem = live.cmd_stop(plan, again);
            self.say_in_output(problem);
        }
    }

    /// What goes wrong with a stop command belongs to the service's output: it is there that it is looked for.
    fn say_in_output(&mut self, problem: Option<String>) {
        if let Some(problem) = problem {
            self.terminal.write_note(format!("ovr: {problem}\r\n").as_bytes());
        }
    }

    /// Connects anew and says hello; an old connection gives way only to a new one that stands.
    fn connect(&mut self) {
        match Link::connect(&self.socket) {
            Ok(link) => {
                self.connect_due = false;
                self.link = Some(link);
                self.report(&Report::Hello(Box::new(self.hello())));
            }
            // Nobody there: SIGUSR1 tells. Too many at once: at the next event.
            Err(error) => self.connect_due = error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.instance.clone(),
            pid: std::process::id(),
            pane: self.pane.clone(),
            nonce: self.nonce.clone(),
            live: match &self.phase {
                Phase::Live(live) => Some(live.describe()),
                Phase::Opening(_) | Phase::Idle => None,
            },
            last: self.last.clone(),
        }
    }

    fn report(&mut self, report: &Report) {
        if self.link.as_mut().is_some_and(|link| link.send(report).is_err()) {
            self.link = None;
        }
    }
}
