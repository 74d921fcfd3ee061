//! What the world tells the machine, and what the machine wants done. Both carry the run they belong to.

pub use crate::model::Verb;
use crate::model::{AskId, Exit, InstanceId, InstanceName, Policy, RunId, Signal, State, StopPlan};
use std::time::Duration;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// All that could be adopted has been told: start what should run and does not.
    Begin,
    /// Time has passed; the only event that the clock causes.
    Tick,
    /// Somebody asks for something. Targets are distinct and known.
    Ask {
        ask: AskId,
        verb: Verb,
        targets: Vec<InstanceId>,
        /// Start exactly these: what they need is neither brought up nor waited for.
        no_deps: bool,
    },
    /// The session is to end: stop everything, in order. A second one kills every tree (but not one for a
    /// closed terminal or a lost tmux: neither is impatience, and a terminal's end sends SIGHUP twice).
    Quit { why: QuitWhy, ask: Option<AskId> },
    /// The instance's window is there and its shim has nothing running.
    WindowReady { instance: InstanceId },
    /// The window could not be opened.
    WindowFailed { instance: InstanceId, message: String },
    /// The window is being closed, alone, or its shim was killed: `WindowLost` follows, after what the run in it
    /// may still report. To be told before that, where it is known.
    WindowClosing { instance: InstanceId },
    /// Window and shim are gone, and all processes of the run with them (verified).
    WindowLost { instance: InstanceId },
    /// The tmux server is gone. Told before the `WindowLost` of every window it had, exactly one each. With
    /// `recover`, what was wanted up comes up again in new windows; without, the session ends.
    TmuxLost { recover: bool },
    /// Found alive by a new controller. `daemons` if its command has ended well: what it left behind. `told_ready`:
    /// what it has said itself, where its shim keeps that.
    Adopted {
        instance: InstanceId,
        run: RunId,
        pid: u32,
        daemons: Option<Vec<u32>>,
        told_ready: Option<bool>,
        /// Its stop plan is at work.
        stopping: bool,
        /// What it is to end for.
        intent: Option<Intent>,
    },
    /// Found ended by a new controller. `intent`: what it was to end for; none, if it ended by itself.
    AdoptedEnded {
        instance: InstanceId,
        run: RunId,
        exit: Exit,
        intent: Option<Intent>,
    },
    Spawned {
        instance: InstanceId,
        run: RunId,
        pid: u32,
    },
    SpawnFailed {
        instance: InstanceId,
        run: RunId,
        message: String,
    },
    /// The command ended well and left these processes behind; none, if what it launched runs elsewhere.
    Daemonized {
        instance: InstanceId,
        run: RunId,
        pids: Vec<u32>,
    },
    /// The run is over, its tree empty. `killed`: SIGKILL was needed.
    Ended {
        instance: InstanceId,
        run: RunId,
        exit: Exit,
        killed: bool,
    },
    /// How many terminals look at the instance's window now.
    Attached { instance: InstanceId, clients: u32 },
    /// A probe attempt came back.
    ProbeDone {
        instance: InstanceId,
        run: RunId,
        probe: ProbeKind,
        ok: bool,
    },
    /// The service itself said that it is ready, or that it is not: then no probe says otherwise until it takes
    /// that back.
    ToldReady {
        instance: InstanceId,
        run: RunId,
        ready: bool,
    },
    /// The service asks for so much more time, from now on, to start or to stop in.
    Extended {
        instance: InstanceId,
        run: RunId,
        by: Duration,
    },
    /// All that the stop plan has is used up, and the run is still there: only a person can end it now.
    Unstoppable {
        instance: InstanceId,
        run: RunId,
        message: String,
    },
    /// Enter was pressed in the window of an instance that does not run.
    Enter { instance: InstanceId },
    /// Something that is nobody's request calls for the instance now.
    Due { instance: InstanceId, by: Trigger },
    /// The configuration is another one now: these are its instances, in the order of the file. Known ids keep
    /// what they run, ids that follow the last known one are new, and what is not named goes. A set that
    /// [`Machine::check`](super::Machine::check) refuses changes nothing, nor does any in a session that ends.
    Reconfigure { instances: Vec<Declared> },
}

/// One instance as the configuration has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    pub instance: InstanceId,
    pub name: InstanceName,
    pub policy: Policy,
    /// It is to be started in another way than its current run was, which is therefore replaced.
    pub replace: bool,
}

/// What calls for an instance without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Its schedule: start it, unless it is at work.
    Schedule,
    /// Files that it watches have changed: run it anew; `cascade`: and then whoever depends on it and runs.
    Change { cascade: bool },
}

/// What came of a trigger. One that means nothing (a person has stopped the instance) is not spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggered {
    Starts,
    Restarts,
    /// The run before is not over.
    Busy,
    /// Its files change again and again: they are not heeded any more until a person starts it.
    Suspended,
}

