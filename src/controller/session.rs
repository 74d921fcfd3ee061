//! From a set-up to a running controller and back: sockets, signal handlers, the console, the loop, and what
//! is put away when it ends.

use super::adopt::Adopted;
use super::ahead::Ahead;
use super::asks::Asks;
use super::causes::Doing;
use super::clock::{self, Clock};
use super::core::{Controller, Outlets};
use super::doors::system;
use super::ending::{AtEnd, Outcome};
use super::errands::Errands;
use super::events::EventLog;
use super::files::Upkeep;
use super::follow::Named;
use super::hooks::Hooks;
use super::host::Host;
use super::inquiries::{Desk, Inquiries};
use super::keeping::{self, LogsSetup};
use super::lane_door::LaneDoor;
use super::lanes::Lanes;
use super::links::Links;
use super::listening::Looks;
use super::lookers::Lookers;
use super::losses::Losses;
use super::outset::{channels, info, labels, relative, scaled_before, site};
use super::planned::{names_of, numbered};
use super::progress::{Progress, Up};
use super::reload::Reloads;
use super::replan::Replan;
use super::schedule::Schedules;
use super::signals;
use super::staleness::Stamp;
use super::watch::{Watches, own};
use super::way_down::WayDown;
use super::windows::{Site, Windows};
use crate::api;
use crate::api::messages::Detached;
use crate::api::server::TcpDoor;
use crate::diag::{Diagnostic, Kind};
use crate::logs::{Console, Hub, RenderOptions, Renderer};
use crate::model::{InstanceSpec, Moment, ServiceName, time_text};
use crate::nats;
use crate::platform::open_files;
use crate::shim::cgroup;
use crate::supervisor::Machine;
use crate::tmux::setup;
use crate::workspace::lock::Holder;
use crate::workspace::session::Scaled;
use crate::workspace::{SessionInfo, SessionLock};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;
use tokio::net::UnixListener;
use tokio::sync::{oneshot, watch};

/// The way back to who asked for a detach.
pub type DetachReply = api::call::Reply<Detached>;

/// Everything that a session is started with.
#[derive(Debug)]
pub struct Setup {
    pub project: String,
    /// Canonical.
    pub root: PathBuf,
    /// The configuration's path.
    pub config: PathBuf,
    pub instances: Vec<InstanceSpec>,
    /// Every file that went into them, or would have.
    pub files: Vec<PathBuf>,
    /// Makes the instances anew, for a reload.
    pub replan: Replan,
    /// Answers what is asked of the files and the machine.
    pub inquiries: Arc<dyn Inquiries>,
    /// Won before anything else is done.
    pub lock: SessionLock,
    pub tmux_binary: PathBuf,
    pub tmux_config: Option<PathBuf>,
    /// The size of windows that nobody looks at.
    pub terminal: Option<setup::Size>,
    /// The program for what the controller starts for itself: a shim for each service, above all.
    pub program: PathBuf,
    pub console: Option<ConsoleSetup>,
    /// Without a terminal of its own: a closed one is none of its business.
    pub detached: bool,
    /// Start again when the tmux server dies.
    pub recover: bool,
    /// End what an earlier session left instead of adopting it.
    pub fresh: bool,
    /// Where the services' output is kept, if it is.
    pub logs: Option<LogsSetup>,
    /// Heed the files that services watch.
    pub watch: bool,
    /// The session is over when all in it has ended and nothing can start it again.
    pub ends_when_done: bool,
    /// Its end stops all at once, instead of dependents first.
    pub ends_at_once: bool,
    /// Where its events are published, if they are.
    pub publish: Option<nats::Address>,
    /// Where to serve the API besides the session's socket, if anywhere.
    pub tcp: Option<TcpDoor>,
    /// The options of `start`, for a controller that takes over.
    pub arguments: Vec<String>,
    /// The settings that it was started with, for a start that takes over; by their ids.
    pub settings: BTreeMap<String, String>,
    /// Those of them that a flag gave.
    pub flags: BTreeSet<String>,
    /// Told once, when every first process has been spawned or cannot be.
    pub up: Option<oneshot::Sender<Up>>,
    pub at_end: Option<AtEnd>,
}

/// The merged output in a terminal or file.
#[derive(Debug)]
pub struct ConsoleSetup {
    pub out: File,
    pub options: RenderOptions,
}

