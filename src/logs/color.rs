//! Whether to print colours at all, and which colour belongs to which service. Pure; the caller passes the
//! environment in.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

/// Whether an output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorChoice {
    On,
    Off,
}

impl ColorChoice {
    /// Decides for one output. First match: `NO_COLOR` not empty → off; `CLICOLOR_FORCE` not empty and not `0`
    /// → on; not a terminal → off; `CLICOLOR=0` → off; `TERM` missing, empty or `dumb` → off; else on.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> Self {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        let on = if value("NO_COLOR").is_some() {
            false
        } else if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            true
        } else {
            is_terminal
                && value("CLICOLOR").is_none_or(|value| value != "0")
                && value("TERM").is_some_and(|term| term != "dumb")
        };
        if on { Self::On } else { Self::Off }
    }

    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

/// The colours that names are printed in, by the service's position in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// xterm's numbers; never empty.
    colors: Vec<u8>,
}

impl Default for Palette {
    /// Legible on dark and on light ground, neighbours apart from each other.
    fn default() -> Self {
        Self {
            colors: vec![6, 3, 2, 5, 33, 208, 37, 168, 107, 141, 173, 67],
        }
    }
}

impl Palette {
    /// These colours; the default ones if there are none.
    pub fn of(colors: &[u8]) -> Self {
        if colors.is_empty() {
            Self::default()
        } else {
            Self {
                colors: colors.to_vec(),
            }
        }
    }

    pub fn color(&self, position: u32) -> u8 {
        let count = u32::try_from(self.colors.len()).unwrap_or(u32::MAX);
        self.colors[(position % count) as usize]
    }

    /// Appends the sequence that begins the colour of `position`.
    pub(super) fn write(&self, position: u32, out: &mut Vec<u8>) {
        // The first sixteen as every terminal knows them.
        let sequence = match self.color(position) {
            color @ 0..=7 => format!("\x1b[{}m", 30 + color),
            color @ 8..=15 => format!("\x1b[{}m", 90 + color - 8),
            color => format!("\x1b[38;5;{color}m"),
        };
        out.extend_from_slice(sequence.as_bytes());
    }
}

/// A word in a list of colours that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaletteError {
    pub word: String,
}

impl fmt::Display for PaletteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no colour; give xterm's numbers from 0 to 255, as in `2,3,4,208`",
            self.word
        )
    }
}

impl std::error::Error for PaletteError {}

impl FromStr for Palette {
    type Err = PaletteError;

    fn from_str(text: &str) -> Result<Self, PaletteError> {
        let colors = text
            .split(',')
            .map(|word| {
                word.trim().parse().map_err(|_| PaletteError {
                    word: word.trim().to_owned(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { colors })
    }
}

#[cfg(test)]
mod tests {
    use super::{ColorChoice, Palette};

    fn choice(variables: &[(&str, &str)], is_terminal: bool) -> bool {
        ColorChoice::from_environment(
            |name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).into())
            },
            is_terminal,
        )
        .is_on()
    }

    #[test]
    fn colour_is_for_terminals_unless_the_environment_says_otherwise() {
        let term = ("TERM", "xterm-256color");
        for (variables, is_terminal, expected) in [
            (vec![term], true, true),
            (vec![term], false, false),
            (vec![], true, false),
            (vec![("TERM", "")], true, false),
            (vec![("TERM", "dumb")], true, false),
            (vec![term, ("NO_COLOR", "1")], true, false),
            (vec![term, ("NO_COLOR", "")], true, true),
            (vec![term, ("CLICOLOR", "0")], true, false),
            (vec![term, ("CLICOLOR", "1")], false, false),
            (vec![("CLICOLOR_FORCE", "1")], false, true),
            (vec![("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (vec![("CLICOLOR_FORCE", "0")], false, false),
            (vec![("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true, false),
        ] {
            assert_eq!(
                choice(&variables, is_terminal),
                expected,
                "{variables:?} {is_terminal}"
            );
        }
    }

    #[test]
    fn colours_follow_positions_around_the_list() {
        let palette: Palette = "2, 3,208".parse().unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|p| palette.color(p)), [2, 3, 208, 2, 3]);
        let mut out = Vec::new();
        for position in 0..3 {
            palette.write(position, &mut out);
        }
        assert_eq!(out, b"\x1b[32m\x1b[33m\x1b[38;5;208m");
    }

    #[test]
    fn a_word_that_is_no_colour_is_named() {
        for (text, word) in [
            ("2,red", "red"),
            ("", ""),
            ("256", "256"),
            ("1,,2", ""),
            ("-1", "-1"),
        ] {
            assert_eq!(text.parse::<Palette>().unwrap_err().word, word);
        }
    }
}
