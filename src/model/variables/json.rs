//! Variables as JSON: one flat list of pairs, which is what shims of every build read.

use super::Variables;
use super::sorted::Draft;
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

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
