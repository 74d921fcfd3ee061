//! The system's process table, read: on Linux from `/proc`, on macOS by `libproc`. Nothing is signalled here, and
//! nothing is remembered.

#[cfg(not(target_os = "linux"))]
mod darwin;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod procargs;

#[cfg(not(target_os = "linux"))]
pub use darwin::{all, arguments, catches, command, has_entry, has_variable, is_stopped, name, one, usage};
#[cfg(target_os = "linux")]
pub use linux::{all, arguments, catches, command, has_entry, has_variable, is_stopped, name, one, usage};

use std::time::Duration;

/// One process that is alive. A zombie is not: it runs no more and holds nothing but its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session; 0 where the system does not tell.
    pub session: u32,
    /// When it started, in the system's own unit; together with the pid this names a process for good. 0 where
    /// the system does not tell (on macOS of another user's).
    pub started: u64,
}

/// What one process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// For how long processors have worked for it; on Linux also for the children that it has waited for.
    pub cpu: Duration,
    /// Memory, in bytes.
    pub resident: u64,
}

/// A command line fit for a message: control characters replaced, cut after 120 characters.
fn presentable(text: &str) -> String {
    let mut shown: String = text
        .trim_end_matches('\0')
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(121)
        .collect();
    if let Some((at, _)) = shown.char_indices().nth(120) {
        shown.truncate(at);
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// What stands for the command line of a process that has none.
fn in_brackets(name: Option<String>) -> String {
    name.map_or_else(|| "?".to_owned(), |name| format!("[{}]", presentable(&name)))
}

#[cfg(test)]
mod tests {
    use super::presentable;

    #[test]
    fn a_long_command_line_is_cut() {
        assert_eq!(presentable("sh\0-c\0echo\0"), "sh -c echo");
        let long = presentable(&"x".repeat(500));
        assert_eq!(long.chars().count(), 121);
        assert!(long.ends_with('…'));
    }
}
