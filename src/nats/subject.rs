//! Names as tokens of a subject. Injective, so that two services never share a subject.

use std::fmt::Write as _;

/// The token of what is the session's own. No name is escaped to it.
pub(crate) const SESSION: &str = "_session";

/// A name as one token: whatever a subject could read otherwise is a `%` and the byte in two hexadecimal digits. So
/// is a `_` at its beginning, which leaves these tokens to us.
pub(crate) fn token(name: &str) -> String {
    let mut token = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || (byte == b'_' && at > 0) {
            token.push(char::from(byte));
        } else {
            write!(token, "%{byte:02X}").expect("a string takes all");
        }
    }
    token
}

#[cfg(test)]
mod tests {
    use super::{SESSION, token};

    #[test]
    fn a_name_is_one_token_and_no_two_names_are_the_same_one() {
        assert_eq!(token("web"), "web");
        assert_eq!(token("my_api-2"), "my_api-2");
        assert_eq!(token("a.b"), "a%2Eb");
        assert_eq!(token("a%2Eb"), "a%252Eb");
        assert_eq!(token("*"), "%2A");
        assert_eq!(token("my shop"), "my%20shop");
        assert_eq!(token("é"), "%C3%A9");
        assert_ne!(token(SESSION), SESSION);
    }
}
