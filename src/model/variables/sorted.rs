//! Names with their values as one text, in the form in which the system takes an environment. What wins over what
//! is not known here.

use std::ops::Range;

pub(super) type Pair = (String, String);

/// Entries `NAME=value`, each ended by a NUL, in the order of the names, each of which is there once.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    text: Box<str>,
    /// Where in the text each name and then its value ends.
    ends: Box<[(u32, u32)]>,
    /// A name holds the sign, or one of both a NUL: the text alone does not tell where they end.
    is_ambiguous: bool,
}

impl Sorted {
    /// Reads what [`Sorted::text`] gave; `None` where it is no such text.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let mut ends = Vec::with_capacity(text.len() / 32);
        let mut name_ends = None;
        for (at, byte) in text.bytes().enumerate() {
            match (byte, name_ends) {
                (b'=', None) => name_ends = Some(place(at)),
                (0, Some(name)) => {
                    ends.push((name, place(at)));
                    name_ends = None;
                }
                (0, None) => return None,
                _ => {}
            }
        }
        let is_whole = name_ends.is_none() && (text.is_empty() || text.ends_with('\0'));
        let read = Self {
            text: text.into(),
            ends: ends.into_boxed_slice(),
            is_ambiguous: false,
        };
        (is_whole && read.is_sorted()).then_some(read)
    }

    /// All entries, if the text alone tells where each of them begins and its name ends.
    pub(super) fn text(&self) -> Option<&str> {
        (!self.is_ambiguous).then_some(&self.text)
    }

    /// The name of a variable that holds a NUL, if there is one.
    pub(super) fn with_nul(&self) -> Option<&str> {
        let has_nul = |(name, value): &(&str, &str)| name.contains('\0') || value.contains('\0');
        let (name, _) = self.iter().filter(|_| self.is_ambiguous).find(has_nul)?;
        Some(name)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|index| self.pair(index).1)
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let index = self.place_of(name);
        (index < self.len() && self.pair(index).0 == name).then_some(index)
    }

    /// Where the name is, or would be.
    pub(super) fn place_of(&self, name: &str) -> usize {
        partition(0..self.len(), |index| self.pair(index).0 < name)
    }

    pub(super) fn pair(&self, index: usize) -> (&str, &str) {
        let (name_ends, value_ends) = self.ends(index);
        (
            &self.text[self.start(index)..name_ends],
            &self.text[name_ends + 1..value_ends],
        )
    }

    /// `NAME=value` and its NUL.
    pub(super) fn entry(&self, index: usize) -> &str {
        &self.text[self.start(index)..=self.ends(index).1]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.len()).map(|index| self.pair(index))
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.ends(before).1 + 1)
    }

    fn ends(&self, index: usize) -> (usize, usize) {
        let (name, value) = self.ends[index];
        (name as usize, value as usize)
    }

    fn is_sorted(&self) -> bool {
        self.iter().is_sorted_by(|(a, _), (b, _)| a < b)
    }
}

/// A place in a text.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("the system takes no environment of gigabytes")
}

/// The first place for which `is_before` does not hold; it holds for none behind that.
fn partition(places: Range<usize>, is_before: impl Fn(usize) -> bool) -> usize {
    let Range { mut start, mut end } = places;
    while start < end {
        let middle = start + (end - start) / 2;
        if is_before(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}

impl FromIterator<Pair> for Sorted {
    /// Of a name that is given twice the last value counts.
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        let mut pairs: Vec<Pair> = pairs.into_iter().collect();
        // Stable, so that of equal names the last one stays last.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut draft = Draft::default();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if pairs.get(index + 1).is_none_or(|(next, _)| next != name) {
                draft.text.push_str(name);
                draft.name_ends();
                draft.text.push_str(value);
                draft.value_ends();
            }
        }
        draft.finish()
    }
}

/// Variables while they are read, in whatever order they come.
#[derive(Default)]
pub(super) struct Draft {
    /// Names and values are written to its end.
    pub(super) text: String,
    ends: Vec<(u32, u32)>,
}

impl Draft {
    pub(super) fn name_ends(&mut self) {
        self.ends.push((place(self.text.len()), 0));
        self.text.push('=');
    }

    pub(super) fn value_ends(&mut self) {
        if let Some((_, end)) = self.ends.last_mut() {
            *end = place(self.text.len());
        }
        self.text.push('\0');
    }

    pub(super) fn finish(self) -> Sorted {
        let mut drafted = Sorted {
            text: self.text.into_boxed_str(),
            ends: self.ends.into_boxed_slice(),
            is_ambiguous: false,
        };
        let is_ambiguous = |(name, value): (&str, &str)| name.contains(['=', '\0']) || value.contains('\0');
        let any = drafted.iter().any(is_ambiguous);
        drafted.is_ambiguous = any;
        if drafted.is_sorted() {
            return drafted;
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        drafted.iter().map(owned).collect()
    }
}
