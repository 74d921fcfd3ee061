//! What control sequences (CSI) mean to a line. Reads them; carries nothing out.

/// What a control sequence does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Style,
    Back(usize),
    Forward(usize),
    Column(usize),
    EraseRight,
    EraseLeft,
    EraseLine,
    Delete(usize),
    Insert(usize),
    FullScreen(bool),
    /// Moves to other lines, clears of the screen, modes, questions: nothing that a line shows.
    Other,
}

impl Control {
    /// What the sequence `ESC [ parameters last` does.
    pub(super) fn read(parameters: &[u8], last: u8) -> Self {
        if let Some(modes) = parameters.strip_prefix(b"?") {
            let alternate = modes
                .split(|byte| *byte == b';')
                .any(|mode| matches!(mode, b"47" | b"1047" | b"1049"));
            return match last {
                b'h' if alternate => Self::FullScreen(true),
                b'l' if alternate => Self::FullScreen(false),
                _ => Self::Other,
            };
        }
        if last == b'm'
            && parameters
                .iter()
                .all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'))
        {
            return Self::Style;
        }
        let Some(number) = first_number(parameters) else {
            return Self::Other;
        };
        let count = number.max(1);
        match (last, number) {
            (b'D', _) => Self::Back(count),
            (b'C', _) => Self::Forward(count),
            (b'G' | b'`', _) => Self::Column(count - 1),
            (b'P', _) => Self::Delete(count),
            (b'@', _) => Self::Insert(count),
            (b'K' | b'J', 0) => Self::EraseRight,
            (b'K', 1) => Self::EraseLeft,
            (b'K', 2) => Self::EraseLine,
            _ => Self::Other,
        }
    }
}

/// The one number of a control sequence, 0 if it is left out; `None` if there is more than a number.
fn first_number(parameters: &[u8]) -> Option<usize> {
    parameters.iter().try_fold(0usize, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
    })
}
