//! The controller itself: all state of a session in one place, and the loop over it. Select one event, feed
//! the machine, carry out its actions. What each kind of event means stands in the files beside this one.

use super::adopt::Adopted;
use super::answers::Unfinished;
use super::asks::Asks;
use super::causes::Doing;
use super::clock::Clock;
use super::ending::AtEnd;
use super::errands::Errands;
use super::events::EventLog;
use super::files::{self, FileNews, FileWatch, Upkeep};
use super::follow::Named;
use super::hook_run::HookNews;
use super::hooks::Hooks;
use super::host::Host;
use super::lane_door::{LaneDoor, Piped};
use super::lanes::Lanes;
use super::leaving::Leave;
use super::links::{LinkEvent, LinkId, Links};
use super::listening::{Looked, Looks};
use super::lookers::Lookers;
use super::losses::Losses;
use super::probing::Probed;
use super::progress::Progress;
use super::publish::{PublishNews, Publishing};
use super::reload::{Reloads, Replanned};
use super::schedule::Schedules;
use super::session::Facts;
use super::staleness::{Comparison, Stamp};
use super::waits::Waiting;
use super::watch::{self, Watches};
use super::way_down::WayDown;
use super::windows::Windows;
use crate::api::call::{Call, Reply as ReplyWith};
use crate::api::messages::{Results, Window};
use crate::api::server::Server as ApiServer;
use crate::diag::Diagnostic;
use crate::logs::store::Troubles;
use crate::logs::{Console, ConsoleFailed, Hub};
use crate::model::{InstanceId, InstanceName, Moment, ServiceName};
use crate::supervisor::{EndCause, Machine};
use crate::tmux::WindowId;
use crate::workspace::session::Scaled;
use crate::workspace::{SessionInfo, SessionLock};
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Who waits for a request.
#[derive(Debug)]
pub(super) enum Reply {
    Action(ReplyTo),
    /// Of these.
    Restart(Vec<InstanceId>, ReplyTo),
    Quit(ReplyTo),
    /// A part of this reload.
    Reload(u64),
    Nobody,
}

pub(super) type ReplyTo = oneshot::Sender<Result<Results, Diagnostic>>;

/// One thing that happened.
enum Input {
    Shim(io::Result<UnixStream>),
    Link(LinkEvent),
    Call(Call),
    Signal(i32),
    /// tmux has said something.
    Tmux,
    /// A dead shim's processes are gone.
    Reaped(InstanceId, Vec<String>),
    Probed(Probed),
    /// A helper has brought a busy pane's pipe.
    Piped(Piped),
    /// The user's tmux configuration has been read.
    Configured(Vec<Diagnostic>),
    /// The configuration has been read again.
    Replanned(Replanned),
    /// The same, for a restart that tells whether it has changed.
    Compared(Comparison),
    /// The services' processes have been looked through for listeners.
    Looked(Looked),
    /// The tmux server's process with this pid has ended.
    ServerEnded(u32),
    /// Something in the runtime directory was made or removed.
    Files(FileNews),
    /// Nobody reads the console any more.
    ConsoleFailed,
    /// Something about the files that lines are kept in.
    Logs(String),
    Hook(HookNews),
    Published(PublishNews),
    /// The thread that watches files has something to say.
    Watch(watch::News),
    /// A time of day has come, or the clock was set.
    Alarm,
    Deadline,
}

/// The senders that tasks of the session report to the loop with.
#[derive(Clone, Debug)]
pub(super) struct Inlets {
    pub(super) streams: mpsc::UnboundedSender<io::Result<UnixStream>>,
    pub(super) calls: mpsc::UnboundedSender<Call>,
    pub(super) reaped: mpsc::UnboundedSender<(InstanceId, Vec<String>)>,
    pub(super) probed: mpsc::UnboundedSender<Probed>,
    pub(super) hooks: mpsc::UnboundedSender<HookNews>,
    pub(super) published: mpsc::UnboundedSender<PublishNews>,
    pub(super) configured: mpsc::UnboundedSender<Vec<Diagnostic>>,
    pub(super) replanned: mpsc::UnboundedSender<Replanned>,
    pub(super) compared: mpsc::UnboundedSender<Comparison>,
    pub(super) looked: mpsc::UnboundedSender<Looked>,
    pub(super) pipes: mpsc::UnboundedSender<Piped>,
    pub(super) server_ended: mpsc::UnboundedSender<u32>,
}

