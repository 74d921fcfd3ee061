//! Waiting for the lock of a file (`flock`) that another process holds. Whose lock it is is the caller's business.

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Waits until nobody holds the lock, for at most `patience`. `false`: somebody still does.
///
/// # Errors
/// The file cannot be locked, or there is no thread to wait in.
pub fn wait_until_free(file: File, patience: Duration) -> Result<bool, Errno> {
    // The kernel wakes a thread that waits for the lock; nothing but a thread can give up waiting.
    let (tell, told) = channel();
    let waiter = thread::Builder::new().name("lock".to_owned()).spawn(move || {
        let taken = retry_on_intr(|| flock(&file, FlockOperation::LockShared));
        drop(file);
        let _nobody_listens_any_more = tell.send(taken);
    });
    waiter.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
    match told.recv_timeout(patience) {
        Ok(taken) => taken.map(|()| true),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::wait_until_free;
    use rustix::fs::{FlockOperation, flock};
    use std::fs::File;
    use std::time::Duration;

    #[test]
    fn a_lock_is_free_when_its_holder_lets_it_go_and_patience_has_an_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(file.path()).unwrap();
        let long = Duration::from_secs(3600);
        assert_eq!(wait_until_free(open(), long), Ok(true));
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert_eq!(wait_until_free(open(), Duration::ZERO), Ok(false));
        flock(&file, FlockOperation::Unlock).unwrap();
        assert_eq!(wait_until_free(open(), long), Ok(true));
    }
}
