//! The requests under way: who waits for an answer, since when, and what has been settled so far.

use crate::api::messages::{ActionResult, Outcome, Results, SCHEMA};
use crate::model::{AskId, Exit, InstanceId, Moment, RunId};
use crate::supervisor::Answer;
use std::collections::BTreeMap;

/// All requests under way.
#[derive(Default)]
pub(super) struct Asks<Reply> {
    next: u64,
    open: BTreeMap<AskId, Ask<Reply>>,
}

/// One request.
pub(super) struct Ask<Reply> {
    pub(super) since: Moment,
    pub(super) reply: Reply,
    results: BTreeMap<InstanceId, (ActionResult, Option<RunId>)>,
}

impl<Reply> Ask<Reply> {
    /// The settled targets, in the order of the file, and which of them are to be completed with the last lines of
    /// a run.
    pub(super) fn results(self) -> (Reply, Results, Vec<(usize, InstanceId, RunId)>) {
        let runs = self.results.iter().enumerate();
        let awaits = runs.filter_map(|(at, (instance, (_, run)))| Some((at, *instance, (*run)?)));
        let awaits = awaits.collect();
        let results = Results {
            schema: SCHEMA,
            results: self.results.into_values().map(|(result, _)| result).collect(),
        };
        (self.reply, results, awaits)
    }
}

impl<Reply> Asks<Reply> {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            open: BTreeMap::new(),
        }
    }

    pub(super) fn open(&mut self, since: Moment, reply: Reply) -> AskId {
        self.next += 1;
        let ask = AskId(self.next);
        self.open.insert(
            ask,
            Ask {
                since,
                reply,
                results: BTreeMap::new(),
            },
        );
        ask
    }

    /// `run`: whose last lines the result is to be completed with.
    pub(super) fn settle(
        &mut self,
        ask: AskId,
        instance: InstanceId,
        result: ActionResult,
        run: Option<RunId>,
    ) {
        if let Some(open) = self.open.get_mut(&ask) {
            open.results.insert(instance, (result, run));
        }
    }

    /// The ones who wait, of those that are such: they are answered now, and not when it is done.
    pub(super) fn take_out(&mut self, such: impl Fn(&Reply) -> bool) -> Vec<Reply> {
        let open = std::mem::take(&mut self.open).into_iter();
        let (taken, open): (Vec<_>, Vec<_>) = open.partition(|(_, ask)| such(&ask.reply));
        self.open = open.into_iter().collect();
        taken.into_iter().map(|(_, ask)| ask.reply).collect()
    }

    /// Whether the one who waits for it is such a one.
    pub(super) fn is(&self, ask: AskId, such: impl FnOnce(&Reply) -> bool) -> bool {
        self.open.get(&ask).is_some_and(|open| such(&open.reply))
    }

    pub(super) fn since(&self, ask: AskId) -> Option<Moment> {
        self.open.get(&ask).map(|open| open.since)
    }

    pub(super) fn close(&mut self, ask: AskId) -> Option<Ask<Reply>> {
        self.open.remove(&ask)
    }
}

/// The machine's answer in the API's words. Elapsed time and last lines are the caller's to fill in.
pub(super) fn describe(name: String, answer: &Answer) -> ActionResult {
    let mut result = ActionResult {
        name,
        outcome: Outcome::Failed,
        old_pid: None,
        pid: None,
        exit_code: None,
        exit_signal: None,
        elapsed_ms: 0,
        message: None,
        last_lines: Vec::new(),
        not_yet: false,
    };
    match answer {
        Answer::Started { pid } => {
            result.outcome = Outcome::Started;
            result.pid = Some(*pid);
        }
        Answer::AlreadyRunning { pid } => {
            result.outcome = Outcome::AlreadyRunning;
            result.pid = Some(*pid);
        }
        Answer::Restarted { old_pid, pid } => {
            result.outcome = Outcome::Restarted;
            result.old_pid = *old_pid;
            result.pid = Some(*pid);
        }
        Answer::Stopped {
            old_pid,
            exit,
            killed,
        } => {
            result.outcome = if *killed {
                Outcome::Killed
            } else {
                Outcome::Stopped
            };
            result.old_pid = *old_pid;
            match exit {
                Some(Exit::Code(code)) => result.exit_code = Some(*code),
                Some(Exit::Signal(signal)) => result.exit_signal = Some(signal.to_string()),
                None => {}
            }
        }
        Answer::AlreadyStopped => result.outcome = Outcome::AlreadyStopped,
        Answer::Signalled { pid } => {
            result.outcome = Outcome::Signalled;
            result.pid = Some(*pid);
        }
        Answer::NotRunning => result.outcome = Outcome::NotRunning,
        Answer::Failed { message } => result.message = Some(message.clone()),
        Answer::Overruled { by } => {
            result.outcome = Outcome::Overruled;
            result.message = Some(format!("a later {} overruled this request", by.as_str()));
        }
        Answer::SessionEnds => {
            result.outcome = Outcome::Overruled;
            result.message = Some("the session is ending".to_owned());
        }
    }
    result
}