/// The loop's ends of them.
pub(super) struct Outlets {
    pub(super) streams: mpsc::UnboundedReceiver<io::Result<UnixStream>>,
    pub(super) links: mpsc::UnboundedReceiver<LinkEvent>,
    pub(super) calls: mpsc::UnboundedReceiver<Call>,
    pub(super) reaped: mpsc::UnboundedReceiver<(InstanceId, Vec<String>)>,
    pub(super) probed: mpsc::UnboundedReceiver<Probed>,
    pub(super) hooks: mpsc::UnboundedReceiver<HookNews>,
    pub(super) published: mpsc::UnboundedReceiver<PublishNews>,
    pub(super) configured: mpsc::UnboundedReceiver<Vec<Diagnostic>>,
    pub(super) replanned: mpsc::UnboundedReceiver<Replanned>,
    pub(super) compared: mpsc::UnboundedReceiver<Comparison>,
    pub(super) looked: mpsc::UnboundedReceiver<Looked>,
    pub(super) pipes: mpsc::UnboundedReceiver<Piped>,
    pub(super) server_ended: mpsc::UnboundedReceiver<u32>,
    pub(super) signals: signal_hook_tokio::Signals,
    pub(super) files: Option<FileWatch>,
    pub(super) console_failed: Option<ConsoleFailed>,
    pub(super) log_troubles: Option<Troubles>,
    pub(super) watched: Option<mpsc::UnboundedReceiver<watch::News>>,
}

/// The news of files that are watched instead of others.
pub(super) struct Rewatched(pub(super) Option<mpsc::UnboundedReceiver<watch::News>>);

/// A session's controller.
pub(super) struct Controller {
    pub(super) clock: Clock,
    /// All that came while this process was stopped has been heard.
    pub(super) has_heard: bool,
    pub(super) facts: Facts,
    pub(super) info: SessionInfo,
    pub(super) lock: SessionLock,
    pub(super) upkeep: Upkeep,
    pub(super) machine: Machine,
    pub(super) hosts: Vec<Host>,
    /// What is configured, in the order of the file.
    pub(super) order: Vec<InstanceId>,
    pub(super) by_name: BTreeMap<InstanceName, InstanceId>,
    /// What followers of the output call the instances.
    pub(super) names: tokio::sync::watch::Sender<Arc<[Named]>>,
    pub(super) reloads: Reloads,
    /// The numbers of instances that were asked of this session.
    pub(super) scaled: BTreeMap<ServiceName, Scaled>,
    pub(super) waits: Vec<Waiting>,
    /// Who waits until something is another way, and who waits for a look.
    pub(super) lookers: Lookers,
    pub(super) looks: Looks,
    /// Whose doing the changes are that the machine tells of now.
    pub(super) doing: Doing,
    /// The configuration's files, as they were when it was read.
    pub(super) stamp: Stamp,
    pub(super) links: Links,
    pub(super) owners: BTreeMap<LinkId, InstanceId>,
    /// Connections of shims that have no instance here and are ending.
    /// By link, the shim's pid.
    pub(super) strangers: BTreeMap<LinkId, u32>,
    pub(super) windows: Windows,
    pub(super) lanes: Lanes,
    pub(super) lane_door: LaneDoor,
    pub(super) hub: Hub,
    pub(super) events: EventLog,
    pub(super) publishing: Option<Publishing>,
    pub(super) console: Option<Console>,
    pub(super) schedules: Schedules,
    pub(super) watches: Watches,
    /// Other files are watched from now on: where the news of them come, if there are any.
    pub(super) rewatched: Option<Rewatched>,
    pub(super) hooks: Hooks,
    pub(super) errands: Errands,
    pub(super) asks: Asks<Reply>,
    pub(super) unfinished: Vec<Unfinished>,
    /// What ran when quit was asked for.
    pub(super) stopped_by_quit: Vec<InstanceId>,
    pub(super) quit_asked: Option<Moment>,
    /// Who waits for a window that is being opened.
    pub(super) window_calls: Vec<(Option<String>, ReplyWith<Window>)>,
    pub(super) quitters: Vec<ReplyTo>,
    pub(super) stale_status: BTreeSet<InstanceId>,
    pub(super) progress: Progress,
    pub(super) at_end: Option<AtEnd>,
    pub(super) adopted: Adopted,
    /// Shims that were told of this controller and have not spoken yet, by pid.
    pub(super) expected_shims: BTreeSet<u32>,
    pub(super) adoption_deadline: Option<Moment>,
    pub(super) quit_signals: u32,
    pub(super) ending: Option<EndCause>,
    pub(super) finished: Option<EndCause>,
    pub(super) leave: Option<Leave>,
    pub(super) inlets: Inlets,
    /// Dead shims whose processes are being ended.
    pub(super) reaping: BTreeSet<InstanceId>,
    /// Pids and windows that an earlier controller's server has.
    pub(super) found_panes: Vec<(u32, WindowId)>,
    /// What `session.json` said of the tmux server before us.
    pub(super) left_tmux_pid: Option<u32>,
    /// Instances whose shim has been told to end.
    pub(super) close_sent: BTreeSet<InstanceId>,
    /// Instances that are no longer configured and whose windows are to close when their output is here.
    pub(super) closing: BTreeSet<InstanceId>,
    pub(super) losses: Losses,
    /// How many terminals look at windows of ours.
    pub(super) viewers: usize,
    /// Until when the views may take to leave, once the session has ended.
    pub(super) views_deadline: Option<Moment>,
    pub(super) way_down: WayDown,
    pub(super) kill_sent: bool,
    pub(super) api: Vec<ApiServer>,
    pub(super) shim_door: Option<JoinHandle<()>>,
}

