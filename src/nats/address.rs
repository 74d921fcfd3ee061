//! Where a NATS server is, and who one is there. What is secret in it is shown nowhere: neither by `Display` nor by
//! `Debug`, nor in the errors.

use std::fmt;
use std::str::FromStr;

const DEFAULT_PORT: u16 = 4222;

/// `nats://[user:password@]host[:port]`, `tls://…`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) host: String,
    pub(super) port: u16,
    /// Encryption is asked for, whatever the server says.
    pub(super) tls: bool,
    pub(super) login: Login,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    None,
    Token(String),
    Password { user: String, password: String },
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    Scheme,
    Host,
    Port,
    Path,
    Escape,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the address has to begin with nats:// or tls://",
            Self::Host => "the address names no host",
            Self::Port => "the port of the address is no number from 1 to 65535",
            Self::Path => "nothing may stand behind the port of the address",
            Self::Escape => "a `%` in the user or the password needs two hexadecimal digits behind it",
        })
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(AddressError::Scheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "nats" => false,
            "tls" => true,
            _ => return Err(AddressError::Scheme),
        };
        // A password may have an `@` in it.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (login_of(login)?, place),
            None => (Login::None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains(['/', '?', '#', ',']) {
            return Err(AddressError::Path);
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(bracketed) => {
                let (host, behind) = bracketed.split_once(']').ok_or(AddressError::Host)?;
                match behind.strip_prefix(':') {
                    None if !behind.is_empty() => return Err(AddressError::Port),
                    port => (host, port),
                }
            }
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(AddressError::Host);
        }
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or(AddressError::Port)?,
            None => DEFAULT_PORT,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
            login,
        })
    }
}

fn login_of(text: &str) -> Result<Login, AddressError> {
    Ok(match text.split_once(':') {
        Some((user, password)) => Login::Password {
            user: unescape(user)?,
            password: unescape(password)?,
        },
        None => Login::Token(unescape(text)?),
    })
}

fn unescape(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (
                digit().ok_or(AddressError::Escape)?,
                digit().ok_or(AddressError::Escape)?,
            );
            bytes.push(u8::try_from(high * 16 + low).map_err(|_| AddressError::Escape)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| AddressError::Escape)
}

impl fmt::Display for Address {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "nats" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A word of a command line without the user and the password of an address in it.
pub fn redacted(word: &str) -> String {
    match (word.find("://"), word.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://…{}", &word[..scheme], &word[at..]),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, AddressError, Login, redacted};

    #[test]
    fn a_command_line_is_kept_without_what_is_secret() {
        let word = "--publish=nats://me:s@cret@host:4222";
        assert_eq!(redacted(word), "--publish=nats://…@host:4222");
        assert_eq!(redacted("me@host"), "me@host");
    }

    #[test]
    fn an_address_is_read_and_shown_without_what_is_secret() {
        let read = |text: &str| text.parse::<Address>().unwrap();
        let plain = read("nats://localhost");
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.tls),
            ("localhost", 4222, false)
        );
        assert!(plain.login == Login::None);
        let full = read("TLS://me:s%40cr@t@[::1]:4333/");
        assert_eq!((full.host.as_str(), full.port, full.tls), ("::1", 4333, true));
        let login = Login::Password {
            user: "me".to_owned(),
            password: "s@cr@t".to_owned(),
        };
        assert!(full.login == login);
        assert_eq!(format!("{full} {full:?}"), "tls://[::1]:4333 tls://[::1]:4333");
        assert!(read("nats://token@host").login == Login::Token("token".to_owned()));
    }

    #[test]
    fn an_address_that_cannot_be_meant_is_refused_without_being_repeated() {
        for (text, error) in [
            ("localhost:4222", AddressError::Scheme),
            ("http://localhost", AddressError::Scheme),
            ("nats://", AddressError::Host),
            ("nats://u:secret@:4222", AddressError::Host),
            ("nats://u:secret@host:0", AddressError::Port),
            ("nats://u:secret@host:nats", AddressError::Port),
            ("nats://[::1]4333", AddressError::Port),
            ("nats://host/subject", AddressError::Path),
            ("nats://a:4222,b:4222", AddressError::Path),
            ("nats://u:%zz@host", AddressError::Escape),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("secret"));
        }
    }
}
