//! What SGR sequences (colours and attributes) mean: read their parameters into a [`Style`], and write a
//! style as a sequence. Knows nothing of texts.

use std::io::Write;

/// The sequence that ends every style.
pub(super) const RESET: &[u8] = b"\x1b[0m";

/// How the next character looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// Bit n is the attribute that SGR n sets (1 bold … 9 struck out).
    attributes: u16,
    /// 0 none, 1 single … 5 dashed.
    underline: u8,
    overline: bool,
    foreground: Color,
    background: Color,
    underline_color: Color,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Color {
    #[default]
    Default,
    /// One of xterm's 256.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

const BOLD: u16 = 1;
const DIM: u16 = 2;
const ITALIC: u16 = 3;
const BLINK: u16 = 5;
const RAPID_BLINK: u16 = 6;
const INVERSE: u16 = 7;
const HIDDEN: u16 = 8;
const STRUCK: u16 = 9;

/// Attributes that are a bit in [`Style::attributes`], in the order in which they are written.
const ATTRIBUTES: [u16; 8] = [BOLD, DIM, ITALIC, BLINK, RAPID_BLINK, INVERSE, HIDDEN, STRUCK];

impl Style {
    pub(super) const DEFAULT: Self = Self {
        attributes: 0,
        underline: 0,
        overline: false,
        foreground: Color::Default,
        background: Color::Default,
        underline_color: Color::Default,
    };

    pub(super) fn is_default(self) -> bool {
        self == Self::DEFAULT
    }

    /// Takes over what `parameters` (the bytes between `ESC [` and `m`) set. False if a part of them is not
    /// understood: what a terminal would make of that part is unknown, so it should not be passed on.
    pub(super) fn apply(&mut self, parameters: &[u8]) -> bool {
        if matches!(parameters, b"" | b"0") {
            *self = Self::DEFAULT;
            return true;
        }
        let mut groups = parameters.split(|byte| *byte == b';');
        let mut understood = true;
        while let Some(group) = groups.next() {
            understood &= if group.contains(&b':') {
                self.apply_colons(group)
            } else {
                match number(group) {
                    Some(code @ (38 | 48 | 58)) => {
                        let color = Color::from_groups(&mut groups);
                        self.set_color(code, color)
                    }
                    Some(code) => self.apply_code(code),
                    None => false,
                }
            };
        }
        understood
    }

    fn apply_code(&mut self, code: u16) -> bool {
        match code {
            0 => *self = Self::default(),
            BOLD | DIM | ITALIC | BLINK | RAPID_BLINK | INVERSE | HIDDEN | STRUCK => {
                self.attributes |= 1 << code;
            }
            4 => self.underline = 1,
            21 => self.underline = 2,
            22 => self.clear(&[BOLD, DIM]),
            23 => self.clear(&[ITALIC]),
            24 => self.underline = 0,
            25 => self.clear(&[BLINK, RAPID_BLINK]),
            27 => self.clear(&[INVERSE]),
            28 => self.clear(&[HIDDEN]),
            29 => self.clear(&[STRUCK]),
            30..=37 => self.foreground = Color::basic(code - 30),
            39 => self.foreground = Color::Default,
            40..=47 => self.background = Color::basic(code - 40),
            49 => self.background = Color::Default,
            53 => self.overline = true,
            55 => self.overline = false,
            59 => self.underline_color = Color::Default,
            90..=97 => self.foreground = Color::basic(code - 90 + 8),
            100..=107 => self.background = Color::basic(code - 100 + 8),
            _ => return false,
        }
        true
    }

    /// `4:3`, `38:5:208`, `38:2:r:g:b` and `38:2::r:g:b`.
    fn apply_colons(&mut self, group: &[u8]) -> bool {
        let parts: Vec<Option<u16>> = group.split(|byte| *byte == b':').map(number).collect();
        match parts.as_slice() {
            [Some(4), Some(kind @ 0..=5)] => {
                self.underline = kind.to_le_bytes()[0];
                true
            }
            [Some(code), Some(5), index] => self.set_color(*code, Color::indexed(*index)),
            [Some(code), Some(2), red, green, blue] | [Some(code), Some(2), _, red, green, blue] => {
                self.set_color(*code, Color::rgb(*red, *green, *blue))
            }
            _ => false,
        }
    }

    fn set_color(&mut self, code: u16, color: Option<Color>) -> bool {
        let (Some(color), Some(target)) = (
            color,
            match code {
                38 => Some(&mut self.foreground),
                48 => Some(&mut self.background),
                58 => Some(&mut self.underline_color),
                _ => None,
            },
        ) else {
            return false;
        };
        *target = color;
        true
    }

    fn clear(&mut self, attributes: &[u16]) {
        for attribute in attributes {
            self.attributes &= !(1 << attribute);
        }
    }

    /// Appends the one sequence that leads from the default style to this one; nothing for the default.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        if self.is_default() {
            return;
        }
        let start = out.len();
        for attribute in ATTRIBUTES {
            if self.attributes & (1 << attribute) != 0 {
                push(out, format_args!(";{attribute}"));
            }
        }
        match self.underline {
            0 => {}
            1 => push(out, format_args!(";4")),
            2 => push(out, format_args!(";21")),
            kind => push(out, format_args!(";4:{kind}")),
        }
        if self.overline {
            push(out, format_args!(";53"));
        }
        self.foreground.write(out, 30);
        self.background.write(out, 40);
        self.underline_color.write(out, 50);
        // The first `;` makes room for the introducer.
        drop(out.splice(start..=start, *b"\x1b["));
        out.push(b'm');
    }
}

