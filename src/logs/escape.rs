//! The grammar of terminal control sequences: where one ends, and what kind it was. Bytes go in one at a time,
//! cut anywhere; nothing is kept but what a short sequence needs. What a sequence does is decided elsewhere.

/// Parameters of a control sequence are kept up to this length; a longer one is dropped whole.
const KEPT: usize = 128;

/// A control sequence (CSI) or an escape sequence that is longer than this is none.
const SEQUENCE_MAX: usize = 4096;

/// A string (title, image, clipboard) that has no end after this many bytes is none.
const STRING_MAX: usize = 256 * 1024;

/// What one more byte made of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// The sequence goes on.
    More,
    /// It is over, and means nothing to a line.
    Dropped,
    /// It was none, or broke off before this byte, which is to be looked at afresh.
    Broken,
    /// `ESC [ parameters final`.
    Control { parameters: &'a [u8], last: u8 },
    /// `ESC ] body ST`, the body cut at a length that no mark has.
    Command { body: &'a [u8] },
    /// `ESC c`: everything back to the default.
    Reset,
}

/// Reads one sequence after the other; made anew at each ESC.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    state: State,
    kept: Vec<u8>,
    length: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Escape,
    /// `ESC ( B` and the like: one byte more.
    Intermediate,
    Control,
    Command,
    /// screen's title: over at ST, which begins with an ESC.
    Title,
    /// DCS, APC, PM, SOS: over at ST as well. Images may span lines.
    Text,
}

impl Sequence {
    /// An ESC has been seen.
    pub(super) fn begin(&mut self) {
        self.state = State::Escape;
        self.kept.clear();
        self.length = 0;
    }

    /// An ESC inside of a sequence ends it: as the first half of ST, or because the next one begins. The body
    /// of an OS command is handed out here; an ST that follows is an escape sequence without effect.
    pub(super) fn escape(&mut self) -> Option<&[u8]> {
        (self.state == State::Command).then_some(self.kept.as_slice())
    }

    /// Takes the next byte; not ESC, which [`Self::escape`] and [`Self::begin`] take.
    pub(super) fn step(&mut self, byte: u8) -> Step<'_> {
        // CAN and SUB end everything.
        if matches!(byte, 0x18 | 0x1a) {
            return Step::Dropped;
        }
        self.length += 1;
        match self.state {
            State::Escape | State::Intermediate | State::Control if self.length > SEQUENCE_MAX => {
                Step::Broken
            }
            // A terminal carries out a control inside of a sequence. Only a line's end is worth that here.
            State::Escape | State::Intermediate | State::Control if byte < 0x20 || byte == 0x7f => match byte
            {
                b'\n' | b'\r' => Step::Broken,
                _ => Step::More,
            },
            State::Escape => self.step_escape(byte),
            State::Intermediate => match byte {
                0x20..=0x2f => Step::More,
                0x30..=0x7e => Step::Dropped,
                _ => Step::Broken,
            },
            State::Control => self.step_control(byte),
            State::Command | State::Title | State::Text if self.length > STRING_MAX => Step::Broken,
            // Neither spans lines. If one has no end, its line is all that it takes along.
            State::Command | State::Title if byte == b'\n' => Step::Broken,
            State::Command if byte == 0x07 => Step::Command { body: &self.kept },
            State::Command => {
                self.keep(byte);
                Step::More
            }
            State::Title | State::Text => Step::More,
        }
    }

    fn step_escape(&mut self, byte: u8) -> Step<'_> {
        self.state = match byte {
            b'[' => State::Control,
            b']' => State::Command,
            b'P' | b'X' | b'^' | b'_' => State::Text,
            b'k' => State::Title,
            0x20..=0x2f => State::Intermediate,
            b'c' => return Step::Reset,
            0x30..=0x7e => return Step::Dropped,
            _ => return Step::Broken,
        };
        Step::More
    }

    fn step_control(&mut self, byte: u8) -> Step<'_> {
        match byte {
            0x20..=0x3f => {
                self.keep(byte);
                Step::More
            }
            0x40..=0x7e if self.kept.len() < KEPT => Step::Control {
                parameters: &self.kept,
                last: byte,
            },
            0x40..=0x7e => Step::Dropped,
            _ => Step::Broken,
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < KEPT {
            self.kept.push(byte);
        }
    }

    /// The memory it holds, in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.kept.capacity()
    }
}
