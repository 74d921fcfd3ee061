//! Lines as the console shows them: `name │ text`. Appends bytes to a buffer and does nothing else; the
//! console, `ovr echo` and every other view of the merged stream print through here.

use super::color::{ColorChoice, Palette};
use super::plain::{skip_into, strip_into};
use super::scan::columns;
use super::style::RESET;
use crate::model::InstanceId;
use cronexpr::jiff::{Timestamp, tz::TimeZone};

/// What stands in the place of a service's name where `ovr` speaks for itself.
const OWN_NAME: &str = "ovr";
const SEPARATOR: &str = " │";
/// Begins the rest of a line whose beginning has been shown already.
const CONTINUATION: &str = "… ";
const DIM: &[u8] = b"\x1b[2m";
const BOLD: &[u8] = b"\x1b[1m";
const BOLD_RED: &[u8] = b"\x1b[1;31m";

/// How to render.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// Without colour the services' own is taken out as well.
    pub color: ColorChoice,
    /// Begin each line with the time of day.
    pub timestamps: bool,
    /// Where that time is read off.
    pub zone: TimeZone,
    pub palette: Palette,
    /// Show a line that is not finished yet. A person at a terminal has to see a prompt; a file or a pipe gets
    /// whole lines only, for a program may read them.
    pub open_lines: bool,
}

/// What a line is prefixed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub name: String,
    /// Decides the colour.
    pub position: u32,
}

/// How a line of `ovr` itself sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Quiet,
    /// Worth a look.
    Normal,
    /// Somebody should do something.
    Alarm,
}

/// Renders the lines of one merged stream, in order.
#[derive(Debug)]
pub struct Renderer {
    options: RenderOptions,
    width: usize,
    /// By instance.
    sources: Vec<Source>,
    own_prefix: Vec<u8>,
    /// Services' lines begin with their text.
    bare: bool,
    clock: Clock,
}

#[derive(Debug)]
struct Source {
    prefix: Vec<u8>,
    /// The unfinished line that stands on the screen, without colours.
    shown: Option<Vec<u8>>,
}

/// The last time of day rendered: a second has many lines.
#[derive(Debug)]
struct Clock {
    second: Option<u64>,
    text: [u8; 8],
}

impl Renderer {
    /// `labels` are in the order of the instances' numbers.
    pub fn new(labels: &[Label], options: RenderOptions) -> Self {
        let mut renderer = Self {
            options,
            width: 0,
            sources: Vec::new(),
            own_prefix: Vec::new(),
            bare: false,
            clock: Clock {
                second: None,
                text: *b"00:00:00",
            },
        };
        renderer.set_labels(labels);
        renderer
    }

    /// There are other instances now, or other names; what stands unfinished on the screen stays.
    pub fn set_labels(&mut self, labels: &[Label]) {
        self.width = labels.iter().map(|label| columns(&label.name)).max().unwrap_or(0);
        let mut old = std::mem::take(&mut self.sources).into_iter();
        self.sources = labels
            .iter()
            .map(|label| Source {
                prefix: if self.bare {
                    Vec::new()
                } else {
                    self.prefix(&label.name, Some(label.position))
                },
                shown: old.next().and_then(|source| source.shown),
            })
            .collect();
        self.own_prefix = self.prefix(OWN_NAME, None);
    }

    /// Has services' lines begin with their text.
    pub fn without_prefix(mut self, labels: &[Label]) -> Self {
        self.bare = true;
        self.set_labels(labels);
        self
    }

    /// Whether colours are printed.
    pub fn color(&self) -> ColorChoice {
        self.options.color
    }

    /// Whether [`Self::open`] shows anything.
    pub fn shows_open_lines(&self) -> bool {
        self.options.open_lines
    }

    /// Appends a complete line of a service. If its beginning is on the screen already, just the rest is
    /// printed, marked as such; nothing if there is no rest.
    #[inline]
    pub fn output(&mut self, out: &mut Vec<u8>, instance: InstanceId, at_ms: u64, text: &[u8]) {
        let index = instance.0 as usize;
        let shown = self.sources.get_mut(index).and_then(|source| source.shown.take());
        if let Some(shown) = shown {
            self.continued(out, index, at_ms, &shown, text);
        } else {
            self.line(out, index, at_ms, text);
        }
    }

    /// Appends a service's unfinished line as a line of its own; nothing if it is blank, on the screen as it is,
    /// or not wanted. False if nothing was appended.
    pub fn open(&mut self, out: &mut Vec<u8>, instance: InstanceId, at_ms: u64, text: &[u8]) -> bool {
        if !self.options.open_lines {
            return false;
        }
        let index = instance.0 as usize;
        let before = out.len();
        let mut visible = Vec::new();
        strip_into(text, &mut visible);
        if visible.iter().all(u8::is_ascii_whitespace) {
            return false;
        }
        match self.sources.get_mut(index).and_then(|source| source.shown.take()) {
            Some(shown) => self.continued(out, index, at_ms, &shown, text),
            None => self.line(out, index, at_ms, text),
        }
        if let Some(source) = self.sources.get_mut(index) {
            source.shown = Some(visible);
        }
        out.len() > before
    }

