//! Which terminal types programs on this machine know, and what a terminal may be taken for where its own is not
//! among them.

use std::env;
use std::path::{Path, PathBuf};

/// What a terminal program of today can be taken for, the best first.
const STAND_INS: &[&str] = &["xterm-256color", "xterm"];

/// Types that name a terminal which understands what xterm does, by how they begin.
const LIKE_XTERM: &[&str] = &[
    "alacritty",
    "contour",
    "foot",
    "ghostty",
    "gnome",
    "iterm",
    "kitty",
    "konsole",
    "mintty",
    "rio",
    "rxvt",
    "st-",
    "vte",
    "wezterm",
    "xterm",
];

/// How this machine stands to a terminal's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// As itself, or it cannot be told: for a terminal library that looks elsewhere than we do.
    AsItself,
    /// Not, but it can be taken for this one.
    As(&'static str),
    /// Not at all.
    Not,
}

/// How to take a terminal of this type here.
pub fn find(terminal: &str) -> Known {
    judge(terminal, is_known)
}

fn judge(terminal: &str, is_known: impl Fn(&str) -> bool) -> Known {
    // With no entry for the most usual one either, the entries are somewhere else.
    let Some(stand_in) = STAND_INS.iter().find(|name| is_known(name)) else {
        return Known::AsItself;
    };
    if is_known(terminal) {
        Known::AsItself
    } else if LIKE_XTERM.iter().any(|start| terminal.starts_with(start)) {
        Known::As(stand_in)
    } else {
        Known::Not
    }
}

/// Whether there is an entry for this type where programs look for one.
pub(super) fn is_known(terminal: &str) -> bool {
    let Some(first) = terminal.bytes().next().filter(|_| !terminal.contains('/')) else {
        return false;
    };
    // macOS names the directories by the letter's code.
    let places = [char::from(first).to_string(), format!("{first:02x}")];
    directories().any(|dir| places.iter().any(|place| dir.join(place).join(terminal).exists()))
}

fn directories() -> impl Iterator<Item = PathBuf> {
    let named = ["TERMINFO", "TERMINFO_DIRS"]
        .into_iter()
        .filter_map(env::var_os)
        .flat_map(|value| env::split_paths(&value).collect::<Vec<_>>());
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".terminfo"));
    let usual = [
        "/etc/terminfo",
        "/lib/terminfo",
        "/usr/share/terminfo",
        "/usr/lib/terminfo",
        "/usr/local/share/terminfo",
        "/opt/homebrew/share/terminfo",
        "/run/current-system/sw/share/terminfo",
    ];
    named.chain(home).chain(usual.into_iter().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::{Known, judge};

    #[test]
    fn only_what_is_like_xterm_is_taken_for_it_and_only_where_it_is_unknown() {
        let on = |known: &[&str], terminal: &str| judge(terminal, |name| known.contains(&name));
        let known = ["xterm-256color", "xterm", "vt100", "dumb"];
        for unknown in ["xterm-kitty", "xterm-ghostty", "alacritty", "foot", "st-256color"] {
            assert_eq!(on(&known, unknown), Known::As("xterm-256color"), "{unknown}");
        }
        for itself in ["xterm-256color", "vt100", "dumb"] {
            assert_eq!(on(&known, itself), Known::AsItself, "{itself}");
        }
        for strange in ["wyse60", "stone", "", "../x"] {
            assert_eq!(on(&known, strange), Known::Not, "{strange}");
        }
        assert_eq!(on(&["xterm"], "xterm-kitty"), Known::As("xterm"));
        // Nothing is known here: the entries are elsewhere.
        assert_eq!(on(&[], "xterm-kitty"), Known::AsItself);
    }
}
