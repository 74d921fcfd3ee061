//! The shim's own signals, and what a service finds of them. Four signals wake the loop; all others that could
//! end or stop the shim are blocked. Nothing here decides what a signal means.

use rustix::net::SendFlags;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGTERM, SIGUSR1};
use signal_hook::low_level;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The signals that the loop reacts to, in the order of [`Caught`]'s fields.
const HANDLED: [libc::c_int; 4] = [SIGCHLD, SIGHUP, SIGTERM, SIGUSR1];

/// Never blocked besides [`HANDLED`]: the shim's own faults must end it.
const FAULTS: [libc::c_int; 8] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGCONT,
];

/// What has arrived since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Caught {
    /// SIGCHLD: a child ended or stopped.
    pub(super) child: bool,
    /// SIGHUP: the terminal is gone.
    pub(super) hangup: bool,
    /// SIGTERM: the shim is to end.
    pub(super) terminate: bool,
    /// SIGUSR1: a controller is at the socket again.
    pub(super) reconnect: bool,
}

/// The handlers, which stay for the life of the process.
pub(super) struct Signals {
    wake: UnixStream,
    raised: Arc<Raised>,
}

/// What the handlers write to.
struct Raised {
    wake: UnixStream,
    flags: [AtomicBool; 4],
}

impl Raised {
    /// In a handler: only async-signal-safe calls.
    fn note(&self, index: usize) {
        // In this order the flag is up before the loop wakes.
        self.flags[index].store(true, Ordering::SeqCst);
        // Full: then the loop is to wake in any case.
        let _full = rustix::net::send(&self.wake, b"X", SendFlags::DONTWAIT);
    }
}

impl Signals {
    /// Installs the handlers and sets the mask. Call it first: until then SIGUSR1 ends the process.
    pub(super) fn install() -> io::Result<Self> {
        let (wake, write_end) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let raised = Arc::new(Raised {
            wake: write_end,
            flags: Default::default(),
        });
        for (index, signal) in HANDLED.into_iter().enumerate() {
            let raised = Arc::clone(&raised);
            // SAFETY: `note` makes one system call and touches memory that stays, without allocating or locking.
            unsafe { low_level::register(signal, move || raised.note(index)) }?;
        }
        let mut mask = full_set();
        for signal in HANDLED.into_iter().chain(FAULTS) {
            // SAFETY: `mask` is an initialised set and `signal` a valid signal number.
            unsafe { libc::sigdelset(&raw mut mask, signal) };
        }
        set_mask(&mask);
        Ok(Self { wake, raised })
    }

    /// Readable when something has been caught.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// What was caught since the last call.
    pub(super) fn take(&self) -> Caught {
        let mut bytes = [0; 64];
        while matches!((&self.wake).read(&mut bytes), Ok(count) if count == bytes.len()) {}
        let [child, hangup, terminate, reconnect] =
            [0, 1, 2, 3].map(|index: usize| self.raised.flags[index].swap(false, Ordering::SeqCst));
        Caught {
            child,
            hangup,
            terminate,
            reconnect,
        }
    }
}

/// Holds every signal back while it lives. Around a fork: what arrives before the child's exec must not run
/// the shim's handlers in the child, since they would write to the shim's own wake-up socket.
pub(super) struct AllBlocked(libc::sigset_t);

impl AllBlocked {
    pub(super) fn new() -> Self {
        Self(set_mask(&full_set()))
    }
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        set_mask(&self.0);
    }
}

/// Gives a forked child the default disposition for every signal, also for those that were ignored when the
/// shim itself was started, and an empty mask. Only async-signal-safe calls.
pub(super) fn restore_defaults() {
    for signal in 1..=64 {
        // SAFETY: `signal` is async-signal-safe; numbers that cannot be set are refused without effect.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set that it is given.
    let none = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        none.assume_init()
    };
    set_mask(&none);
}

fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set that it is given.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Sets the mask of the only thread; returns the one before.
fn set_mask(mask: &libc::sigset_t) -> libc::sigset_t {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets are valid for the call; with SIG_SETMASK and valid pointers it cannot fail, so
    // `before` is written. Zeroed first in any case: an all-zero set is the empty set.
    unsafe {
        ptr::write_bytes(before.as_mut_ptr(), 0, 1);
        libc::pthread_sigmask(libc::SIG_SETMASK, mask, before.as_mut_ptr());
        before.assume_init()
    }
}