    /// Lines are missing here: the next one of a service is not the rest of what stands unfinished on the screen.
    pub fn forget_open_lines(&mut self) {
        for source in &mut self.sources {
            source.shown = None;
        }
    }

    /// Appends what `ovr` says about a service. Each line of `text` becomes one; controls are taken out.
    pub fn event(&mut self, out: &mut Vec<u8>, instance: InstanceId, tone: Tone, at_ms: u64, text: &str) {
        self.own_lines(out, Some(instance), tone, at_ms, text);
    }

    /// Appends what `ovr` says about the session.
    pub fn system(&mut self, out: &mut Vec<u8>, tone: Tone, at_ms: u64, text: &str) {
        self.own_lines(out, None, tone, at_ms, text);
    }

    fn own_lines(
        &mut self,
        out: &mut Vec<u8>,
        instance: Option<InstanceId>,
        tone: Tone,
        at_ms: u64,
        text: &str,
    ) {
        let style = match tone {
            Tone::Quiet => DIM,
            Tone::Normal => BOLD,
            Tone::Alarm => BOLD_RED,
        };
        for line in text.lines() {
            let line: String = line
                .chars()
                .map(|c| if c == '\t' { ' ' } else { c })
                .filter(|c| !c.is_control())
                .collect();
            self.time(out, at_ms);
            let source = instance.and_then(|instance| self.sources.get(instance.0 as usize));
            out.extend_from_slice(source.map_or(&self.own_prefix, |source| &source.prefix));
            if self.options.color.is_on() {
                out.extend_from_slice(style);
                out.extend_from_slice(line.as_bytes());
                out.extend_from_slice(RESET);
            } else {
                out.extend_from_slice(line.as_bytes());
            }
            out.push(b'\n');
        }
    }

    fn continued(&mut self, out: &mut Vec<u8>, index: usize, at_ms: u64, shown: &[u8], text: &[u8]) {
        let mut visible = Vec::new();
        strip_into(text, &mut visible);
        match visible.strip_prefix(shown) {
            Some([]) => {}
            Some(_) => {
                let mut rest = CONTINUATION.as_bytes().to_vec();
                skip_into(text, shown.len(), &mut rest);
                self.line(out, index, at_ms, &rest);
            }
            None => self.line(out, index, at_ms, text),
        }
    }

    #[inline]
    fn line(&mut self, out: &mut Vec<u8>, index: usize, at_ms: u64, text: &[u8]) {
        self.time(out, at_ms);
        let prefix = self
            .sources
            .get(index)
            .map_or(&self.own_prefix, |source| &source.prefix);
        out.extend_from_slice(prefix);
        if self.options.color.is_on() {
            out.extend_from_slice(text);
        } else {
            strip_into(text, out);
        }
        out.push(b'\n');
    }

    #[inline]
    fn time(&mut self, out: &mut Vec<u8>, at_ms: u64) {
        if !self.options.timestamps {
            return;
        }
        let time = self.clock.at(at_ms, &self.options.zone);
        if self.options.color.is_on() {
            out.extend_from_slice(DIM);
            out.extend_from_slice(time);
            out.extend_from_slice(RESET);
        } else {
            out.extend_from_slice(time);
        }
        out.push(b' ');
    }

    fn prefix(&self, name: &str, position: Option<u32>) -> Vec<u8> {
        let mut prefix = Vec::new();
        let color = self.options.color.is_on();
        match position {
            Some(position) if color => self.options.palette.write(position, &mut prefix),
            None if color => prefix.extend_from_slice(DIM),
            Some(_) | None => {}
        }
        prefix.extend_from_slice(name.as_bytes());
        prefix.resize(prefix.len() + self.width.saturating_sub(columns(name)), b' ');
        prefix.extend_from_slice(SEPARATOR.as_bytes());
        if color {
            prefix.extend_from_slice(RESET);
        }
        prefix.push(b' ');
        prefix
    }
}

impl Clock {
    /// `HH:MM:SS` in the zone. A session lives longer than summer does, so its clocks are looked at each second.
    fn at(&mut self, at_ms: u64, zone: &TimeZone) -> &[u8; 8] {
        let second = at_ms / 1000;
        if self.second != Some(second) {
            self.second = Some(second);
            let time = i64::try_from(second).ok();
            let time = time.and_then(|second| Timestamp::from_second(second).ok());
            let offset_s = zone.to_offset(time.unwrap_or(Timestamp::MAX)).seconds();
            let second = second.saturating_add_signed(i64::from(offset_s));
            let of_day = second % 86_400;
            for (at, part) in [(0, of_day / 3600), (3, of_day / 60 % 60), (6, of_day % 60)] {
                self.text[at] = b'0' + (part / 10).to_le_bytes()[0];
                self.text[at + 1] = b'0' + (part % 10).to_le_bytes()[0];
            }
        }
        &self.text
    }
}