impl Color {
    fn basic(offset: u16) -> Self {
        Self::Indexed(offset.to_le_bytes()[0])
    }

    fn indexed(index: Option<u16>) -> Option<Self> {
        index.and_then(|n| u8::try_from(n).ok()).map(Self::Indexed)
    }

    fn rgb(red: Option<u16>, green: Option<u16>, blue: Option<u16>) -> Option<Self> {
        let byte = |part: Option<u16>| part.and_then(|n| u8::try_from(n).ok());
        Some(Self::Rgb(byte(red)?, byte(green)?, byte(blue)?))
    }

    /// What follows `38;`: `5;n` or `2;r;g;b`.
    fn from_groups<'a>(groups: &mut impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut next = || groups.next().and_then(number);
        match next() {
            Some(5) => Self::indexed(next()),
            Some(2) => Self::rgb(next(), next(), next()),
            _ => None,
        }
    }

    /// Appends `;` and the parameters; `base` is 30, 40 or 50.
    fn write(self, out: &mut Vec<u8>, base: u8) {
        match self {
            Self::Default => {}
            Self::Indexed(n @ 0..=7) if base < 50 => push(out, format_args!(";{}", base + n)),
            Self::Indexed(n @ 8..=15) if base < 50 => push(out, format_args!(";{}", base + 60 + n - 8)),
            Self::Indexed(n) => push(out, format_args!(";{};5;{n}", base + 8)),
            Self::Rgb(red, green, blue) => {
                push(out, format_args!(";{};2;{red};{green};{blue}", base + 8));
            }
        }
    }
}

fn push(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a Vec takes every write");
}

/// The number that `digits` spell; an empty text is 0, as in every terminal.
fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u16::from(digit - b'0')),
        _ => None,
    })
}

/// Whether the sequence with these parameters begins with a reset, so that what came before it is moot.
pub(super) fn begins_with_reset(parameters: &[u8]) -> bool {
    let first = parameters.split(|byte| *byte == b';').next().unwrap_or_default();
    first.iter().all(|byte| *byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::{Style, begins_with_reset};
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    fn style(parameters: &str) -> Style {
        let mut style = Style::default();
        assert!(style.apply(parameters.as_bytes()), "{parameters}");
        style
    }

    fn written(style: Style) -> String {
        let mut out = Vec::new();
        style.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_style_is_written_as_it_was_read() {
        for parameters in [
            "1;31",
            "2",
            "3;4",
            "7;94;102",
            "38;5;208",
            "38;2;1;2;3;48;5;17",
            "21",
            "4:3",
            "53",
            "58;5;3",
            "5;9",
        ] {
            assert_eq!(written(style(parameters)), format!("\x1b[{parameters}m"));
        }
        assert_eq!(written(style("38:5:208")), "\x1b[38;5;208m");
        assert_eq!(written(style("38:2::1:2:3")), "\x1b[38;2;1;2;3m");
        assert_eq!(written(style("38;5;1")), "\x1b[31m");
    }

    #[test]
    fn what_is_set_is_unset_by_its_counterpart() {
        for parameters in [
            "",
            "0",
            "00",
            "1;22",
            "2;22",
            "3;23",
            "4;24",
            "5;25",
            "6;25",
            "7;27",
            "8;28",
            "9;29",
            "31;39",
            "44;49",
            "53;55",
            "58;5;1;59",
            "1;31;4;0",
            "4:3;4:0",
        ] {
            assert!(style(parameters).is_default(), "{parameters}");
        }
    }

    #[test]
    fn parameters_that_nobody_knows_are_said_so() {
        for parameters in [
            "99999999", "38", "38;5", "38;5;256", "38;2;1;2", "1:2:3", "12", "x",
        ] {
            assert!(!Style::default().apply(parameters.as_bytes()), "{parameters}");
        }
    }

    #[test]
    fn a_leading_reset_is_seen() {
        assert!(begins_with_reset(b"") && begins_with_reset(b"0") && begins_with_reset(b"0;31"));
        assert!(!begins_with_reset(b"10") && !begins_with_reset(b"31;0"));
    }

    proptest! {
        #[test]
        fn a_written_style_reads_back(parameters in "[0-9;:]{0,40}") {
            let mut style = Style::default();
            style.apply(parameters.as_bytes());
            let mut back = Style::default();
            let text = written(style);
            if let Some(inner) = text.strip_prefix("\x1b[").and_then(|t| t.strip_suffix('m')) {
                prop_assert!(back.apply(inner.as_bytes()));
            }
            prop_assert_eq!(back, style);
        }
    }
}