impl Controller {
    /// Runs until the session has ended or this controller is to leave it.
    pub(super) async fn run(&mut self, outlets: &mut Outlets) {
        while !self.is_over() {
            match &self.leave {
                None => {}
                Some(Leave::Suspend) => {
                    self.leave = None;
                    self.suspend().await;
                }
                Some(_) => return,
            }
            outlets.files = self.upkeep.new_watch.take().or(outlets.files.take());
            if self.kill_sent {
                files::give_up(&mut outlets.files);
            }
            self.wind_schedules();
            if let Some(Rewatched(news)) = self.rewatched.take() {
                outlets.watched = news;
            }
            let due = self.next_deadline();
            let input = self.next_input(outlets, due).await;
            if matches!(input, Input::Deadline) && self.hears_out(due).await {
                continue;
            }
            let from_tmux = matches!(input, Input::Tmux);
            if from_tmux {
                self.note_words();
            }
            self.on_input(input);
            self.advance_closing();
            self.close_aside();
            self.answer_waits();
            self.answer_lookers();
            self.advance_finish();
            self.finish_answers();
            self.refresh_stale_status_lines();
            self.flush_output();
            self.events.flush();
            self.give_back();
            if from_tmux {
                // Where tmux is faster than we are, there is always more of it. Requests, shims and helpers come
                // by tasks of their own, and those run only when this one lets them.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn next_input(&mut self, outlets: &mut Outlets, due: Option<Moment>) -> Input {
        let deadline = due.map(|moment| self.clock.instant(moment));
        tokio::select! {
            // A flood of output must not keep a Ctrl-C or a request waiting: tmux comes last.
            biased;
            Some(signal) = outlets.signals.next() => Input::Signal(signal),
            Some(event) = outlets.links.recv() => Input::Link(event),
            Some(stream) = outlets.streams.recv(), if self.windows.has_sizes() => Input::Shim(stream),
            Some(call) = outlets.calls.recv() => Input::Call(call),
            Some((instance, killed)) = outlets.reaped.recv() => Input::Reaped(instance, killed),
            Some(probed) = outlets.probed.recv() => Input::Probed(probed),
            Some(news) = outlets.hooks.recv() => Input::Hook(news),
            Some(news) = outlets.published.recv() => Input::Published(news),
            Some(piped) = outlets.pipes.recv() => Input::Piped(piped),
            Some(warnings) = outlets.configured.recv() => Input::Configured(warnings),
            Some(replanned) = outlets.replanned.recv() => Input::Replanned(replanned),
            Some(comparison) = outlets.compared.recv() => Input::Compared(comparison),
            Some(looked) = outlets.looked.recv() => Input::Looked(looked),
            Some(pid) = outlets.server_ended.recv() => Input::ServerEnded(pid),
            news = files::news(&mut outlets.files) => Input::Files(news),
            () = console_failed(&mut outlets.console_failed) => Input::ConsoleFailed,
            sentence = log_trouble(&mut outlets.log_troubles) => Input::Logs(sentence),
            news = watch::told(&mut outlets.watched) => Input::Watch(news),
            () = self.schedules.rang() => Input::Alarm,
            () = until(deadline) => Input::Deadline,
            () = self.windows.readable(), if !self.lanes.hold_control_back() => Input::Tmux,
            () = self.lanes.readable() => Input::Tmux,
        }
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Shim(accepted) => self.on_shim_calls(accepted),
            Input::Link(event) => self.on_link(event),
            Input::Call(call) => self.on_call(call),
            Input::Signal(number) => self.on_signal(number),
            Input::Tmux => self.on_tmux(),
            Input::Reaped(instance, killed) => self.on_reaped(instance, &killed),
            Input::Probed(probed) => self.on_probed(probed),
            Input::Piped(piped) => self.on_piped(piped),
            Input::Configured(warnings) => self.on_tmux_configured(&warnings),
            Input::Replanned(replanned) => self.on_replanned(replanned),
            Input::Compared(comparison) => self.on_compared(comparison),
            Input::Looked(looked) => self.on_looked(looked),
            Input::ServerEnded(pid) => self.on_server_ended(pid),
            Input::Files(news) => self.on_file_news(news),
            // The session goes on without one.
            Input::ConsoleFailed => self.console = None,
            Input::Logs(sentence) => self.say_alarm(&sentence),
            Input::Published(news) => self.on_publish_news(news),
            Input::Hook(news) => self.on_hook_news(news),
            Input::Watch(news) => self.on_watch_news(news),
            Input::Alarm => self.on_alarm(),
            Input::Deadline => self.on_deadline(),
        }
    }

    /// Whether the session has ended and nothing of it is left.
    fn is_over(&self) -> bool {
        self.finished.is_some()
            && self.strangers.is_empty()
            && self.hooks.is_idle()
            && self.hosts.iter().all(|host| host.shim.is_none())
            && !self.windows.is_connected()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..self.hosts.len()).map(Self::id_at)
    }

    /// What is configured, in the order of the file, and behind it what no longer is and still runs.
    pub(super) fn shown(&self) -> impl Iterator<Item = InstanceId> {
        let leaving = |id: &InstanceId| self.machine.is_gone(*id) && self.machine.state(*id).is_live();
        self.order.iter().copied().chain(self.ids().filter(leaving))
    }

    pub(super) fn id_at(index: usize) -> InstanceId {
        InstanceId(u32::try_from(index).expect("the machine refuses more instances than fit"))
    }

    pub(super) fn host(&self, instance: InstanceId) -> &Host {
        &self.hosts[instance.0 as usize]
    }

    pub(super) fn host_mut(&mut self, instance: InstanceId) -> &mut Host {
        &mut self.hosts[instance.0 as usize]
    }
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

async fn log_trouble(troubles: &mut Option<Troubles>) -> String {
    match troubles {
        Some(troubles) => troubles.next().await,
        None => std::future::pending().await,
    }
}

async fn console_failed(failed: &mut Option<ConsoleFailed>) {
    match failed {
        Some(failure) => {
            // Why does not matter: a closed pipe and a vanished terminal have the same consequence.
            let _error = failure.error().await;
            *failed = None;
        }
        None => std::future::pending().await,
    }
}
