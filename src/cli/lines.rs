//! Lines of output as `ovr logs` and `ovr echo` print them: as the console shows them, bare, or as JSON. Which lines is for
//! others to say.

use crate::api::messages::{LineKind, OutputLine};
use crate::cli::background::utc_offset_s;
use crate::cli::report;
use crate::diag::Diagnostic;
use crate::logs::store::{EntryKind, Found, FoundLine};
use crate::logs::{ColorChoice, Label, Palette, RenderOptions, Renderer, Tone};
use crate::model::{InstanceId, time_text};
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
}

/// Prints lines to standard output.
#[derive(Debug)]
pub(super) struct Printer {
    style: Style,
    labels: Vec<Label>,
    renderer: Renderer,
    out: Vec<u8>,
    is_read: bool,
}

/// What the line between two runs begins with.
const RUN_MARK: &str = "── ";

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
            utc_offset_s: utc_offset_s(),
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
            out: Vec::new(),
            is_read: true,
        }
    }

    /// Whether colours are printed.
    pub(super) fn is_coloured(&self) -> bool {
        self.renderer.color().is_on()
    }

    /// Prints what was found in files.
    pub(super) fn found(&mut self, found: &Found) -> Result<(), Diagnostic> {
        // What `-n` leaves out is what was asked for; a bound in bytes cuts somewhere.
        if found.cut > 0 && self.style.marks_cuts {
            let (at_ms, lines) = (found.lines.front().map_or(0, |line| line.at_ms), found.cut);
            let text = format!("… {lines} lines before these are left out: --max-bytes");
            self.renderer.system(&mut self.out, Tone::Normal, at_ms, &text);
        }
        for (at, line) in found.lines.iter().enumerate() {
            let mut shown = of_file(line, self.position(&line.instance));
            if line.kind == EntryKind::Begin && !self.style.json {
                if is_told_behind(line, found.lines.range(at + 1..)) {
                    continue;
                }
                shown.text = format!("{RUN_MARK}{} ──", shown.text);
            }
            self.push(&shown);
            if self.out.len() > CHUNK {
                self.flush()?;
            }
        }
        self.flush()
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
    pub(super) fn cursor(&mut self, found: &Found) -> Result<(), Diagnostic> {
        let cursor = serde_json::json!({ "cursor": found.cursor.to_string(), "cut": found.cut });
        self.out.extend_from_slice(cursor.to_string().as_bytes());
        self.out.push(b'\n');
        self.flush()
    }

    fn push(&mut self, line: &OutputLine) {
        if self.style.json {
            let json = serde_json::to_vec(line).expect("plain fields always serialize");
            self.out.extend_from_slice(&json);
            self.out.push(b'\n');
            return;
        }
        let instance = InstanceId(self.place(line));
        let at_ms = time_text::parse_rfc3339(&line.at).map_or(0, time_text::epoch_millis);
        let (out, text) = (&mut self.out, line.text.as_bytes());
        match line.kind {
            LineKind::Open if self.renderer.shows_open_lines() => {
                self.renderer.open(out, instance, at_ms, text);
            }
            // In a pipe an open line is the last one that there is.
            LineKind::Output | LineKind::Open => self.renderer.output(out, instance, at_ms, text),
            LineKind::Event if self.style.plain => {}
            LineKind::Event => self
                .renderer
                .event(out, instance, Tone::Normal, at_ms, &line.text),
            LineKind::Gap => {
                let text = format!("… {} lines dropped: this terminal is too slow", line.text);
                self.renderer.system(out, Tone::Alarm, at_ms, &text);
            }
        }
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

    fn flush(&mut self) -> Result<(), Diagnostic> {
        let shown = report::write_if_read(&self.out);
        self.out.clear();
        self.is_read &= shown?;
        Ok(())
    }
}

/// Whether what was said of the run's beginning follows: it says more.
fn is_told_behind<'a>(begin: &FoundLine, mut behind: impl Iterator<Item = &'a FoundLine>) -> bool {
    let next = behind.find(|line| line.instance == begin.instance);
    next.is_some_and(|next| next.kind == EntryKind::Event && next.text.starts_with(RUN_MARK.as_bytes()))
}

fn of_file(line: &FoundLine, position: u32) -> OutputLine {
    OutputLine {
        at: time_text::rfc3339(time_text::from_epoch_millis(line.at_ms)),
        name: line.instance.clone(),
        position,
        run: line.run.0,
        kind: match line.kind {
            EntryKind::Output => LineKind::Output,
            EntryKind::Event | EntryKind::Begin | EntryKind::Gap => LineKind::Event,
        },
        text: String::from_utf8_lossy(&line.text).into_owned(),
    }
}