/// What does not change while the session lives.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) project: String,
    pub(super) root: PathBuf,
    pub(super) config: String,
    pub(super) started: SystemTime,
    pub(super) detached: bool,
    pub(super) recover: bool,
    pub(super) fresh: bool,
    pub(super) tmux_config: Option<PathBuf>,
    pub(super) replan: Replan,
    pub(super) desk: Desk,
    /// Whether files are watched that restart services.
    pub(super) watch: bool,
    /// Where the services' output is kept, if it is.
    pub(super) logs: Option<PathBuf>,
}

/// Runs a session to its end, or until this controller is to leave it. On a current-thread runtime.
///
/// # Errors
/// The session could not be set up; nothing is left of it.
pub async fn run(mut setup: Setup) -> Result<Outcome, Diagnostic> {
    let publish = setup.publish.take();
    let clock = Clock::start();
    open_files::raise();
    // Before the handlers: commands may be run for the plan, and a signal is to end that at once.
    let earlier = Earlier::look(&mut setup);
    // Before anything is started: from here on a signal is an event.
    let signals = signal_hook_tokio::Signals::new(signals::to_listen_to())
        .map_err(|error| system("cannot listen to signals", &error))?;
    let site = site(&setup);
    let mut ahead = Ahead::start(&setup, &earlier, &site, clock.now());
    let door = ahead.as_mut().and_then(|ahead| ahead.door.take());
    let (dir, holder) = (setup.lock.dir().clone(), holder_of(&setup));
    let (mut controller, mut outlets) = match prepare(setup, earlier, clock, signals, site, door) {
        Ok(prepared) => prepared,
        Err(error) => {
            if let Some(ahead) = ahead {
                ahead.end().await;
                // Its files had to stay for as long as it was there.
                drop(SessionLock::acquire(&dir, &holder));
            }
            return Err(error);
        }
    };
    controller.adopt_or_begin(ahead).await;
    if let Some(address) = publish {
        controller.start_publishing(address);
    }
    controller.flush_output();
    controller.events.flush();
    controller.run(&mut outlets).await;
    Ok(controller.put_away(outlets).await)
}

fn holder_of(setup: &Setup) -> Holder {
    Holder {
        pid: std::process::id(),
        started_at: time_text::rfc3339(clock::wall()),
        root: setup.root.display().to_string(),
    }
}

/// What an earlier controller of the session has left on the disk.
pub(super) struct Earlier {
    pub(super) left: Option<SessionInfo>,
    /// Nothing of it is taken over.
    pub(super) fresh: bool,
    scaled: BTreeMap<ServiceName, Scaled>,
}

impl Earlier {
    /// The set-up is made anew where the numbers of instances that were asked for are others than the files have.
    fn look(setup: &mut Setup) -> Self {
        let left = SessionInfo::read(setup.lock.dir());
        // An end that was begun is brought to its end.
        let fresh = setup.fresh || left.as_ref().is_some_and(|left| left.ending);
        let scaled = scaled_before(left.as_ref().filter(|_| !fresh), setup);
        if left.is_some() {
            // Shims may have been killed while nobody was there.
            tokio::task::spawn_blocking(cgroup::sweep);
        }
        Self { left, fresh, scaled }
    }
}

