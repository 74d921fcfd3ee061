//! The shim's loop: wait for one of socket, signal, terminal and deadline; react; say what happened. Who may
//! run and when is the controller's business.

use super::link::Link;
use super::live::{Live, Turn};
use super::notify::Notify;
use super::protocol::{Ended, Hello, Report, VERSION};
use super::ready::{self, Ready, Sources};
use super::signals::Signals;
use super::supplies::Supplies;
use super::terminal::Terminal;
use super::{ShimArgs, give_memory_back, nonce, note, watchdog};
use crate::model::mark::Mark;
use crate::model::{InstanceName, Launch, RunId, StopPlan};
use rustix::event::{PollFlags, Timespec};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// So long after the last order, memory is given back.
const AT_REST: Duration = Duration::from_secs(1);

/// What a service is left after its window has been closed.
pub(super) const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// So many notifications are taken in one go, so that a service that chatters holds nothing else up.
const AT_ONCE: usize = 64;

pub(super) struct Engine {
    pub(super) instance: InstanceName,
    pub(super) socket: PathBuf,
    pane: String,
    pub(super) nonce: String,
    signals: Signals,
    pub(super) terminal: Terminal,
    pub(super) supplies: Supplies,
    link: Option<Link>,
    /// The controller's queue was full; tried again at the next event.
    connect_due: bool,
    pub(super) phase: Phase,
    pub(super) last: Option<Ended>,
    /// To end as soon as nothing runs.
    pub(super) leaving: bool,
    hung_up: bool,
    /// When the last order was carried out, until memory has been given back since.
    pub(super) acted: Option<Instant>,
}

pub(super) enum Phase {
    Idle,
    /// A run waits for its first mark to be taken by the terminal.
    Opening(Box<Opening>),
    Live(Box<Live>),
}

