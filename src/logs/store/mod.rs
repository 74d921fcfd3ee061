//! Every service's output on disk: plain lines with time and run, in files that are turned over when they are
//! full, compressed when there is time, and bounded in all. The [`Store`] takes lines from the loop and never
//! holds it up; [`Query`] finds them again, also when the session is over.

mod bound;
mod copies;
mod cursor;
mod entry;
mod files;
mod found;
mod groups;
mod layout;
mod listing;
mod merge;
mod pack;
mod query;
mod queue;
mod rotation;
mod tail;
mod troubles;
mod when;
mod writer;

pub use bound::{Everything, Keep};
pub use cursor::{Cursor, Overlap};
pub use entry::{Entry, EntryKind};
pub use found::{Found, FoundLine, Summary};
pub use listing::{Segment, current_path, instances, segments};
pub use merge::RUN_MARK;
pub use query::{Query, RunChoice, Since};
pub use queue::Flushing;
pub use rotation::is_of;
pub use troubles::Troubles;
pub use when::{is_of_the_zone, since, until};

use super::plain::strip_into;
use crate::model::{InstanceId, LogFile, RunId};
use entry::Encoder;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use tokio::sync::oneshot;
use writer::Writer;

/// A buffer that grew beyond this in one turn is handed on at once.
const TURN_MAX: usize = 256 * 1024;

/// Takes the lines of a session's instances. What it was given in one turn of the loop goes to the disk together.
#[derive(Debug)]
pub struct Store {
    writer: Writer,
    encoder: Encoder,
    buffers: Vec<Vec<u8>>,
    /// Whether any buffer holds something.
    waiting: bool,
    /// Whose lines go into files besides our own.
    copied: BTreeSet<InstanceId>,
}

impl Store {
    /// Nothing is made on the disk before there is a line.
    pub fn start(dir: PathBuf, keep: Keep) -> io::Result<(Self, Troubles)> {
        let (writer, troubles) = Writer::start(dir, keep)?;
        let store = Self {
            writer,
            encoder: Encoder::default(),
            buffers: Vec::new(),
            waiting: false,
            copied: BTreeSet::new(),
        };
        Ok((store, troubles))
    }

    /// Says what an instance is called, which names its files. What comes before that is not kept.
    pub fn name(&mut self, instance: InstanceId, name: String) {
        self.writer.name(instance, name);
    }

    /// Says which file an instance's lines go into besides our own, if any.
    pub fn copy(&mut self, instance: InstanceId, file: Option<&LogFile>) {
        let was = self.copied.contains(&instance);
        if file.is_some() {
            self.copied.insert(instance);
        } else if !was {
            return;
        } else {
            self.copied.remove(&instance);
        }
        // What has been taken so far is still for the file of before.
        self.hand_on();
        self.writer.copy(instance, file.cloned());
    }

    /// Takes a line, without its end; colours are left out.
    #[inline]
    pub fn line(&mut self, at_ms: u64, instance: InstanceId, run: RunId, kind: EntryKind, text: &[u8]) {
        let index = instance.0 as usize;
        if index >= self.buffers.len() {
            self.buffers.resize_with(index + 1, Vec::new);
        }
        let buffer = &mut self.buffers[index];
        self.waiting = true;
        self.encoder.head(at_ms, run, kind, buffer);
        strip_into(text, buffer);
        buffer.push(b'\n');
        if buffer.len() > TURN_MAX {
            self.hand_on();
        }
    }

    /// Gives the thread what has gathered. Once a turn.
    pub fn hand_on(&mut self) {
        if !std::mem::take(&mut self.waiting) {
            return;
        }
        let buffers = self.buffers.iter_mut().enumerate();
        let filled = buffers.filter(|(_, buffer)| !buffer.is_empty());
        self.writer.push(filled.map(|(index, buffer)| {
            let number = u32::try_from(index).expect("an index that came from an instance's id");
            (InstanceId(number), buffer)
        }));
    }

    /// Answers when everything taken so far is in the files, or cannot be.
    pub fn flushed(&mut self) -> oneshot::Receiver<()> {
        self.hand_on();
        self.writer.flushed()
    }

    /// To ask that of again and again, of what was handed on.
    pub fn flushing(&self) -> Flushing {
        self.writer.flushing()
    }
}
