//! All lines of an instance's files, one after the other, and those of several instances in the order of time.
//! Reads files; decides nothing about what is wanted.

use super::entry::{Entry, EntryKind};
use super::listing::Segment;
use crate::model::RunId;
use flate2::bufread::GzDecoder;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Seek};

/// A line, wherever it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at_ms: u64,
    pub(super) run: RunId,
    pub(super) kind: EntryKind,
    pub(super) text: Vec<u8>,
    /// It says that a run begins, and the next line of its instance says that and more.
    pub(super) is_told_again: bool,
}

/// What ovr's own word on the beginning of a run begins with.
pub const RUN_MARK: &str = "── ";

impl Line {
    /// Reads a line of a file. One that no `ovr` has written is text of the moment before it.
    pub(super) fn read(mut bytes: Vec<u8>, before: &mut Before) -> Self {
        let (at_ms, run, kind, head) = match Entry::parse(&bytes) {
            Some(entry) => {
                let head = bytes.len() - entry.text.len();
                (entry.at_ms, entry.run, entry.kind, head)
            }
            None => (before.at_ms, before.run, EntryKind::Output, 0),
        };
        *before = Before { at_ms, run };
        bytes.drain(..head);
        Self {
            at_ms,
            run,
            kind,
            text: bytes,
            is_told_again: false,
        }
    }

    fn says_which_run(&self) -> bool {
        self.kind == EntryKind::Event && self.text.starts_with(RUN_MARK.as_bytes())
    }
}

/// What a line that says nothing of itself has from the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    at_ms: u64,
    run: RunId,
}

impl Before {
    /// Where there is none.
    pub(super) const NOTHING: Self = Self {
        at_ms: 0,
        run: RunId(0),
    };
}

/// Where the lines of one instance come from, in their order.
pub(super) type Lines = Box<dyn Iterator<Item = io::Result<Line>>>;

/// The files of an instance that are to be read. Those that are held open are read to their end, whatever becomes of
/// their names meanwhile: in a flood a file is turned over, and the oldest removed, several times a second.
#[derive(Debug)]
pub(super) struct Reading(Vec<Source>);

#[derive(Debug)]
enum Source {
    Listed(Segment),
    Held { file: File, is_packed: bool },
}

impl Reading {
    /// `hold`: there are descriptors for all of them.
    pub(super) fn of(segments: Vec<Segment>, hold: bool) -> io::Result<Self> {
        let mut sources = Vec::with_capacity(segments.len());
        for segment in segments {
            if !hold {
                sources.push(Source::Listed(segment));
                continue;
            }
            match segment.open() {
                Ok((file, is_packed)) => sources.push(Source::Held { file, is_packed }),
                // Removed as the oldest since the directory was read.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self(sources))
    }

    /// The same once more, when the first reading is over.
    pub(super) fn again(&self) -> io::Result<Self> {
        let again = |source: &Source| {
            Ok(match source {
                Source::Listed(segment) => Source::Listed(segment.clone()),
                Source::Held { file, is_packed } => {
                    let (mut file, is_packed) = (file.try_clone()?, *is_packed);
                    file.rewind()?;
                    Source::Held { file, is_packed }
                }
            })
        };
        self.0.iter().map(again).collect::<io::Result<_>>().map(Self)
    }

    /// Every line of them, oldest first.
    pub(super) fn lines(self) -> Lines {
        Box::new(FileLines {
            sources: self.0.into(),
            open: None,
            before: Before::NOTHING,
        })
    }
}

struct FileLines {
    sources: VecDeque<Source>,
    open: Option<Box<dyn BufRead>>,
    before: Before,
}

impl Iterator for FileLines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(open) = &mut self.open else {
                match open(self.sources.pop_front()?) {
                    Ok(file) => self.open = Some(file),
                    // Removed as the oldest since the directory was read.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Some(Err(error)),
                }
                continue;
            };
            let mut bytes = Vec::new();
            match open.read_until(b'\n', &mut bytes) {
                Ok(0) => self.open = None,
                Ok(_) => {
                    if bytes.last() == Some(&b'\n') {
                        bytes.pop();
                    }
                    return Some(Ok(Line::read(bytes, &mut self.before)));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn open(source: Source) -> io::Result<Box<dyn BufRead>> {
    let (file, is_packed) = match source {
        Source::Listed(segment) => segment.open()?,
        Source::Held { file, is_packed } => (file, is_packed),
    };
    let file = BufReader::new(file);
    if is_packed {
        Ok(Box::new(BufReader::new(GzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

/// The lines of several instances by their time, each with the instance's place in the list. Lines of one
/// instance stay in their order, whatever the clock did.
pub(super) struct Merged {
    sources: Vec<Lines>,
    /// The next line of each source that has one.
    heads: Vec<Option<Line>>,
    /// When they come, and whose they are.
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Merged {
    pub(super) fn new(sources: Vec<Lines>) -> io::Result<Self> {
        let mut merged = Self {
            heads: Vec::with_capacity(sources.len()),
            order: BinaryHeap::with_capacity(sources.len()),
            sources,
        };
        for (index, lines) in merged.sources.iter_mut().enumerate() {
            let first = lines.next().transpose()?;
            let at_ms = first.as_ref().map(|line| line.at_ms);
            merged.order.extend(at_ms.map(|at_ms| Reverse((at_ms, index))));
            merged.heads.push(first);
        }
        Ok(merged)
    }
}

impl Iterator for Merged {
    type Item = io::Result<(usize, Line)>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, index)) = self.order.pop()?;
        let mut line = self.heads[index].take()?;
        match self.sources[index].next().transpose() {
            Ok(Some(next)) => {
                line.is_told_again = line.kind == EntryKind::Begin && next.says_which_run();
                self.order.push(Reverse((next.at_ms, index)));
                self.heads[index] = Some(next);
            }
            Ok(None) => {}
            Err(error) => return Some(Err(error)),
        }
        Some(Ok((index, line)))
    }
}
