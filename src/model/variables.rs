//! The environment of a process. A project's services have most of theirs in common (every port of every
//! service, for one), so that part is there once, however many services there are; and each part is one text, not two
//! for each variable, since a start of many services reads and writes hundreds of them for each.

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

type Pair = (String, String);

/// Variables, each name once, in the order of their names. As JSON they are one flat list of pairs, which is
/// what shims of every build read.
#[derive(Clone, Default)]
pub struct Variables {
    common: Arc<Sorted>,
    /// These win over the common ones.
    own: Arc<Sorted>,
}

impl Variables {
    /// `common` with `own` over it. Of a name that is given twice the last value counts.
    pub fn new(common: &CommonVariables, own: impl IntoIterator<Item = Pair>) -> Self {
        Self {
            common: Arc::clone(&common.0),
            own: Arc::new(own.into_iter().collect()),
        }
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        Merged {
            common: self.common.iter().peekable(),
            own: self.own.iter().peekable(),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.own.get(name).or_else(|| self.common.get(name))
    }
}

/// What many [`Variables`] have in common.
#[derive(Clone, Debug, Default)]
pub struct CommonVariables(Arc<Sorted>);

impl FromIterator<Pair> for CommonVariables {
    /// Of a name that is given twice the last value counts.
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self(Arc::new(pairs.into_iter().collect()))
    }
}

impl FromIterator<Pair> for Variables {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self::new(&CommonVariables::default(), pairs)
    }
}

/// Names with their values in one text, in the order of the names, each of which is there once.
#[derive(Debug, Default)]
struct Sorted {
    text: Box<str>,
    /// Where in the text each name and then its value ends.
    ends: Box<[(usize, usize)]>,
}

impl Sorted {
    fn get(&self, name: &str) -> Option<&str> {
        let places = 0..self.ends.len();
        let index = partition(places, |index| self.pair(index).0 < name);
        let (found, value) = (index < self.ends.len()).then(|| self.pair(index))?;
        (found == name).then_some(value)
    }

    fn pair(&self, index: usize) -> (&str, &str) {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before].1);
        let (name_ends, value_ends) = self.ends[index];
        (&self.text[start..name_ends], &self.text[name_ends..value_ends])
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.ends.len()).map(|index| self.pair(index))
    }
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
struct Draft {
    text: String,
    ends: Vec<(usize, usize)>,
}

impl Draft {
    fn name_ends(&mut self) {
        self.ends.push((self.text.len(), 0));
    }

    fn value_ends(&mut self) {
        if let Some((_, end)) = self.ends.last_mut() {
            *end = self.text.len();
        }
    }

    fn finish(self) -> Sorted {
        let sorted = Sorted {
            text: self.text.into_boxed_str(),
            ends: self.ends.into_boxed_slice(),
        };
        let is_sorted = sorted.iter().is_sorted_by(|(a, _), (b, _)| a < b);
        if is_sorted {
            return sorted;
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        sorted.iter().map(owned).collect()
    }
}

struct Merged<A: Iterator, B: Iterator> {
    common: Peekable<A>,
    own: Peekable<B>,
}

impl<'a, A, B> Iterator for Merged<A, B>
where
    A: Iterator<Item = (&'a str, &'a str)>,
    B: Iterator<Item = (&'a str, &'a str)>,
{
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let first = match (self.common.peek(), self.own.peek()) {
            (Some(common), Some(own)) => common.0.cmp(own.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_) | None) => Ordering::Greater,
        };
        match first {
            Ordering::Less => self.common.next(),
            Ordering::Greater => self.own.next(),
            Ordering::Equal => {
                self.common.next();
                self.own.next()
            }
        }
    }
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Variables {}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Variables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let own = deserializer.deserialize_seq(Pairs)?.finish();
        Ok(Self {
            common: Arc::default(),
            own: Arc::new(own),
        })
    }
}

/// Reads the list of pairs.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names and values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Draft, A::Error> {
        let mut draft = Draft::default();
        while pairs.next_element_seed(NameAndValue(&mut draft))?.is_some() {}
        Ok(draft)
    }
}

/// Reads one pair into a draft.
struct NameAndValue<'a>(&'a mut Draft);

impl<'de> DeserializeSeed<'de> for NameAndValue<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_tuple(2, self)
    }
}

impl<'de> Visitor<'de> for NameAndValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        let missing = |index: usize| A::Error::invalid_length(index, &"a name and a value");
        let Self(draft) = self;
        pair.next_element_seed(Text(&mut draft.text))?
            .ok_or_else(|| missing(0))?;
        draft.name_ends();
        pair.next_element_seed(Text(&mut draft.text))?
            .ok_or_else(|| missing(1))?;
        draft.value_ends();
        Ok(())
    }
}

/// Reads a string behind what is there.
struct Text<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{CommonVariables, Pair, Variables};
    use std::sync::Arc;

    fn pairs(text: &str) -> impl Iterator<Item = Pair> {
        let pair = |word: &str| word.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
        text.split_whitespace()
            .filter_map(pair)
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn own_values_win_over_common_ones_and_all_are_in_order() {
        for (common, own, merged) in [
            ("", "", ""),
            ("B=1 A=1", "", "A=1 B=1"),
            ("", "B=2 A=2", "A=2 B=2"),
            ("B=1 D=1", "C=2 B=2 A=2 E=2", "A=2 B=2 C=2 D=1 E=2"),
            ("A=1 A=3 B=1", "B=2 B=4 B=6", "A=3 B=6"),
        ] {
            let variables = Variables::new(&pairs(common).collect(), pairs(own));
            let found: Vec<Pair> = variables.iter().map(|(n, v)| (n.into(), v.into())).collect();
            assert_eq!(found, pairs(merged).collect::<Vec<_>>(), "{common} + {own}");
            assert_eq!(variables, pairs(merged).collect());
            for (name, value) in pairs(merged) {
                assert_eq!(variables.get(&name), Some(value.as_str()));
            }
            assert_eq!(variables.get("Z"), None);
        }
    }

    #[test]
    fn what_is_common_is_there_once() {
        let common: CommonVariables = pairs("A=1 B=1").collect();
        let all: Vec<Variables> = (0..100).map(|_| Variables::new(&common, pairs("B=2"))).collect();
        assert_eq!(Arc::strong_count(&common.0), 101);
        assert_eq!(all[99].clone().get("A"), Some("1"));
    }

    #[test]
    fn on_the_wire_they_are_one_flat_list() {
        let variables = Variables::new(&pairs("A=1 B=1").collect(), pairs("B=2"));
        let text = serde_json::to_string(&variables).unwrap();
        assert_eq!(text, r#"[["A","1"],["B","2"]]"#);
        assert_eq!(serde_json::from_str::<Variables>(&text).unwrap(), variables);
        let elsewhere = r#"[["B","2"],["A","\u00e4\n"],["B","3"],["","x"]]"#;
        let read: Variables = serde_json::from_str(elsewhere).unwrap();
        assert_eq!(
            read.iter().collect::<Vec<_>>(),
            [("", "x"), ("A", "\u{e4}\n"), ("B", "3")]
        );
        for wrong in [r#"[["A"]]"#, r#"[["A","1","2"]]"#, r#"[["A",1]]"#, r#"{"A":"1"}"#] {
            assert!(serde_json::from_str::<Variables>(wrong).is_err(), "{wrong}");
        }
    }
}
