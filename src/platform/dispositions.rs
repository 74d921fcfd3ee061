//! What a process does on a signal before it has said so itself: what its caller left it with.

/// Whether this process ignores the signal.
pub fn is_ignored(signal: i32) -> bool {
    // SAFETY: the call writes to the struct it is given and to nothing else; zeros are a valid one.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::is_ignored;

    #[test]
    fn what_is_ignored_is_known() {
        // Rust's runtime ignores SIGPIPE for every program; nobody sets SIGURG.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGURG));
    }
}
