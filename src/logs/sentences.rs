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
    /// A run that has begun before anything was said of it: that is due in front of its first line.
    untold: Option<RunId>,
    /// The last run that was told of for want of a sentence.
    told: RunId0,
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

    /// Takes a sentence; gives it back at once if its place has come by already. One in front of a run that has
    /// been told of without it is dropped.
    #[must_use]
    pub(super) fn add(&mut self, place: Place, sentence: Sentence) -> Option<Sentence> {
        if let Place::Before(run) = place {
            if self.told == run.0 {
                return None;
            }
            self.untold.take_if(|untold| *untold == run);
        }
        if self.has_come(place) {
            return Some(sentence);
        }
        self.waiting.push((place, sentence));
        None
    }

    /// An adopted run: its beginning was another controller's to tell.
    pub(super) fn adopts(&mut self, run: RunId) -> Vec<Sentence> {
        let due = self.begins(run);
        self.untold = None;
        due
    }

    /// A run's output begins. What waited for the end of an earlier one cannot come any more, so it is due too.
    pub(super) fn begins(&mut self, run: RunId) -> Vec<Sentence> {
        let is_waited_for = |(place, _): &(Place, Sentence)| *place == Place::Before(run);
        if run.0 > self.begun.max(1) && !self.waiting.iter().any(is_waited_for) {
            self.untold = Some(run);
        }
        self.ended = self.ended.max(run.0.saturating_sub(1));
        self.begun = self.begun.max(run.0);
        self.due()
    }

    pub(super) fn ends(&mut self, run: RunId) -> Vec<Sentence> {
        self.begun = self.begun.max(run.0);
        self.ended = self.ended.max(run.0);
        self.due()
    }

    /// What must be said before the line that is about to pass: the shim's report of the start is on another way,
    /// and the output may overtake it.
    #[inline]
    pub(super) fn before_line(&mut self) -> Option<Sentence> {
        let run = self.untold.take()?;
        self.told = run.0;
        Some(Sentence {
            tone: Tone::Quiet,
            text: format!("── run {run} ──"),
        })
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
    fn a_run_whose_output_overtakes_the_report_of_its_start_is_told_before_its_first_line_and_once() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.begins(RunId(1)), []);
        assert_eq!(sentences.before_line(), None, "the first run is no news");
        assert_eq!(sentences.begins(RunId(2)), []);
        let told = sentences.before_line().unwrap();
        assert_eq!(told.text, "── run 2 ──");
        assert_eq!(sentences.before_line(), None);
        assert_eq!(sentences.add(Place::Before(RunId(2)), said("run 2, pid 7")), None);

        assert_eq!(sentences.begins(RunId(3)), []);
        let in_time = said("run 3, pid 8");
        assert_eq!(
            sentences.add(Place::Before(RunId(3)), in_time.clone()),
            Some(in_time)
        );
        assert_eq!(sentences.before_line(), None);
        assert_eq!(sentences.adopts(RunId(4)), []);
        assert_eq!(sentences.before_line(), None, "another controller has told of it");
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
