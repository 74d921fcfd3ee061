//! tmux's ids: the only addresses this room uses, since names match by prefix and hit the wrong window.

use std::fmt;
use std::str::FromStr;

/// A text that is not the id it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id of tmux")
    }
}

impl std::error::Error for BadId {}

/// Reads `SIGIL digits` at the start of `bytes`; gives the number and how many bytes it took.
pub(super) fn leading_id(bytes: &[u8], sigil: u8) -> Option<(u32, usize)> {
    let (first, rest) = bytes.split_first()?;
    if *first != sigil {
        return None;
    }
    let mut number: u32 = 0;
    let mut taken = 1;
    for digit in rest.iter().take_while(|b| b.is_ascii_digit()) {
        number = number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
        taken += 1;
    }
    (taken > 1).then_some((number, taken))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $sigil:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Reads the id if `bytes` are it and nothing more.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                let (number, taken) = leading_id(bytes, $sigil)?;
                (taken == bytes.len()).then_some(Self(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", char::from($sigil), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::from_bytes(text.as_bytes()).ok_or(BadId)
            }
        }
    };
}

id!(
    /// A pane (`%5`). Stays the same over a respawn; never reused by one server.
    PaneId,
    b'%'
);
id!(
    /// A window (`@3`). Never reused by one server.
    WindowId,
    b'@'
);
id!(
    /// A session (`$0`). Never reused by one server.
    SessionId,
    b'$'
);

#[cfg(test)]
mod tests {
    use super::{PaneId, SessionId, WindowId};

    #[test]
    fn ids_read_back_as_they_print_and_nothing_else_is_one() {
        assert_eq!("%5".parse::<PaneId>().unwrap().to_string(), "%5");
        assert_eq!("@4294967295".parse(), Ok(WindowId(u32::MAX)));
        assert_eq!("$0".parse(), Ok(SessionId(0)));
        for bad in ["", "%", "5", "@5", "%5 ", "%-1", "%4294967296", "%5x"] {
            assert!(bad.parse::<PaneId>().is_err(), "{bad:?}");
        }
    }
}
