//! Which tmux to use, and whether it is new enough. Nothing here starts a server.

use crate::diag::{Diagnostic, Kind};
use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the tmux to use, in place of the one on `PATH`.
pub const VARIABLE: &str = "OVR_TMUX";

/// The oldest tmux that works.
pub const MINIMUM: Version = Version {
    major: 3,
    minor: 2,
    patch: 'a',
};

/// A tmux release: `3.3a`. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    /// The letter after the number; NUL sorts the plain release first.
    pub patch: char,
}

impl Version {
    /// What builds without a release number (`master`, `openbsd-7.4`) count as: newer than every release.
    pub const UNRELEASED: Self = Self {
        major: u32::MAX,
        minor: 0,
        patch: '\0',
    };

    /// Reads what `tmux -V` prints, or `#{version}`: `tmux 3.3a`, `next-3.7`, `3.5-rc2`, `master`,
    /// `openbsd-7.4`. A release candidate counts as its release.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("tmux ").unwrap_or(text).trim();
        if text == "master" || text.starts_with("openbsd-") {
            return Some(Self::UNRELEASED);
        }
        let text = text.strip_prefix("next-").unwrap_or(text);
        let (major, rest) = text.split_once('.')?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let patch = rest[digits..].chars().next();
        Some(Self {
            major: major.parse().ok()?,
            minor: rest[..digits].parse().ok()?,
            patch: patch.filter(char::is_ascii_lowercase).unwrap_or('\0'),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNRELEASED {
            return write!(f, "unreleased");
        }
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch != '\0' {
            write!(f, "{}", self.patch)?;
        }
        Ok(())
    }
}

/// Finds the tmux to use: `OVR_TMUX`, else the first on `PATH`. Takes no process; whether it is new enough is
/// told by the server itself ([`super::Greeting::version`]), or by [`version_of`].
///
/// # Errors
/// Kind `Tmux`, with the command that installs it on this machine.
pub fn locate() -> Result<PathBuf, Diagnostic> {
    let named = env::var_os(VARIABLE).filter(|v| !v.is_empty());
    locate_in(named.as_deref(), env::var_os("PATH").as_deref())
}

fn locate_in(named: Option<&OsStr>, path: Option<&OsStr>) -> Result<PathBuf, Diagnostic> {
    let wanted = named.unwrap_or(OsStr::new("tmux"));
    if wanted.as_encoded_bytes().contains(&b'/') {
        let file = PathBuf::from(wanted);
        if is_program(&file) {
            // It is run from other directories than this one.
            return Ok(std::path::absolute(&file).unwrap_or(file));
        }
    } else if let Some(found) = find(wanted, path) {
        return Ok(found);
    }
    let message = match named {
        Some(named) => format!(
            "{VARIABLE} names a tmux that cannot be run: {}",
            named.to_string_lossy()
        ),
        None => "tmux is not installed; ovr runs each service in a tmux window".to_owned(),
    };
    Err(Diagnostic::error(Kind::Tmux, message).hint(match named {
        Some(_) => format!("unset {VARIABLE} to use the tmux on PATH"),
        None => install_hint(path),
    }))
}

/// Whether this version will do.
///
/// # Errors
/// Kind `Tmux`, naming the version found, the oldest that works, and how to get one.
pub fn check(found: &str, binary: &Path) -> Result<Version, Diagnostic> {
    match Version::parse(found) {
        Some(version) if version >= MINIMUM => Ok(version),
        Some(version) => Err(Diagnostic::error(
            Kind::Tmux,
            format!(
                "{} is tmux {version}; ovr needs {MINIMUM} or newer",
                binary.display()
            ),
        )
        .hint(install_hint(env::var_os("PATH").as_deref()))
        .hint(format!("or name another tmux: {VARIABLE}=/path/to/tmux"))),
        None => Err(Diagnostic::error(
            Kind::Tmux,
            format!(
                "cannot read the version of {}: {:?}",
                binary.display(),
                found.trim()
            ),
        )
        .hint(format!(
            "ovr needs tmux {MINIMUM} or newer; name one: {VARIABLE}=/path/to/tmux"
        ))),
    }
}

/// Asks the program itself (`tmux -V`, about 2 ms): to explain a server that does not come up.
///
/// # Errors
/// As [`check`], or that it cannot be run.
pub fn version_of(binary: &Path) -> Result<Version, Diagnostic> {
    let output = Command::new(binary)
        .arg("-V")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Diagnostic::error(Kind::Tmux, format!("cannot run {}", binary.display())).cause(error.to_string())
        })?;
    check(&String::from_utf8_lossy(&output.stdout), binary)
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

