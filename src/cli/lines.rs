//! Lines of output as `ovr logs` and `ovr echo` print them: as the console shows them, bare, or as JSON. Which lines is for
//! others to say.

use crate::api::messages::{LineKind, LogsEnd, OutputLine};
use crate::cli::report;
use crate::controller::output_line;
use crate::diag::Diagnostic;
use crate::logs::store::FoundLine;
use crate::logs::{ColorChoice, Label, Palette, RenderOptions, Renderer, TimeZone, Tone};
use crate::model::{InstanceId, time_text};
use regex::bytes::Regex;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// How lines are to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) json: bool,
    /// Text and nothing else.
    pub(super) plain: bool,
    pub(super) prefix: bool,
    /// Say in the text that lines were left out; JSON says it behind its cursor.
    pub(super) marks_cuts: bool,
    pub(super) timestamps: bool,
    /// A match has its neighbours with it: show where they end and another's begin.
    pub(super) groups: bool,
}

/// Prints lines to standard output.
#[derive(Debug)]
pub(super) struct Printer {
    style: Style,
    labels: Vec<Label>,
    renderer: Renderer,
    /// What to mark in the lines.
    matches: Option<Regex>,
    /// The group of the line before.
    group: Option<u64>,
    /// Lines that are not whole yet, by instance. A person sees them as they are; a program gets whole lines.
    open: BTreeMap<u32, OutputLine>,
    out: Vec<u8>,
    is_read: bool,
}

/// Written at once.
const CHUNK: usize = 64 * 1024;

