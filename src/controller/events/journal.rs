//! The events of a session in a file beside its sockets, so that a controller that takes over goes on counting
//! and its readers miss nothing. Written with one call a turn and never synchronised: it has to outlive the
//! controller, not the machine. A file that cannot be written is removed, so that none is ever half true.

use crate::api::messages::events::Event;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that has grown beyond this is written anew with what the ring has.
const LARGEST: u64 = 2 * super::ring::MOST_BYTES as u64;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    epoch: String,
}

/// A line that is no event: everything up to this number has been published.
#[derive(Debug, Serialize, Deserialize)]
struct Published {
    published: u64,
}

/// What an earlier controller has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) epoch: String,
    pub(super) events: Vec<(Event, Bytes)>,
    pub(super) published: Option<u64>,
}

/// The number of an event, of which nothing else is to be known.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

/// The events from number `from` on, up to that before `before`, as far as the file at `path` has them; in order, and
/// without holes up to the last. Nothing where it is another session's.
pub(super) fn between(path: &Path, epoch: &str, from: u64, before: u64) -> Vec<(Event, Bytes)> {
    let Ok(text) = fs::read(path) else {
        return Vec::new();
    };
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let head = lines
        .next()
        .and_then(|head| serde_json::from_slice::<Head>(head).ok());
    if head.is_none_or(|head| head.epoch != epoch) {
        return Vec::new();
    }
    let number = |line: &[u8]| serde_json::from_slice::<Numbered>(line).ok();
    let mut numbered: Vec<&[u8]> = lines.filter(|line| !line.starts_with(MARK)).collect();
    let first = numbered.partition_point(|line| number(line).is_some_and(|event| event.seq < from));
    numbered.drain(..first);
    let events = numbered.into_iter().map_while(|line| {
        let event: Event = serde_json::from_slice(line).ok()?;
        (event.seq < before).then(|| (event, Bytes::copy_from_slice(line)))
    });
    events.collect()
}

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// `None` until something is written, and after a failure.
    file: Option<File>,
    size: u64,
    failed: bool,
    published: Option<u64>,
}

impl Journal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            size: 0,
            failed: false,
            published: None,
        }
    }

    /// What the file says, which is gone on with; `None` where there is none that makes sense. A line that was cut by
    /// its writer's end has been seen by nobody.
    pub(super) fn read(&mut self) -> Option<Left> {
        let text = fs::read(&self.path).ok()?;
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let head: Head = serde_json::from_slice(lines.next()?).ok()?;
        let mut left = Left {
            epoch: head.epoch,
            ..Left::default()
        };
        for line in lines.filter(|line| line.ends_with(b"\n")) {
            if let Ok(event) = serde_json::from_slice::<Event>(line) {
                let follows = left
                    .events
                    .last()
                    .is_none_or(|(last, _)| last.seq + 1 == event.seq);
                if !follows {
                    return None;
                }
                left.events.push((event, Bytes::copy_from_slice(line)));
            } else if let Ok(mark) = serde_json::from_slice::<Published>(line) {
                left.published = Some(mark.published);
            }
        }
        self.published = left.published;
        Some(left)
    }

    /// Adds `lines`. `all`: everything that the file is to have, these lines among it, where it has to be made.
    pub(super) fn add(&mut self, lines: &[u8], epoch: &str, all: impl FnOnce() -> Vec<Bytes>) {
        if self.failed {
            return;
        }
        let written = match &mut self.file {
            Some(file) if self.size <= LARGEST => {
                file.write_all(lines).map(|()| self.size += lines.len() as u64)
            }
            Some(_) | None => self.make(epoch, &all()),
        };
        if written.is_err() {
            self.give_up();
        }
    }

    /// Notes how far the events have been published.
    pub(super) fn note_published(&mut self, published: u64) {
        self.published = Some(published);
        let Some(file) = &mut self.file else { return };
        let line = mark(published);
        self.size += line.len() as u64;
        if file.write_all(&line).is_err() {
            self.give_up();
        }
    }

    /// Another counting begins.
    pub(super) fn forget_published(&mut self) {
        self.published = None;
    }

    /// Makes the file anew if somebody has removed it.
    pub(super) fn renew(&mut self, epoch: &str, all: impl FnOnce() -> Vec<Bytes>) {
        if self.file.is_some() && !self.path.exists() && self.make(epoch, &all()).is_err() {
            self.give_up();
        }
    }

    /// Writes no more, and leaves the file to whoever takes over.
    pub(super) fn close(&mut self) {
        self.file = None;
        self.failed = true;
    }

    fn make(&mut self, epoch: &str, all: &[Bytes]) -> io::Result<()> {
        let head = Head {
            epoch: epoch.to_owned(),
        };
        let mut text = serde_json::to_vec(&head).expect("plain fields always serialize");
        text.push(b'\n');
        text.extend(self.published.map(mark).unwrap_or_default());
        for line in all {
            text.extend_from_slice(line);
        }
        let fresh = beside(&self.path);
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).mode(0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(&text)?;
        fs::rename(&fresh, &self.path)?;
        self.size = text.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    /// A full disk, most likely. The events of this controller are in its memory alone from here on.
    fn give_up(&mut self) {
        self.close();
        // Whether they are there or not, they are not to be read.
        for path in [beside(&self.path), self.path.clone()] {
            let _gone = fs::remove_file(path);
        }
    }
}

/// What a line that is no event begins with.
const MARK: &[u8] = b"{\"published\"";

fn mark(published: u64) -> Vec<u8> {
    let mut line = serde_json::to_vec(&Published { published }).expect("a number always serializes");
    line.push(b'\n');
    line
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
