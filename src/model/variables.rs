//! The environment of a process. A project's services have most of theirs in common (every port of every
//! service, for one), so that part is there once, however many services there are; and each part is one text, not two
//! for each variable, since a start of many services reads and writes hundreds of them for each.

mod json;
mod sorted;

use sorted::{Pair, Sorted};
use std::fmt;
use std::sync::Arc;

/// Variables, each name once, in the order of their names.
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

    /// What [`Variables::texts`] gave; `None` where it is something else.
    pub fn read([common, own]: [&[u8]; 2]) -> Option<Self> {
        Some(Self {
            common: Arc::new(Sorted::read(common)?),
            own: Arc::new(Sorted::read(own)?),
        })
    }

    /// All of them, as two texts of entries `NAME=value`, each ended by a NUL: those in common with others, and those
    /// that win over them. `None` where a NUL or the sign stands in the middle of a variable.
    pub fn texts(&self) -> Option<[&str; 2]> {
        Some([self.common.text()?, self.own.text()?])
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.merged().map(|(part, index)| self.part(part).pair(index))
    }

    /// As `NAME=value` with a NUL behind each, sorted by name, without those of these names.
    pub fn entries_but<'a>(&'a self, names: &[&str]) -> impl Iterator<Item = &'a str> {
        let places = |part| {
            names
                .iter()
                .filter_map(move |name| Some((part, self.part(part).find(name)?)))
        };
        let left_out: Vec<_> = places(Part::Common).chain(places(Part::Own)).collect();
        let entries = self.merged().filter(move |place| !left_out.contains(place));
        entries.map(|(part, index)| self.part(part).entry(index))
    }

    /// The name of one that holds a NUL, which the system cannot take.
    pub fn with_nul(&self) -> Option<&str> {
        self.own.with_nul().or_else(|| self.common.with_nul())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.own.get(name).or_else(|| self.common.get(name))
    }

    /// Whether there is one whose name begins like this.
    pub fn has_like(&self, beginning: &str) -> bool {
        [&self.common, &self.own].into_iter().any(|part| {
            let index = part.place_of(beginning);
            index < part.len() && part.pair(index).0.starts_with(beginning)
        })
    }

    fn part(&self, part: Part) -> &Sorted {
        match part {
            Part::Common => &self.common,
            Part::Own => &self.own,
        }
    }

    fn merged(&self) -> Merged<'_> {
        Merged {
            common: &self.common,
            own: &self.own,
            at: (0, 0),
            until: self.own.is_at(0, &self.common),
        }
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Common,
    Own,
}

/// Which entry of which part comes next. The own ones are few as a rule, so each looks for its place among the others.
struct Merged<'a> {
    common: &'a Sorted,
    own: &'a Sorted,
    at: (usize, usize),
    /// Where among the common ones the next of the own ones stands.
    until: usize,
}

impl Iterator for Merged<'_> {
    type Item = (Part, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let (common, own) = self.at;
        if common < self.until {
            self.at.0 += 1;
            return Some((Part::Common, common));
        }
        if own == self.own.len() {
            return None;
        }
        if self.common.find(self.own.pair(own).0) == Some(common) {
            self.at.0 += 1;
        }
        self.at.1 += 1;
        self.until = self.own.is_at(own + 1, self.common);
        Some((Part::Own, own))
    }
}

impl Sorted {
    /// Where among `others` the entry stands, by its name; behind all of them if there is none.
    fn is_at(&self, index: usize, others: &Self) -> usize {
        if index < self.len() {
            others.place_of(self.pair(index).0)
        } else {
            others.len()
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

#[cfg(test)]
mod tests {
    use super::{CommonVariables, Pair, Variables};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
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

    #[test]
    fn as_texts_they_are_what_they_were() {
        for (common, own) in [("", ""), ("A=1 B=1", ""), ("", "B=x=y"), ("A= C=3", "B=2 C=4")] {
            let variables = Variables::new(&pairs(common).collect(), pairs(own));
            let texts = variables.texts().unwrap();
            assert_eq!(Variables::read(texts.map(str::as_bytes)), Some(variables));
        }
        for (name, value, with_nul) in [("A", "1\x002", true), ("A\0", "1", true), ("A=B", "1", false)] {
            let variables: Variables = [(name.to_owned(), value.to_owned())].into_iter().collect();
            assert_eq!(variables.texts(), None);
            assert_eq!(variables.with_nul(), with_nul.then_some(name));
        }
        for wrong in [
            &b"A=1"[..],
            b"A\0",
            b"=",
            b"B=1\0A=1\0",
            b"A=1\0A=1\0",
            b"A=\xff\0",
        ] {
            assert_eq!(Variables::read([wrong, b""]), None, "{}", wrong.escape_ascii());
            assert_eq!(Variables::read([b"", wrong]), None, "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn as_entries_those_of_some_names_can_be_left_out() {
        let variables = Variables::new(&pairs("A=1 B=1 D=1").collect(), pairs("B=2 C=2"));
        let entries = |names: &[&str]| variables.entries_but(names).collect::<Vec<_>>();
        assert_eq!(entries(&[]), ["A=1\0", "B=2\0", "C=2\0", "D=1\0"]);
        assert_eq!(entries(&["B", "D", "X"]), ["A=1\0", "C=2\0"]);
    }

    #[test]
    fn a_name_is_found_by_its_beginning() {
        let variables = Variables::new(&pairs("A_1=1 C=1").collect(), pairs("B_2=2"));
        let found = ["A_", "A_1", "A_2", "B_", "", "C_", "D"].map(|name| variables.has_like(name));
        assert_eq!(found, [true, true, false, true, true, false, false]);
    }

    proptest! {
        #[test]
        fn they_are_what_a_map_would_hold(
            common in proptest::collection::vec(("[AB]{0,3}", "[a-c=]{0,2}"), 0..12),
            own in proptest::collection::vec(("[AB]{0,3}", "[a-c=]{0,2}"), 0..6),
        ) {
            let variables = Variables::new(&common.iter().cloned().collect(), own.iter().cloned());
            let map: BTreeMap<_, _> = common.into_iter().chain(own).collect();
            prop_assert!(variables.iter().eq(map.iter().map(|(n, v)| (n.as_str(), v.as_str()))));
            for (name, value) in &map {
                prop_assert_eq!(variables.get(name), Some(value.as_str()));
            }
            let entries = map.iter().map(|(name, value)| format!("{name}={value}\0"));
            prop_assert!(variables.entries_but(&[]).eq(entries));
        }
    }
}
