//! Where a reading of the logs has come to, as a text to begin the next one with. Survives rotation and
//! compression: it counts lines at a time, not bytes of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Everything up to a time, and of that time's millisecond so many lines of each instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub(super) at_ms: u64,
    pub(super) lines: BTreeMap<String, u64>,
}

impl Cursor {
    /// Before everything of this moment.
    pub fn at(at_ms: u64) -> Self {
        Self {
            at_ms,
            lines: BTreeMap::new(),
        }
    }

    /// Moves behind a line. Lines of one instance come in the order of their file, those of several in the
    /// order of time.
    pub fn pass(&mut self, instance: &str, at_ms: u64) {
        if at_ms > self.at_ms {
            self.at_ms = at_ms;
            self.lines.clear();
        }
        if at_ms == self.at_ms {
            match self.lines.get_mut(instance) {
                Some(count) => *count += 1,
                None => {
                    self.lines.insert(instance.to_owned(), 1);
                }
            }
        }
    }

    /// Moves behind the line that is the `nth` of its instance in its millisecond, whether those before it were passed
    /// or not.
    pub fn reach(&mut self, instance: &str, at_ms: u64, nth: u32) {
        if at_ms > self.at_ms {
            self.at_ms = at_ms;
            self.lines.clear();
        }
        if at_ms == self.at_ms {
            let nth = u64::from(nth);
            match self.lines.get_mut(instance) {
                Some(count) => *count = nth.max(*count),
                None => {
                    self.lines.insert(instance.to_owned(), nth);
                }
            }
        }
    }

    /// Moves to this moment, if it stands before it: of what was printed then it has passed nothing.
    pub fn reach_moment(&mut self, at_ms: u64) {
        if at_ms > self.at_ms {
            *self = Self::at(at_ms);
        }
    }

    /// The one of the two that stands further behind, of each instance.
    #[must_use]
    pub fn or_later(mut self, other: &Self) -> Self {
        if other.at_ms > self.at_ms {
            return other.clone();
        }
        if other.at_ms == self.at_ms {
            for (instance, lines) in &other.lines {
                let mine = self.lines.entry(instance.clone()).or_default();
                *mine = (*mine).max(*lines);
            }
        }
        self
    }

    /// The how manieth of its instance's lines in its millisecond is the one that was passed last.
    pub(super) fn nth(&self, instance: &str, at_ms: u64) -> u32 {
        let lines = self.lines.get(instance).filter(|_| at_ms == self.at_ms);
        lines.map_or(1, |lines| u32::try_from(*lines).unwrap_or(u32::MAX))
    }

    /// Whether that line is one behind it.
    fn is_before(&self, instance: &str, at_ms: u64, nth: u32) -> bool {
        let seen = || self.lines.get(instance).copied().unwrap_or_default();
        at_ms > self.at_ms || (at_ms == self.at_ms && u64::from(nth) > seen())
    }

    /// As a text that says: it counts what services printed, and no word of ovr's own.
    pub fn printed_text(&self) -> String {
        format!("{PRINTED}{}", &self.to_string()[VERSION.len()..])
    }

    /// Reads what [`Self::printed_text`] has written.
    pub fn parse_printed(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PRINTED)?;
        format!("{VERSION}{rest}").parse().ok()
    }

    /// Counts down what was seen of this time; true for a line that was not seen. To be asked for every line
    /// behind the cursor's beginning, in their order.
    pub fn is_unseen(&mut self, instance: &str, at_ms: u64) -> bool {
        if at_ms != self.at_ms {
            return at_ms > self.at_ms;
        }
        match self.lines.get_mut(instance) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            Some(_) | None => true,
        }
    }
}

/// What a stream repeats of what was read before: of each instance some lines up to the cursor, then only new ones,
/// whatever the clock did meanwhile. Each line has its place, so that it does not matter where the stream begins, and
/// whether lines of it are missing.
#[derive(Clone, Debug, Default)]
pub struct Overlap {
    seen: Cursor,
    /// The instances that the stream repeats no more of.
    past: BTreeSet<String>,
    /// It repeats nothing.
    nothing: bool,
}

impl Overlap {
    /// For a stream after a reading that has printed the lines up to `printed`.
    pub fn with(printed: Cursor) -> Self {
        Self {
            seen: printed,
            past: BTreeSet::new(),
            nothing: false,
        }
    }

    /// For a stream that repeats nothing.
    pub fn nothing() -> Self {
        Self {
            nothing: true,
            ..Self::default()
        }
    }

    /// Whether this line of the stream, the `nth` of its instance in its millisecond, was not read before. To be asked
    /// for every line, in their order.
    pub fn is_new(&mut self, instance: &str, at_ms: u64, nth: u32) -> bool {
        if self.nothing || self.past.contains(instance) {
            return true;
        }
        let is_new = self.seen.is_before(instance, at_ms, nth);
        if is_new {
            self.past.insert(instance.to_owned());
        }
        is_new
    }

    /// The same for a word of ovr's own, which no cursor counts.
    pub fn is_event_new(&self, instance: &str, at_ms: u64) -> bool {
        self.nothing || self.past.contains(instance) || at_ms > self.seen.at_ms
    }