fn prepare(
    setup: Setup,
    earlier: Earlier,
    clock: Clock,
    signals: signal_hook_tokio::Signals,
    site: Site,
    shim_door: Option<UnixListener>,
) -> Result<(Controller, Outlets), Diagnostic> {
    let dir = setup.lock.dir().clone();
    dir.check_sockets()?;
    let Earlier { left, fresh, scaled } = earlier;
    let mut machine = machine(&setup.instances, clock.now())?;
    let is_watching = setup.watch && setup.instances.iter().any(|spec| spec.watch.is_some());
    if setup.ends_when_done && !is_watching {
        machine.end_when_done();
    }
    if setup.ends_at_once {
        machine.end_at_once();
    }
    let schedules = Schedules::new(&numbered(&setup.instances))?;
    let watched = numbered(&setup.instances);
    let watched = if setup.watch { watched.as_slice() } else { &[] };
    let kept = setup.logs.as_ref().map(|logs| logs.dir.as_path());
    let own = own(dir.path(), kept, setup.instances.iter());
    let (watches, watched) = Watches::start(watched, &setup.root, own)?;
    let started = clock::wall();
    let mut info = info(&setup, started, fresh, &scaled);
    if let Some(left) = left.as_ref().filter(|_| !fresh) {
        info.paused.clone_from(&left.paused);
        info.resumed.clone_from(&left.resumed);
    }
    let left_tmux_pid = left.as_ref().and_then(SessionInfo::tmux);
    // Whoever has to take over from this one finds it, too.
    info.set_tmux(left_tmux_pid);
    let stamp = Stamp::look(&setup.files);
    let by_name = names_of(numbered(&setup.instances).into_iter());
    let (console, console_failed, renderer) = match setup.console {
        Some(console) => {
            let renderer = Renderer::new(&labels(&setup.instances), console.options);
            let (console, failed) = Console::start(console.out)
                .map_err(|error| system("cannot write to the terminal", &error))?;
            (Some(console), Some(failed), Some(renderer))
        }
        None => (None, None, None),
    };
    let events = EventLog::new(dir.events_file(), !fresh, &by_name);
    let hosts: Vec<Host> = setup.instances.iter().cloned().map(Host::new).collect();
    let (links, links_out) = Links::new();
    let (inlets, mut outlets) = channels(links_out, signals, console_failed, watched);
    let mut hub = Hub::new(setup.instances.len(), renderer);
    if let Some(logs) = &setup.logs
        && let Some((store, troubles)) = keeping::start(logs, &setup.instances)?
    {
        hub.keep_in(store);
        outlets.log_troubles = Some(troubles);
    }
    let mut controller = Controller {
        clock,
        has_heard: false,
        facts: Facts {
            project: setup.project,
            config: relative(&setup.config, &setup.root),
            root: setup.root,
            started,
            detached: setup.detached,
            recover: setup.recover,
            fresh,
            tmux_config: setup.tmux_config.clone(),
            replan: setup.replan,
            desk: Desk::new(setup.inquiries),
            watch: setup.watch,
            logs: setup
                .logs
                .filter(|logs| logs.bytes.is_some())
                .map(|logs| logs.dir),
        },
        info,
        lock: setup.lock,
        upkeep: Upkeep::default(),
        machine,
        hub,
        events,
        publishing: None,
        order: (0..setup.instances.len()).map(Controller::id_at).collect(),
        names: watch::Sender::new(hosts.iter().map(Named::of).collect()),
        hosts,
        by_name,
        reloads: Reloads::default(),
        scaled,
        waits: Vec::new(),
        lookers: Lookers::new(clock::epoch_ms()),
        looks: Looks::default(),
        doing: Doing::default(),
        stamp,
        links,
        owners: BTreeMap::new(),
        strangers: BTreeMap::new(),
        windows: Windows::new(site, setup.tmux_config.is_some()),
        lanes: Lanes::default(),
        lane_door: LaneDoor::new(dir.lane_socket()),
        console,
        schedules,
        watches,
        rewatched: None,
        hooks: Hooks::default(),
        errands: Errands::default(),
        asks: Asks::new(),
        unfinished: Vec::new(),
        stopped_by_quit: Vec::new(),
        quit_asked: None,
        window_calls: Vec::new(),
        quitters: Vec::new(),
        stale_status: BTreeSet::new(),
        progress: Progress::new(clock.now(), setup.up),
        at_end: setup.at_end,
        adopted: Adopted::default(),
        expected_shims: BTreeSet::new(),
        reaping: BTreeSet::new(),
        found_panes: Vec::new(),
        left_tmux_pid,
        close_sent: BTreeSet::new(),
        closing: BTreeSet::new(),
        losses: Losses::default(),
        viewers: 0,
        views_deadline: None,
        way_down: WayDown::default(),
        kill_sent: false,
        adoption_deadline: None,
        quit_signals: 0,
        ending: None,
        finished: None,
        leave: None,
        inlets,
        api: Vec::new(),
        shim_door: None,
    };
    controller.watch_lines();
    controller.open_doors(shim_door, setup.tcp)?;
    Ok((controller, outlets))
}

pub(super) fn machine(instances: &[InstanceSpec], now: Moment) -> Result<Machine, Diagnostic> {
    let policies = instances
        .iter()
        .map(|spec| (spec.name.clone(), spec.policy.clone()));
    Machine::new(policies.collect(), now).map_err(|error| Diagnostic::error(Kind::Config, error.to_string()))
}
