//! What names a session on this machine: a short hash of a canonical path. The hash is part of the layout on
//! disk and never changes.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// 16 hexadecimal digits: the name of a session's runtime directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(String);

impl ProjectId {
    /// The id of the project at this canonical path: FNV-1a of its bytes, 64 bits. It need not resist
    /// attacks (a user only meets their own paths), only be short, stable and evenly spread.
    pub fn of(canonical: &Path) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in canonical.as_os_str().as_bytes() {
            hash ^= u64::from(*byte);
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(format!("{hash:016x}"))
    }

    /// The id that `text` spells, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (digits && text.len() == 16).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ProjectId;
    use std::path::Path;

    #[test]
    fn an_id_is_stable_short_and_its_own_for_each_path() {
        // Part of the layout on disk: a session of an earlier build must be found.
        assert_eq!(ProjectId::of(Path::new("")).as_str(), "cbf29ce484222325");
        assert_eq!(ProjectId::of(Path::new("a")).as_str(), "af63dc4c8601ec8c");
        assert_eq!(ProjectId::of(Path::new("foobar")).as_str(), "85944171f73967e8");
        assert_ne!(
            ProjectId::of(Path::new("/a/shop")),
            ProjectId::of(Path::new("/b/shop"))
        );
        let long = format!("/{}", "x".repeat(4000));
        assert_eq!(ProjectId::of(Path::new(&long)).as_str().len(), 16);
    }

    #[test]
    fn only_sixteen_hexadecimal_digits_are_an_id() {
        assert!(ProjectId::parse("85944171f73967e8").is_some());
        for bad in ["", "85944171f73967e", "85944171F73967e8", "../../etc/passwd"] {
            assert_eq!(ProjectId::parse(bad), None, "{bad}");
        }
    }
}
