//! The secret that a client on TCP has to know: made, compared, never shown by accident. Where it is kept is not
//! decided here.

use std::fmt::{self, Write as _};
use std::io;
use subtle::ConstantTimeEq;

/// 256 bits.
const BYTES: usize = 32;

/// A token, as it is written.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one, from the system's own randomness.
    pub fn random() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::getrandom(&mut bytes)?;
        let mut text = String::with_capacity(2 * BYTES);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("a string takes all");
        }
        Ok(Self(text))
    }

    /// One that was made before; `None` for what none of ours can be.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && text.len() == 2 * BYTES).then(|| Self(text.to_owned()))
    }

    /// Whether it is this one. Takes as long for a nearly right text as for a wrong one.
    pub fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// For the one who may see it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_are_long_different_and_known_again() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 64);
        assert_eq!(Token::parse(&format!("{}\n", one.reveal())), Some(one.clone()));
        assert!(one.matches(one.reveal().as_bytes()));
        assert!(!one.matches(other.reveal().as_bytes()));
        assert!(!one.matches(&one.reveal().as_bytes()[..63]));
        assert!(!one.matches(b""));
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_one() {
        for text in ["", "secret", &"g".repeat(64), &"A".repeat(64), &"a".repeat(65)] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
        let token = Token::random().unwrap();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
