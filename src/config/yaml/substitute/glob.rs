//! The patterns of `${NAME#pattern}` and its like, as a shell has them: `*`, `?`, `[a-z]`, `[!a-z]`, `\c`. The
//! time a match takes grows with the lengths of pattern and text, whatever the pattern is.

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Any,
    Many,
    One(char),
    Of {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

pub(super) struct Glob {
    parts: Vec<Part>,
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let (part, used) = match chars[at] {
                '*' => (Part::Many, 1),
                '?' => (Part::Any, 1),
                '\\' if at + 1 < chars.len() => (Part::One(chars[at + 1]), 2),
                '[' => class(&chars[at..]).unwrap_or((Part::One('['), 1)),
                c => (Part::One(c), 1),
            };
            parts.push(part);
            at += used;
        }
        Self { parts }
    }

    /// How many characters at the beginning of `text` it matches: the most, or the fewest.
    pub(super) fn prefix(&self, text: &[char], longest: bool) -> Option<usize> {
        find(&self.parts.iter().collect::<Vec<_>>(), text.iter(), longest)
    }

    /// How many characters at the end of `text` it matches.
    pub(super) fn suffix(&self, text: &[char], longest: bool) -> Option<usize> {
        find(
            &self.parts.iter().rev().collect::<Vec<_>>(),
            text.iter().rev(),
            longest,
        )
    }
}

/// A `[…]`, and how long it is.
fn class(chars: &[char]) -> Option<(Part, usize)> {
    let negated = matches!(chars.get(1), Some('!' | '^'));
    let begin = 1 + usize::from(negated);
    // A `]` right at the beginning is a member.
    let end = begin + 1 + chars.get(begin + 1..)?.iter().position(|c| *c == ']')?;
    let members = &chars[begin..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < members.len() {
        if at + 2 < members.len() && members[at + 1] == '-' {
            ranges.push((members[at], members[at + 2]));
            at += 3;
        } else {
            ranges.push((members[at], members[at]));
            at += 1;
        }
    }
    Some((Part::Of { ranges, negated }, end + 1))
}

/// Follows all ways through the parts at once: `alive[i]` says that the first `i` parts match what was read.
fn find<'a>(parts: &[&Part], text: impl Iterator<Item = &'a char>, longest: bool) -> Option<usize> {
    let mut alive = vec![false; parts.len() + 1];
    alive[0] = true;
    skip_many(parts, &mut alive);
    let mut best = alive[parts.len()].then_some(0);
    for (index, c) in text.enumerate() {
        if (best.is_some() && !longest) || !alive.contains(&true) {
            break;
        }
        let mut next = vec![false; parts.len() + 1];
        for (at, part) in parts.iter().enumerate().filter(|(at, _)| alive[*at]) {
            match part {
                Part::Many => next[at] = true,
                Part::Any => next[at + 1] = true,
                Part::One(wanted) => next[at + 1] |= wanted == c,
                Part::Of { ranges, negated } => {
                    let within = ranges.iter().any(|(low, high)| (low..=high).contains(&c));
                    next[at + 1] |= within != *negated;
                }
            }
        }
        alive = next;
        skip_many(parts, &mut alive);
        if alive[parts.len()] {
            best = Some(index + 1);
        }
    }
    best
}

/// A `*` also matches nothing.
fn skip_many(parts: &[&Part], alive: &mut [bool]) {
    for (at, part) in parts.iter().enumerate() {
        if alive[at] && **part == Part::Many {
            alive[at + 1] = true;
        }
    }
}