impl Printer {
    pub(super) fn new(labels: &[Label], style: Style) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let options = RenderOptions {
            color: if style.plain {
                ColorChoice::Off
            } else {
                ColorChoice::from_environment(|name| std::env::var_os(name), is_terminal)
            },
            timestamps: style.timestamps,
            zone: if style.timestamps {
                TimeZone::system()
            } else {
                TimeZone::UTC
            },
            palette: Palette::default(),
            open_lines: is_terminal,
        };
        let renderer = Renderer::new(labels, options);
        let renderer = if style.prefix {
            renderer
        } else {
            renderer.without_prefix(labels)
        };
        Self {
            style,
            labels: labels.to_vec(),
            renderer,
            matches: None,
            group: None,
            open: BTreeMap::new(),
            out: Vec::new(),
            is_read: true,
        }
    }

    /// Whether colours are printed.
    pub(super) fn is_coloured(&self) -> bool {
        self.renderer.color().is_on()
    }

    /// Marks what matches, where colours are printed.
    pub(super) fn marking(mut self, matches: Option<Regex>) -> Self {
        self.matches = matches.filter(|_| self.is_coloured() && !self.style.json);
        self
    }

    /// Says that so many older lines than those that follow, the first of which is of then, were left out.
    pub(super) fn cut(&mut self, lines: u64, at_ms: u64) {
        // What `-n` leaves out is what was asked for; a bound in bytes cuts somewhere.
        if lines > 0 && self.style.marks_cuts {
            let text = format!("… {lines} lines or more before these are left out: --max-bytes");
            self.renderer.system(&mut self.out, Tone::Normal, at_ms, &text);
        }
    }

    /// Takes a line that was found in files; it is printed with others, at the latest by [`Self::flush`].
    pub(super) fn found(&mut self, line: &FoundLine) -> Result<(), Diagnostic> {
        let Some(shown) = output_line(line, self.position(&line.instance), self.style.groups) else {
            return Ok(());
        };
        self.kept(&shown)
    }

    /// Takes a line that was kept by the session; the same.
    pub(super) fn kept(&mut self, line: &OutputLine) -> Result<(), Diagnostic> {
        self.push(line);
        if self.out.len() > CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Prints a line that the session sent.
    pub(super) fn line(&mut self, line: &OutputLine) -> Result<(), Diagnostic> {
        self.push(line);
        self.flush()
    }

    /// Says something about the stream itself.
    pub(super) fn note(&mut self, text: &str) -> Result<(), Diagnostic> {
        if !self.style.json && !self.style.plain {
            let at_ms = time_text::epoch_millis(std::time::SystemTime::now());
            self.renderer.system(&mut self.out, Tone::Quiet, at_ms, text);
        }
        self.flush()
    }

    /// Prints where the next reading begins.
    pub(super) fn cursor(&mut self, end: &LogsEnd) -> Result<(), Diagnostic> {
        let cursor = serde_json::to_vec(end).expect("plain fields always serialize");
        self.out.extend_from_slice(&cursor);
        self.out.push(b'\n');
        self.flush()
    }

    fn push(&mut self, line: &OutputLine) {
        self.separate(line.group);
        if self.style.json {
            let json = serde_json::to_vec(line).expect("plain fields always serialize");
            self.out.extend_from_slice(&json);
            self.out.push(b'\n');
            return;
        }
        let place = self.place(line);
        if line.kind == LineKind::Open && !self.renderer.shows_open_lines() {
            self.open.insert(place, line.clone());
            return;
        }
        if line.kind == LineKind::Output {
            self.open.remove(&place);
        }
        let instance = InstanceId(place);
        let at_ms = time_text::millis_of(&line.at);
        let marked = match &self.matches {
            Some(matches) => Cow::from(marked(&line.text, matches)),
            None => Cow::from(&line.text),
        };
        let (out, text) = (&mut self.out, marked.as_bytes());
        match line.kind {
            LineKind::Open => {
                self.renderer.open(out, instance, at_ms, text);
            }
            LineKind::Output => self.renderer.output(out, instance, at_ms, text),
            LineKind::Event if self.style.plain => {}
            LineKind::Event => self
                .renderer
                .event(out, instance, Tone::Normal, at_ms, &line.text),
            LineKind::End => {}
            LineKind::Gap => {
                let text = format!("… {} lines dropped: this terminal is too slow", line.text);
                self.renderer.system(out, Tone::Alarm, at_ms, &text);
                // What comes next is not the rest of what was begun before.
                self.renderer.forget_open_lines();
                self.open.clear();
            }
        }
    }

    /// Nothing more comes: a line that is not whole is the last one that there is.
    pub(super) fn finish(&mut self) -> Result<(), Diagnostic> {
        for (_, mut line) in std::mem::take(&mut self.open) {
            line.kind = LineKind::Output;
            self.push(&line);
        }
        self.flush()
    }

    /// The instance's place among the labels. One that came with a reload is new to us.
    fn place(&mut self, line: &OutputLine) -> u32 {
        if !line.name.is_empty() && self.labels.iter().all(|label| label.name != line.name) {
            self.labels.push(Label {
                name: line.name.clone(),
                position: line.position,
            });
            self.renderer.set_labels(&self.labels);
        }
        self.position(&line.name)
    }

    /// Between what does not belong together, as grep does.
    fn separate(&mut self, group: Option<u64>) {
        let last = std::mem::replace(&mut self.group, group);
        if last.is_some() && last != group && !self.style.json {
            self.out.extend_from_slice(b"--\n");
        }
    }

    fn position(&self, name: &str) -> u32 {
        let found = self.labels.iter().position(|label| label.name == name);
        found
            .and_then(|index| u32::try_from(index).ok())
            .unwrap_or_default()
    }

    /// Whether there is still somebody who reads what is printed.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Prints what was taken so far.
    pub(super) fn flush(&mut self) -> Result<(), Diagnostic> {
        let shown = report::write_if_read(&self.out);
        self.out.clear();
        self.is_read &= shown?;
        Ok(())
    }
}

/// The text with a style around what matches.
fn marked(text: &str, matches: &Regex) -> String {
    let mut out = Vec::with_capacity(text.len() + 16);
    let mut at = 0;
    for found in matches
        .find_iter(text.as_bytes())
        .filter(|found| !found.is_empty())
    {
        out.extend_from_slice(&text.as_bytes()[at..found.start()]);
        out.extend_from_slice(b"\x1b[1;31m");
        out.extend_from_slice(found.as_bytes());
        out.extend_from_slice(b"\x1b[0m");
        at = found.end();
    }
    out.extend_from_slice(&text.as_bytes()[at..]);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::marked;
    use regex::bytes::Regex;

    #[test]
    fn what_matches_is_marked_and_nothing_else() {
        let mark = |text: &str, matches: &str| marked(text, &Regex::new(matches).unwrap());
        assert_eq!(
            mark("GET /500 500 ms", "500"),
            "GET /\x1b[1;31m500\x1b[0m \x1b[1;31m500\x1b[0m ms"
        );
        assert_eq!(mark("größer", "ö.+"), "gr\x1b[1;31mößer\x1b[0m");
        assert_eq!(mark("nothing", "^|x*"), "nothing");
    }
}