pub(super) struct Opening {
    pub(super) run: RunId,
    pub(super) launch: Launch,
    pub(super) stop: StopPlan,
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
            supplies: Supplies::default(),
            link: None,
            connect_due: false,
            phase: Phase::Idle,
            last: None,
            leaving: false,
            hung_up: false,
            acted: None,
        })
    }

    pub(super) fn serve(mut self) -> u8 {
        self.connect();
        while !self.is_done() {
            let ready = self.wait();
            if ready.signal {
                self.on_signals();
            }
            if ready.stray {
                self.on_ends(Live::on_stray);
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
            if ready.notify {
                self.on_notify();
            }
            if self.terminal.is_gone() {
                self.on_hangup();
            }
            self.on_deadline();
            self.give_back();
            self.open_run();
            if self.connect_due {
                self.connect();
            }
        }
        0
    }

    /// Whether the shim is to leave and can. What it cannot end does not keep it without a terminal: with the
    /// shim's own end the system hangs up on that as well.
    fn is_done(&self) -> bool {
        let is_free = match &self.phase {
            Phase::Idle => true,
            Phase::Opening(_) => false,
            Phase::Live(live) => self.hung_up && live.is_out_of_reach(),
        };
        self.leaving && is_free
    }

    /// Sleeps until something happens. Nothing but a stop plan at work, a watchdog and memory that is to be given back
    /// sets a time.
    fn wait(&self) -> Ready {
        let of_link = |link: &Link| {
            let mut wanted = PollFlags::IN;
            wanted.set(PollFlags::OUT, link.has_unsent());
            wanted
        };
        let mut of_terminal = PollFlags::empty();
        of_terminal.set(PollFlags::IN, matches!(self.phase, Phase::Idle));
        of_terminal.set(PollFlags::OUT, !self.terminal.is_flushed());
        let sources = Sources {
            signals: self.signals.fd(),
            link: self.link.as_ref().map(|link| (link.fd(), of_link(link))),
            terminal: self.terminal.fd().map(|fd| (fd, of_terminal)),
            notify: self.supplies.notify().map(Notify::fd),
            stray: match &self.phase {
                Phase::Live(live) => live.strays_fd(),
                Phase::Opening(_) | Phase::Idle => None,
            },
        };
        ready::wait(&sources, self.timeout().as_ref())
    }

    /// A grace beyond what the system can count is one without end.
    fn timeout(&self) -> Option<Timespec> {
        let look = match &self.phase {
            Phase::Live(live) => live.next_look(),
            Phase::Opening(_) | Phase::Idle => None,
        };
        let rest = self.acted.map(|acted| acted + AT_REST);
        let due = look.into_iter().chain(rest).min()?;
        Timespec::try_from(due.saturating_duration_since(Instant::now())).ok()
    }

    fn on_signals(&mut self) {
        let caught = self.signals.take();
        if caught.child {
            self.on_ends(Live::on_children);
        }
        // The controller that it has may have called before it had heard of it, and SIGUSR1 may be anybody's. Its
        // connection must not end for that: the controller would take the shim for dead.
        let is_called_away = !(self.link.as_ref()).is_some_and(|link| link.leads_to(&self.socket));
        if caught.reconnect && is_called_away {
            self.connect();
        }
        if caught.hangup {
            self.on_hangup();
        }
        if caught.terminate {
            self.cmd_close();
        }
    }

    /// Something of the run has ended; `look` takes note of it.
    fn on_ends(&mut self, look: fn(&mut Live) -> Turn) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let turn = look(live);
        self.settle();
        match turn {
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
    pub(super) fn close_run(&mut self, run: RunId, text: &str) {
        self.terminal.take_back();
        let mut bytes = Mark::RunEnds(run).encode(&self.nonce);
        bytes.extend(note::after_run(text, &self.nonce));
        self.terminal.write(&bytes);
    }

    fn on_deadline(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        let now = Instant::now();
        if live.deadline().is_some_and(|due| due <= now) {
            live.on_deadline();
            self.settle();
        } else if live.watchdog.on_deadline(now) {
            self.tell_silence();
        }
    }

    fn tell_silence(&mut self) {
        if let Phase::Live(live) = &self.phase
            && let Some(report) = live.silence()
        {
            self.report(&report);
        }
    }

    /// After every step of a run: what there is to say in its output, where what goes wrong with stopping it is
    /// looked for, and to the controller; and its end, if it has no process that could tell.
    pub(super) fn settle(&mut self) {
        let Phase::Live(live) = &mut self.phase else {
            return;
        };
        if let Some(words) = live.take_words() {
            self.terminal.write_note(format!("ovr: {words}\r\n").as_bytes());
        }
        let (run, is_released) = (live.run, live.is_released());
        let stuck = live.take_stuck().map(|text| (text, true));
        let cautions = live.take_cautions().into_iter().map(|text| (text, false));
        for (text, stuck) in cautions.chain(stuck) {
            self.report(&Report::Caution { run, text, stuck });
        }
        if is_released {
            self.on_over();
        }
    }

    /// Takes in what the service has said, and passes it on. While much is unread only what is news: the rest is
    /// known, or small talk. That it is alive is for nobody but the watchdog.
    fn on_notify(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(message) = self.supplies.notify_mut().and_then(Notify::next_message) else {
                return;
            };
            let Phase::Live(live) = &mut self.phase else {
                continue;
            };
            let (run, text) = (live.run, message.text);
            let in_trouble = live.hear(&text, !self.hung_up);
            let is_small = text.trim_end() == watchdog::ALIVE;
            let takes_it = self.link.as_ref().is_some_and(Link::takes_small_talk);
            if message.is_news || (takes_it && !is_small) {
                self.report(&Report::Notify { run, text });
            }
            if in_trouble {
                self.tell_silence();
            }
        }
    }

    fn on_keys(&mut self) {
        // A run may have begun since the keys came: then they are its own, and reading from behind it fails.
        if !matches!(self.phase, Phase::Idle) {
            return;
        }
        let keys = self.terminal.read_keys();
        if !keys.enter || self.leaving {
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
        self.settle();
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
        self.acted = Some(Instant::now());
    }

    /// Gives back what only orders needed, once. Not at once: at the start of a project others need the processor more,
    /// and a restart or a stop that comes soon needs the memory again.
    fn give_back(&mut self) {
        if self.acted.is_none_or(|acted| acted.elapsed() < AT_REST) {
            return;
        }
        self.acted = None;
        give_memory_back();
        // A start or a stop under way needs them at once.
        if matches!(&self.phase, Phase::Live(live) if live.deadline().is_none()) {
            crate::thrift::give_back();
        }
    }

    /// Connects anew and says hello; an old connection gives way only to a new one that stands, and to none with the
    /// controller that it has: that would take its end for the shim's, and orders may be on their way over it.
    fn connect(&mut self) {
        match Link::connect(&self.socket) {
            Ok(link) => {
                self.connect_due = false;
                if (self.link.as_mut()).is_some_and(|standing| standing.is_with_the_same(&link)) {
                    return;
                }
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
                Phase::Live(live) => Some(live.describe(self.supplies.notify())),
                Phase::Opening(_) | Phase::Idle => None,
            },
            last: self.last.clone(),
        }
    }

    pub(super) fn report(&mut self, report: &Report) {
        if self.link.as_mut().is_some_and(|link| link.send(report).is_err()) {
            self.link = None;
        }
    }
}
