//! Whether requests are answered, once for each target and as fits: the oracle's judgement of answers.

use super::oracle::{Broken, Oracle};
use crate::model::{AskId, InstanceId};
use crate::supervisor::{Answer, Verb};

impl Oracle {
    pub(super) fn judge_answer(&mut self, ask: AskId, id: InstanceId, answer: &Answer) -> Result<(), Broken> {
        let Some(open) = self.open.get_mut(&ask) else {
            return Err(format!("an answer to {ask:?}, which is not open"));
        };
        let Some(index) = open.targets.iter().position(|(target, _)| *target == id) else {
            return Err(format!("{ask:?} answered twice for {id:?}"));
        };
        let (_, run_then) = open.targets.remove(index);
        let verb = open.verb;
        let live_run = self.shown[id.0 as usize].live_run();
        let fits = match (verb, answer) {
            (_, Answer::SessionEnds) => self.ending.is_some(),
            (_, Answer::Overruled { by }) => *by != verb,
            (Verb::Start, Answer::Started { .. } | Answer::AlreadyRunning { .. }) => live_run.is_some(),
            // It was ordered after the request.
            (Verb::Restart, Answer::Restarted { .. }) => live_run.is_some_and(|run| run > run_then),
            (Verb::Start | Verb::Restart, Answer::Failed { message }) => !message.is_empty(),
            // What ran at the request does not any more.
            (Verb::Stop | Verb::Kill, Answer::Stopped { .. } | Answer::AlreadyStopped) => {
                live_run.is_none_or(|run| run > run_then)
            }
            (Verb::Signal(_), Answer::Signalled { .. } | Answer::NotRunning) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(format!("{verb:?} of {id:?} answered with {answer:?}"))
        }
    }

    pub(super) fn judge_done(&mut self, ask: AskId) -> Result<(), Broken> {
        if let Some(index) = self.quit_asks.iter().position(|quit| *quit == ask) {
            self.quit_asks.remove(index);
            let live = self.ids().find(|id| self.shown_at(*id).is_live());
            return match live {
                Some(id) => Err(format!("a quit done, and {id:?} is live")),
                None => Ok(()),
            };
        }
        match self.open.remove(&ask) {
            Some(open) if open.targets.is_empty() => Ok(()),
            Some(open) => Err(format!("{ask:?} done without an answer for {:?}", open.targets)),
            None => Err(format!("{ask:?} done twice")),
        }
    }
}
