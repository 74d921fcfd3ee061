//! The environment of a process. A project's services have most of theirs in common (every port of every
//! service, for one), so that part is there once, however many services there are.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::iter::Peekable;
use std::slice;
use std::sync::Arc;

type Pair = (String, String);

/// Variables, each name once, in the order of their names. As JSON they are one flat list of pairs, which is
/// what shims of every build read.
#[derive(Clone, Default)]
pub struct Variables {
    /// Sorted.
    common: Arc<[Pair]>,
    /// Sorted. These win over the common ones.
    own: Box<[Pair]>,
}

impl Variables {
    /// `common` with `own` over it. Of a name that is given twice the last value counts.
    pub fn new(common: &CommonVariables, own: impl IntoIterator<Item = Pair>) -> Self {
        Self {
            common: Arc::clone(&common.0),
            own: sorted(own).into(),
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
        let of = |pairs: &'_ [Pair]| pairs.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok();
        match of(&self.own) {
            Some(index) => Some(&self.own[index].1),
            None => of(&self.common).map(|index| self.common[index].1.as_str()),
        }
    }
}

/// What many [`Variables`] have in common.
#[derive(Clone, Debug, Default)]
pub struct CommonVariables(Arc<[Pair]>);

impl FromIterator<Pair> for CommonVariables {
    /// Of a name that is given twice the last value counts.
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self(sorted(pairs).into())
    }
}

impl FromIterator<Pair> for Variables {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self::new(&CommonVariables::default(), pairs)
    }
}

fn sorted(pairs: impl IntoIterator<Item = Pair>) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = pairs.into_iter().collect();
    // Stable, so that of equal names the last one stays last.
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    pairs
}

struct Merged<'a> {
    common: Peekable<slice::Iter<'a, Pair>>,
    own: Peekable<slice::Iter<'a, Pair>>,
}

impl<'a> Iterator for Merged<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let first = match (self.common.peek(), self.own.peek()) {
            (Some(common), Some(own)) => common.0.cmp(&own.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_) | None) => Ordering::Greater,
        };
        let pair = match first {
            Ordering::Less => self.common.next(),
            Ordering::Greater => self.own.next(),
            Ordering::Equal => {
                self.common.next();
                self.own.next()
            }
        };
        pair.map(|(name, value)| (name.as_str(), value.as_str()))
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
        Vec::<Pair>::deserialize(deserializer).map(Self::from_iter)
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
    }
}
