//! Names of services and instances, and which of them are allowed.
//!
//! A name turns up in file names, URLs, command lines, lists (`-l a,b`), assignments (`-m web=2`), patterns
//! (`'side*'`) and instance names (`web#2`). What would be ambiguous in one of these is refused here, once.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name, in bytes: it still fits a file name with a suffix.
pub(super) const MAX_NAME: usize = 100;

/// A service's name as written in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Arc<str>);

/// Why a text cannot be a service's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    Empty,
    TooLong,
    LeadingDash,
    /// `.` and `..` are directories.
    Dots,
    /// `all` stands for every service in `-m all=2`, `-r all`.
    Reserved,
    BadCharacter(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a service needs a name"),
            Self::TooLong => write!(f, "this name is longer than {MAX_NAME} bytes"),
            Self::LeadingDash => write!(f, "a name cannot begin with `-`: it would read as a flag"),
            Self::Dots => write!(f, "a name cannot consist of dots alone"),
            Self::Reserved => write!(f, "the name `all` is reserved: it stands for every service"),
            Self::BadCharacter(c) if c.is_whitespace() => write!(f, "a name cannot contain white space"),
            Self::BadCharacter(c) => write!(
                f,
                "a name cannot contain {c:?}; use letters, digits, `-`, `_`, `.`"
            ),
        }
    }
}

impl std::error::Error for NameError {}

impl ServiceName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a part of an environment variable: what is not a letter, digit or `_` becomes `_`.
    pub fn as_variable(&self) -> String {
        self.0
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect()
    }
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong);
        }
        if text.starts_with('-') {
            return Err(NameError::LeadingDash);
        }
        if text.chars().all(|c| c == '.') {
            return Err(NameError::Dots);
        }
        if text == "all" {
            return Err(NameError::Reserved);
        }
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '@');
        match text.chars().find(|c| !allowed(*c)) {
            Some(bad) => Err(NameError::BadCharacter(bad)),
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for ServiceName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ServiceName> for String {
    fn from(name: ServiceName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An instance's name: the service's own where there is one instance, `web#2` where there are several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceName {
    pub service: ServiceName,
    /// From 1; `None` where the service has just one instance.
    pub number: Option<u32>,
}

impl FromStr for InstanceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.rsplit_once('#') {
            None => Ok(Self {
                service: text.parse()?,
                number: None,
            }),
            Some((service, number)) => {
                let number = number
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or(NameError::BadCharacter('#'))?;
                Ok(Self {
                    service: service.parse()?,
                    number: Some(number),
                })
            }
        }
    }
}

impl TryFrom<String> for InstanceName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<InstanceName> for String {
    fn from(name: InstanceName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for InstanceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => self.service.fmt(f),
            Some(number) => f.pad(&format!("{}#{number}", self.service)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InstanceName, NameError, ServiceName};

    #[test]
    fn names_are_allowed_or_refused_for_a_reason() {
        for good in [
            "web",
            "web2",
            "1",
            "web.api",
            "my-app",
            "wéb",
            "a_b",
            "user@host",
            "c++",
        ] {
            assert_eq!(good.parse::<ServiceName>().unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", NameError::Empty),
            ("-web", NameError::LeadingDash),
            ("..", NameError::Dots),
            ("all", NameError::Reserved),
            ("my app", NameError::BadCharacter(' ')),
            ("a/b", NameError::BadCharacter('/')),
            ("a#1", NameError::BadCharacter('#')),
            ("side*", NameError::BadCharacter('*')),
            ("a,b", NameError::BadCharacter(',')),
        ] {
            assert_eq!(bad.parse::<ServiceName>().unwrap_err(), why, "{bad}");
        }
        assert_eq!(
            "x".repeat(101).parse::<ServiceName>().unwrap_err(),
            NameError::TooLong
        );
    }

    #[test]
    fn an_instance_name_reads_back_as_it_prints() {
        for text in ["web", "web#2", "web.api#10"] {
            assert_eq!(text.parse::<InstanceName>().unwrap().to_string(), text);
        }
        for text in ["web#", "web#0", "web#x", "#1", "a#b#1"] {
            assert!(text.parse::<InstanceName>().is_err(), "{text}");
        }
    }
}
