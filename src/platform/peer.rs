//! Who is at the other end of a connection on this machine. What that means is the caller's business.

use std::os::fd::AsFd;

/// The number of the process that listens at the other end, or that has connected to us; `None` where the system does
/// not tell.
#[cfg(target_os = "linux")]
pub fn pid(socket: impl AsFd) -> Option<u32> {
    let peer = rustix::net::sockopt::socket_peercred(socket).ok()?;
    u32::try_from(peer.pid.as_raw_nonzero().get()).ok()
}

#[cfg(target_os = "macos")]
pub fn pid(socket: impl AsFd) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let mut pid: libc::pid_t = 0;
    let mut length = libc::socklen_t::try_from(size_of_val(&pid)).ok()?;
    // SAFETY: the option's value is a number of this size, and both are valid for the call.
    let told = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_LOCAL,
            libc::LOCAL_PEERPID,
            (&raw mut pid).cast(),
            &raw mut length,
        )
    };
    (told == 0).then(|| u32::try_from(pid).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    #[test]
    fn of_a_pair_that_a_process_has_made_itself_it_is_the_other_end() {
        let (here, there) = UnixStream::pair().unwrap();
        let own = Some(std::process::id());
        assert_eq!((super::pid(&here), super::pid(&there)), (own, own));
    }
}
