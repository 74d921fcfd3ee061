//! The files that a configuration wants output in besides our own: the same lines in another form, appended. One
//! file may be several instances'. What cannot be written there is told, counted, and nobody else's trouble.

use super::entry::{Entry, EntryKind};
use super::layout::Layout;
use super::queue::lines_in;
use super::rotation;
use crate::model::time_text::epoch_millis;
use crate::model::{InstanceId, LogFile, LogPart, LogRotation};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a service prints may hold secrets.
const MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o755;

#[derive(Debug, Default)]
pub(super) struct Copies {
    forms: BTreeMap<InstanceId, Form>,
    files: BTreeMap<PathBuf, Target>,
}

/// What has come of writing.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// For a person.
    pub(super) sentence: Option<String>,
    /// Files that were put aside and are to be compressed.
    pub(super) full: Vec<PathBuf>,
}

/// How one instance's lines look.
#[derive(Debug)]
struct Form {
    file: LogFile,
    layout: Option<Layout>,
}

/// One file.
#[derive(Debug)]
struct Target {
    rotation: Option<LogRotation>,
    open: Option<Open>,
    lost: u64,
    failing: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    /// The last byte written is no line end.
    cut: bool,
}

impl Copies {
    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The instance's lines go there from here on.
    pub(super) fn set(&mut self, instance: InstanceId, file: Option<LogFile>) {
        let Some(file) = file else {
            self.forms.remove(&instance);
            return;
        };
        let target = self.files.entry(file.path.clone()).or_insert_with(|| Target {
            rotation: None,
            open: None,
            lost: 0,
            failing: false,
        });
        target.rotation = file.rotation;
        let layout = file.timestamp.as_deref().map(Layout::new);
        self.forms.insert(instance, Form { file, layout });
    }

    /// Takes lines as our own files have them. `missing` were lost on the way here.
    pub(super) fn write(&mut self, instance: InstanceId, lines: &[u8], missing: u64) -> Option<Written> {
        let form = self.forms.get_mut(&instance)?;
        let target = self.files.get_mut(&form.file.path)?;
        let mut text = Vec::with_capacity(lines.len() * 2);
        let entries = lines.split(|byte| *byte == b'\n').filter_map(Entry::parse);
        let missing = missing + target.lost;
        for entry in entries.filter(|entry| entry.kind == EntryKind::Output) {
            if text.is_empty() && missing > 0 {
                form.gap(entry.at_ms, missing, &mut text);
            }
            form.line("info", entry.at_ms, entry.text, &mut text);
        }
        // Nothing that the mark could stand before: it is wanted now.
        if lines.is_empty() && missing > 0 {
            form.gap(epoch_millis(SystemTime::now()), missing, &mut text);
        }
        if text.is_empty() {
            target.lost = missing;
            return None;
        }
        let mut written = Written::default();
        match target.append(&form.file.path, &text, &mut written.full) {
            Ok(()) => {
                target.lost = 0;
                if std::mem::take(&mut target.failing) {
                    written.sentence = Some(format!("{} is written again", form.file.path.display()));
                }
            }
            Err(error) => {
                target.lost = missing + lines_in(&text) - u64::from(missing > 0);
                if !std::mem::replace(&mut target.failing, true) {
                    let path = form.file.path.display();
                    written.sentence = Some(format!(
                        "cannot write {path}, the log_location of {}: {error}; `ovr logs` has its lines",
                        form.file.process
                    ));
                }
            }
        }
        Some(written)
    }
}

impl Form {
    fn gap(&mut self, at_ms: u64, missing: u64, out: &mut Vec<u8>) {
        let told = match missing {
            1 => "1 line is missing here".to_owned(),
            _ => format!("{missing} lines are missing here"),
        };
        self.line("warn", at_ms, told.as_bytes(), out);
    }

    fn line(&mut self, level: &str, at_ms: u64, text: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(text);
        let file = &self.file;
        let time = self.layout.as_mut().map(|layout| layout.text(at_ms));
        let written = if file.json {
            json_line(file, level, time, &text, out)
        } else {
            text_line(file, level, time, &text, out)
        };
        written.expect("a vector takes everything");
    }
}

fn json_line(
    file: &LogFile,
    level: &str,
    time: Option<&str>,
    text: &str,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let json = |text: &str| Value::from(text).to_string();
    write!(out, "{{\"level\":\"{level}\"")?;
    if file.metadata {
        let process = json(&file.process);
        write!(out, ",\"process\":{process},\"replica\":{}", file.replica)?;
    }
    if let Some(time) = time {
        write!(out, ",\"time\":{}", json(time))?;
    }
    writeln!(out, ",\"message\":{}}}", json(text))
}

fn text_line(
    file: &LogFile,
    level: &str,
    time: Option<&str>,
    text: &str,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let mut parts: Vec<&str> = Vec::new();
    for part in &file.parts {
        match part {
            LogPart::Time => parts.extend(time),
            LogPart::Level => parts.push(if level == "info" { "INF" } else { "WRN" }),
            LogPart::Message => parts.push(text),
        }
    }
    out.extend_from_slice(parts.join(" ").as_bytes());
    if file.metadata {
        write!(out, " process={} replica={}", file.process, file.replica)?;
    }
    out.push(b'\n');
    Ok(())
}

impl Target {
    fn append(&mut self, path: &Path, text: &[u8], full: &mut Vec<PathBuf>) -> io::Result<()> {
        let there = fs::metadata(path).ok();
        if let (Some(rotation), Some(found)) = (self.rotation, &there)
            && found.is_file()
            && found.len() > 0
            && found.len() + text.len() as u64 > rotation.max_size
        {
            self.open = None;
            full.extend(rotation::put_aside(path, rotation)?);
        }
        let open = self.current(path)?;
        if std::mem::take(&mut open.cut) {
            open.file.write_all(b"\n")?;
        }
        let mut rest = text;
        while !rest.is_empty() {
            let length = match open.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return Err(error),
            };
            rest = &rest[length..];
            open.cut = !rest.is_empty() && length > 0;
        }
        Ok(())
    }

    /// The open file, which is the one that the path names: its owner may have moved or removed it.
    fn current(&mut self, path: &Path) -> io::Result<&mut Open> {
        let there = fs::metadata(path).ok().map(|found| found.ino());
        if self.open.as_ref().is_none_or(|open| there != Some(open.inode)) {
            self.open = Some(open(path)?);
        }
        Ok(self.open.as_mut().expect("opened above"))
    }
}

fn open(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(MODE);
    // A pipe that nobody reads must not hold up the files of others.
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(dir) = path.parent() {
                DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)?;
            }
            options.open(path)?
        }
        opened => opened?,
    };
    let inode = file.metadata()?.ino();
    Ok(Open {
        file,
        inode,
        cut: false,
    })
}

#[cfg(test)]
mod tests;
