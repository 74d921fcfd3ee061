//! What is answered to requests: results in the machine's order, and a failure's last lines when they are all here.

use super::actions::LAST_WORDS;
use super::asks::describe;
use super::core::{Controller, Reply};
use crate::api::messages::{Outcome, Results};
use crate::model::{AskId, InstanceId, RunId};
use crate::supervisor::Answer;

/// An answer that waits for the last lines of runs that have failed: the report of an end and the run's output
/// come on two ways, and either may be first.
pub(super) struct Unfinished {
    reply: Reply,
    results: Results,
    /// Which runs, and where their lines belong in `results`.
    awaits: Vec<(usize, InstanceId, RunId)>,
}

impl Controller {
    pub(super) fn on_answer(&mut self, ask: AskId, instance: InstanceId, answer: &Answer) {
        let mut result = describe(self.host(instance).name(), answer);
        if let Some(since) = self.asks.since(ask) {
            let elapsed = self.clock.now().since(since);
            result.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        }
        let mut run = None;
        if result.outcome == Outcome::Failed {
            run = self.host(instance).run.as_ref().map(|run| run.id);
            if let (Some(message), Some(trouble)) = (&mut result.message, self.current_trouble(instance)) {
                message.push_str(" · ");
                message.push_str(&trouble);
            }
        }
        self.asks.settle(ask, instance, result, run);
    }

    pub(super) fn on_done(&mut self, ask: AskId) {
        let Some(ask) = self.asks.close(ask) else { return };
        let (reply, results, awaits) = ask.results();
        match reply {
            Reply::Action(_) | Reply::Restart(..) | Reply::Reload(_) => {
                self.unfinished.push(Unfinished {
                    reply,
                    results,
                    awaits,
                });
                self.finish_answers();
            }
            // The session's end is the answer; it is sent when everything is gone.
            Reply::Quit(sender) => self.quitters.push(sender),
            Reply::Nobody => {}
        }
    }

    /// Sends the answers that have all their lines, whenever something has come that may bring them.
    pub(super) fn finish_answers(&mut self) {
        if self.unfinished.is_empty() {
            return;
        }
        let all = std::mem::take(&mut self.unfinished);
        let owes = |(_, instance, run): &(usize, InstanceId, RunId)| self.owes_output_of(*instance, *run);
        let (unfinished, finished): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|answer: &Unfinished| answer.awaits.iter().any(owes));
        self.unfinished = unfinished;
        for Unfinished {
            reply,
            mut results,
            awaits,
        } in finished
        {
            for (at, instance, run) in awaits {
                results.results[at].last_lines = self.hub.last_lines_of_run(instance, run, LAST_WORDS);
            }
            self.hand_over(reply, results);
        }
    }

    fn hand_over(&mut self, reply: Reply, results: Results) {
        match reply {
            // Who asked may have left.
            Reply::Action(sender) | Reply::Quit(sender) => drop(sender.send(Ok(results))),
            Reply::Restart(targets, sender) => self.answer_restart(targets, results, sender),
            Reply::Reload(number) => self.on_reload_part(number, results),
            Reply::Nobody => {}
        }
    }
}
