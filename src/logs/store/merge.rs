//! All lines of an instance's files, one after the other, and those of several instances in the order of time.
//! Reads files; decides nothing about what is wanted.

use super::entry::{Entry, EntryKind};
use super::files::Segment;
use crate::model::RunId;
use flate2::bufread::GzDecoder;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};

/// A line, wherever it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) at_ms: u64,
    pub(super) run: RunId,
    pub(super) kind: EntryKind,
    pub(super) text: Vec<u8>,
}

impl Line {
    /// Reads a line of a file. One that no `ovr` has written is text of the moment before it.
    pub(super) fn read(bytes: &[u8], before: Option<&Self>) -> Self {
        match Entry::parse(bytes) {
            Some(entry) => Self {
                at_ms: entry.at_ms,
                run: entry.run,
                kind: entry.kind,
                text: entry.text.to_vec(),
            },
            None => Self {
                at_ms: before.map_or(0, |line| line.at_ms),
                run: before.map_or(RunId(0), |line| line.run),
                kind: EntryKind::Output,
                text: bytes.to_vec(),
            },
        }
    }
}

/// Where the lines of one instance come from, in their order.
pub(super) type Lines = Box<dyn Iterator<Item = io::Result<Line>>>;

/// Every line of these files, oldest first.
pub(super) fn lines_of(segments: Vec<Segment>) -> Lines {
    Box::new(FileLines {
        segments: segments.into(),
        open: None,
        before: None,
    })
}

struct FileLines {
    segments: VecDeque<Segment>,
    open: Option<Box<dyn BufRead>>,
    before: Option<Line>,
}

impl Iterator for FileLines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(open) = &mut self.open else {
                match open(&self.segments.pop_front()?) {
                    Ok(file) => self.open = Some(file),
                    // Removed as the oldest, or packed, since the directory was read.
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
                    let line = Line::read(&bytes, self.before.as_ref());
                    self.before = Some(Line {
                        text: Vec::new(),
                        ..line
                    });
                    return Some(Ok(line));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn open(segment: &Segment) -> io::Result<Box<dyn BufRead>> {
    let file = match File::open(&segment.path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !segment.is_packed() => {
            // It may have been packed just now.
            let packed = Segment {
                path: super::files::packed_path(&segment.path),
                number: segment.number,
            };
            return Ok(open_packed(File::open(&packed.path)?));
        }
        file => BufReader::new(file?),
    };
    if segment.is_packed() {
        Ok(open_packed(file.into_inner()))
    } else {
        Ok(Box::new(file))
    }
}

fn open_packed(file: File) -> Box<dyn BufRead> {
    Box::new(BufReader::new(GzDecoder::new(BufReader::new(file))))
}

/// The lines of several instances by their time, each with the instance's place in the list. Lines of one
/// instance stay in their order, whatever the clock did.
pub(super) struct Merged {
    sources: Vec<(Lines, Option<Line>)>,
}

impl Merged {
    pub(super) fn new(sources: Vec<Lines>) -> io::Result<Self> {
        let sources = sources.into_iter().map(|mut lines| {
            let first = lines.next().transpose()?;
            Ok((lines, first))
        });
        Ok(Self {
            sources: sources.collect::<io::Result<_>>()?,
        })
    }
}

impl Iterator for Merged {
    type Item = io::Result<(usize, Line)>;

    fn next(&mut self) -> Option<Self::Item> {
        let heads = self.sources.iter().enumerate();
        let earliest = heads.filter_map(|(index, (_, head))| Some((head.as_ref()?.at_ms, index)));
        let (_, index) = earliest.min()?;
        let (lines, head) = &mut self.sources[index];
        match lines.next().transpose() {
            Ok(next) => {
                let line = std::mem::replace(head, next)?;
                Some(Ok((index, line)))
            }
            Err(error) => {
                *head = None;
                Some(Err(error))
            }
        }
    }
}