/// Why a session is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuitWhy {
    /// `ovr quit`.
    Asked,
    /// A signal to the controller: Ctrl-C (INT), TERM, HUP (terminal closed).
    Signal(Signal),
    /// The tmux server died and the session was told not to recover.
    TmuxLost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeKind {
    Readiness,
    Liveness,
    Startup,
    /// Whether it listens on its port, asked where nothing says what ready means and somebody waits for that.
    /// Needs no answer but a good one.
    Listening,
    /// Its watchdog, which looks by itself: told of only when the run has been silent for too long.
    Watchdog,
}

/// Why a run is ended that nobody asked to end: it has failed, and its restart policy says what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condemned {
    /// Its liveness probe or its watchdog.
    Unhealthy,
    /// Its startup probe.
    NotBooted,
    /// Its command has left no daemon behind in time.
    NoDaemon,
}

/// What a run is to end for, or has ended for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// A person wants it down, or the session ends.
    Down,
    /// Another run is to follow it: a person wants that, its files have changed or its configuration has.
    Again,
    /// Nobody asked for it.
    Condemned(Condemned),
}

impl Intent {
    const ALL: [Self; 5] = [
        Self::Down,
        Self::Again,
        Self::Condemned(Condemned::Unhealthy),
        Self::Condemned(Condemned::NotBooted),
        Self::Condemned(Condemned::NoDaemon),
    ];

    /// The word that a shim keeps for the next controller. Append-only.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Again => "again",
            Self::Condemned(Condemned::Unhealthy) => "unhealthy",
            Self::Condemned(Condemned::NotBooted) => "not_booted",
            Self::Condemned(Condemned::NoDaemon) => "no_daemon",
        }
    }

    /// What a word means. Without one somebody has asked for the end, as after one that a later build has written.
    pub fn of_word(word: Option<&str>) -> Self {
        let known = Self::ALL.into_iter().find(|intent| Some(intent.word()) == word);
        known.unwrap_or(Self::Down)
    }
}

/// What the machine wants done. Carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make the instance's window; answered by `WindowReady`, `WindowFailed` or `WindowLost`.
    OpenWindow { instance: InstanceId },
    /// Close the window of an instance that is no longer configured and has no run; answered by `WindowLost`.
    CloseWindow { instance: InstanceId },
    /// Start the process; answered by `Spawned` or `SpawnFailed`.
    Spawn { instance: InstanceId, run: RunId },
    /// Carry out the plan (`kill`: SIGKILL at once); answered by `Ended`.
    Stop {
        instance: InstanceId,
        run: RunId,
        plan: StopPlan,
        kill: bool,
        /// What for, for a controller that comes after this one.
        intent: Intent,
    },
    /// What the run is to end for, or has ended for, is another thing now; nothing, if it is to go on. For a
    /// controller that comes after this one.
    Intend {
        instance: InstanceId,
        run: RunId,
        intent: Option<Intent>,
    },
    Signal {
        instance: InstanceId,
        run: RunId,
        signal: Signal,
    },
    /// Make one attempt; answered by `ProbeDone`.
    Probe {
        instance: InstanceId,
        run: RunId,
        probe: ProbeKind,
    },
    /// The instance's state changed: tell whoever looks. Every change, once, in order.
    Changed {
        instance: InstanceId,
        from: State,
        to: State,
    },
    /// One target of a request is settled.
    Answer {
        ask: AskId,
        instance: InstanceId,
        answer: Answer,
    },
    /// Every target of the request is settled.
    Done { ask: AskId },
    /// A trigger had an effect, or was refused one. Comes before what follows of it.
    Triggered {
        instance: InstanceId,
        by: Trigger,
        outcome: Triggered,
    },
    /// The session begins to end, for this reason.
    Ending { cause: EndCause },
    /// Nothing runs any more and the session is to end.
    Finish { cause: EndCause },
}

/// How a request ended for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Started {
        pid: u32,
    },
    AlreadyRunning {
        pid: u32,
    },
    Restarted {
        old_pid: Option<u32>,
        pid: u32,
    },
    Stopped {
        old_pid: Option<u32>,
        exit: Option<Exit>,
        killed: bool,
    },
    /// Nothing was to stop.
    AlreadyStopped,
    Signalled {
        pid: u32,
    },
    /// A signal for something that does not run.
    NotRunning,
    /// It could not be started, or ended before it was ready.
    Failed {
        message: String,
    },
    /// A later request overruled this one.
    Overruled {
        by: Verb,
    },
    /// The session ends.
    SessionEnds,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// This service ended first, by itself, and its end stops the session.
    Service {
        instance: InstanceId,
        run: RunId,
        exit: Exit,
    },
    /// This service could not be started, which stops the session.
    CouldNotStart {
        instance: InstanceId,
    },
    /// This service was skipped, which stops the session. The chain of what is skipped begins at `root`.
    Skipped {
        instance: InstanceId,
        root: InstanceId,
    },
    /// All that was to run has run, and nothing is left to do.
    Completed,
    Quit(QuitWhy),
}