fn find(program: &OsStr, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|file| is_program(file))
}

/// Package managers and how they install tmux; the first that is there counts.
const INSTALLERS: &[(&str, &str)] = &[
    ("brew", "brew install tmux"),
    ("apt-get", "sudo apt-get install tmux"),
    ("dnf", "sudo dnf install tmux"),
    ("pacman", "sudo pacman -S tmux"),
    ("apk", "sudo apk add tmux"),
    ("zypper", "sudo zypper install tmux"),
    ("nix-env", "nix-env -iA nixpkgs.tmux"),
];

fn install_hint(path: Option<&OsStr>) -> String {
    let command = INSTALLERS
        .iter()
        .find(|(program, _)| find(OsStr::new(program), path).is_some())
        .map_or("https://github.com/tmux/tmux/wiki/Installing", |(_, c)| c);
    format!("install tmux: {command}")
}

#[cfg(test)]
mod tests {
    use super::{MINIMUM, Version, check, locate_in};
    use crate::diag::Kind;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[test]
    fn versions_are_read_and_ordered() {
        for (text, good) in [
            ("tmux 3.2a", true),
            ("tmux 3.3", true),
            ("tmux 3.3a\n", true),
            ("3.10", true),
            ("tmux next-3.7", true),
            ("tmux 3.5-rc2", true),
            ("tmux master", true),
            ("tmux openbsd-7.4", true),
            ("4.0", true),
            ("tmux 3.2", false),
            ("tmux 3.2-rc", false),
            ("tmux 3.1c", false),
            ("tmux 2.9a", false),
            ("tmux 1.8", false),
        ] {
            assert_eq!(Version::parse(text).unwrap() >= MINIMUM, good, "{text}");
        }
        for text in ["", "tmux", "screen 4", "tmux x.y"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
        assert_eq!(Version::parse("tmux 3.3a").unwrap().to_string(), "3.3a");
    }

    #[test]
    fn a_tmux_that_is_too_old_is_refused_with_both_versions() {
        let error = check("tmux 3.1c", Path::new("/usr/bin/tmux")).unwrap_err();
        assert_eq!(error.kind, Kind::Tmux);
        assert_eq!(
            error.message,
            "/usr/bin/tmux is tmux 3.1c; ovr needs 3.2a or newer"
        );
        assert_eq!(
            check("banana", Path::new("/usr/bin/tmux")).unwrap_err().kind,
            Kind::Tmux
        );
    }

    #[test]
    fn a_missing_tmux_is_reported_with_this_machines_installer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().as_os_str();
        let error = locate_in(None, Some(path)).unwrap_err();
        assert!(error.hints[0].contains("https://"), "{error}");
        let program = |name: &str| {
            let file = dir.path().join(name);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        };
        program("apk");
        let error = locate_in(None, Some(path)).unwrap_err();
        assert_eq!(error.kind, Kind::Tmux);
        assert_eq!(error.hints, ["install tmux: sudo apk add tmux"]);
        // A directory or a plain file of that name is no program.
        fs::create_dir(dir.path().join("tmux")).unwrap();
        assert!(locate_in(None, Some(path)).is_err());
        fs::remove_dir(dir.path().join("tmux")).unwrap();
        program("tmux");
        assert_eq!(locate_in(None, Some(path)).unwrap(), dir.path().join("tmux"));
    }

    #[test]
    fn a_named_tmux_is_used_and_never_silently_replaced() {
        let named = OsStr::new("/nonexistent/tmux");
        let error = locate_in(Some(named), Some(OsStr::new("/usr/bin:/bin"))).unwrap_err();
        assert!(
            error.message.contains("OVR_TMUX") && error.message.contains("/nonexistent/tmux"),
            "{error}"
        );
        let shell = locate_in(Some(OsStr::new("/bin/sh")), None).unwrap();
        assert_eq!(shell, Path::new("/bin/sh"));
        let by_name = locate_in(Some(OsStr::new("sh")), Some(OsStr::new("/bin"))).unwrap();
        assert_eq!(by_name, Path::new("/bin/sh"));
    }
}
