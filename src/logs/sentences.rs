//! What `ovr` says about a run, held back until the output that it belongs behind has passed.

use super::render::Tone;
use crate::model::RunId;

/// Where in the output a sentence belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In front of the run's first byte.
    Before(RunId),
    /// Behind the run's last byte.
    Behind(RunId),
}

/// The sentences of one instance that wait for their place, and how far its output has come.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    begun: RunId0,
    ended: RunId0,
    waiting: Vec<(Place, Sentence)>,
}

/// What is said, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) tone: Tone,
    pub(super) text: String,
}

/// A run, or 0 for "none yet"; runs count from 1.
type RunId0 = u64;

impl Sentences {
    /// Whether every byte of this run has passed.
    pub(super) fn is_complete(&self, run: RunId) -> bool {
        self.ended >= run.0
    }

    /// Takes a sentence; gives it back at once if its place has come by already.
    #[must_use]
    pub(super) fn add(&mut self, place: Place, sentence: Sentence) -> Option<Sentence> {
        if self.has_come(place) {
            return Some(sentence);
        }
        self.waiting.push((place, sentence));
        None
    }

    /// A run's output begins. What waited for the end of an earlier one cannot come any more, so it is due too.
    pub(super) fn begins(&mut self, run: RunId) -> Vec<Sentence> {
        self.ended = self.ended.max(run.0.saturating_sub(1));
        self.begun = self.begun.max(run.0);
        self.due()
    }

    pub(super) fn ends(&mut self, run: RunId) -> Vec<Sentence> {
        self.begun = self.begun.max(run.0);
        self.ended = self.ended.max(run.0);
        self.due()
    }

    /// Nothing more will come from this window: everything that waits is due.
    pub(super) fn cut(&mut self) -> Vec<Sentence> {
        self.waiting.drain(..).map(|(_, sentence)| sentence).collect()
    }

    fn has_come(&self, place: Place) -> bool {
        match place {
            Place::Before(run) => self.begun >= run.0,
            Place::Behind(run) => self.ended >= run.0,
        }
    }

    fn due(&mut self) -> Vec<Sentence> {
        let (begun, ended) = (self.begun, self.ended);
        let has_come = |place: &Place| match place {
            Place::Before(run) => begun >= run.0,
            Place::Behind(run) => ended >= run.0,
        };
        self.waiting
            .extract_if(.., |(place, _)| has_come(place))
            .map(|(_, sentence)| sentence)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Sentence, Sentences};
    use crate::logs::Tone;
    use crate::model::RunId;

    fn said(text: &str) -> Sentence {
        Sentence {
            tone: Tone::Normal,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_sentence_waits_until_its_run_has_passed() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.begins(RunId(1)), []);
        assert_eq!(sentences.add(Place::Behind(RunId(1)), said("ended")), None);
        assert_eq!(sentences.add(Place::Before(RunId(2)), said("again")), None);
        assert_eq!(sentences.ends(RunId(1)), [said("ended")]);
        assert_eq!(sentences.begins(RunId(2)), [said("again")]);
        assert_eq!(
            sentences.add(Place::Before(RunId(2)), said("late")),
            Some(said("late"))
        );
    }

    #[test]
    fn a_lost_end_mark_holds_nothing_back_for_ever() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.add(Place::Behind(RunId(1)), said("one")), None);
        assert_eq!(
            sentences.begins(RunId(2)),
            [said("one")],
            "a run begins behind the end of the one before"
        );
        assert_eq!(sentences.add(Place::Behind(RunId(2)), said("two")), None);
        assert_eq!(sentences.cut(), [said("two")]);
    }
}