    /// Whether a line of this moment that is new is behind everything that the stream repeats, of every instance.
    pub fn is_behind_all(&self, at_ms: u64) -> bool {
        self.nothing || at_ms != self.seen.at_ms
    }

    /// Whether the stream tells what is new, of one instance at least.
    pub fn has_begun_anew(&self) -> bool {
        self.nothing || !self.past.is_empty()
    }
}

/// How a cursor begins: its version.
const VERSION: &str = "c1.";
/// The same for one that counts only what services printed.
const PRINTED: &str = "p1.";

impl fmt::Display for Cursor {
    /// `c1.1769847330042.web=2,worker=1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}{}.", self.at_ms)?;
        for (index, (instance, lines)) in self.lines.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{instance}={lines}")?;
        }
        Ok(())
    }
}

/// The text is no cursor of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let rest = text.strip_prefix(VERSION).ok_or(NoCursor)?;
        let (at_ms, lines) = rest.split_once('.').ok_or(NoCursor)?;
        let pair = |item: &str| {
            let (instance, count) = item.rsplit_once('=').ok_or(NoCursor)?;
            Ok((instance.to_owned(), count.parse().map_err(|_| NoCursor)?))
        };
        let lines = lines.split(',').filter(|item| !item.is_empty());
        Ok(Self {
            at_ms: at_ms.parse().map_err(|_| NoCursor)?,
            lines: lines.map(pair).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, NoCursor, Overlap};

    #[test]
    fn a_stream_repeats_what_was_read_and_then_is_new_though_the_clock_be_set_back() {
        let mut read = Cursor::default();
        for (instance, at_ms) in [("web", 5), ("web", 7), ("db", 7), ("web", 7)] {
            read.pass(instance, at_ms);
        }
        let mut overlap = Overlap::with(read);
        let told = [
            ("web", 5, 1, false),
            ("web", 7, 1, false),
            ("web", 7, 2, false),
            ("web", 7, 3, true),
            ("web", 3, 1, true),
            ("db", 6, 1, false),
            ("db", 7, 1, false),
            ("db", 9, 1, true),
            ("db", 2, 1, true),
        ];
        for (instance, at_ms, nth, is_new) in told {
            assert_eq!(overlap.is_new(instance, at_ms, nth), is_new, "{instance} {at_ms}");
        }
    }

    #[test]
    fn a_line_is_told_by_its_place_wherever_the_stream_begins_and_whatever_of_it_is_missing() {
        let mut read = Cursor::default();
        for nth in [4, 5] {
            read.reach("web", 7, nth);
        }
        let mut overlap = Overlap::with(read.clone());
        assert!(!overlap.is_new("web", 7, 5) && !overlap.has_begun_anew());
        assert!(overlap.is_new("web", 7, 6) && overlap.has_begun_anew());
        assert!(!Overlap::with(read.clone()).is_new("web", 7, 1));
        // A reading of the file goes on behind the fifth, too.
        let unseen: Vec<bool> = (0..6).map(|_| read.is_unseen("web", 7)).collect();
        assert_eq!(unseen, [false, false, false, false, false, true]);
    }

    #[test]
    fn the_later_of_two_places_is_the_later_one_of_each_instance() {
        let place = |text: &str| text.parse::<Cursor>().unwrap();
        for (one, other, later) in [
            ("c1.7.web=2", "c1.5.web=9", "c1.7.web=2"),
            ("c1.5.web=9", "c1.7.", "c1.7."),
            ("c1.7.db=1,web=2", "c1.7.api=4,web=3", "c1.7.api=4,db=1,web=3"),
        ] {
            assert_eq!(place(one).or_later(&place(other)), place(later), "{one} {other}");
        }
        let mut moved = place("c1.7.web=2");
        moved.reach_moment(7);
        assert_eq!(moved, place("c1.7.web=2"));
        moved.reach_moment(8);
        assert_eq!(moved, place("c1.8."));
    }

    #[test]
    fn a_cursor_reads_back_as_written() {
        let mut cursor = Cursor::default();
        for (instance, at_ms) in [("web", 5), ("web", 7), ("a.b#2", 7), ("web", 7), ("old", 6)] {
            cursor.pass(instance, at_ms);
        }
        assert_eq!(cursor.to_string(), "c1.7.a.b#2=1,web=2");
        assert_eq!(cursor.to_string().parse(), Ok(cursor.clone()));
        assert_eq!("c1.0.".parse(), Ok(Cursor::default()));
        assert_eq!(cursor.printed_text(), "p1.7.a.b#2=1,web=2");
        assert_eq!(Cursor::parse_printed("p1.7.a.b#2=1,web=2"), Some(cursor.clone()));
        assert_eq!(Cursor::parse_printed("c1.7."), None);
        for wrong in ["", "c1", "c2.7.", "c1.x.", "c1.7.web", "c1.7.web=x", "10m"] {
            assert_eq!(wrong.parse::<Cursor>(), Err(NoCursor), "{wrong}");
        }
    }
}
