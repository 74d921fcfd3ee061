//! Wakes the loop at a time of day: also when the machine has slept meanwhile, and when somebody sets the clock.
//! Made when the first time is set; a session without schedules never has one.

use std::time::SystemTime;

#[cfg(target_os = "linux")]
mod timer {
    use rustix::io::Errno;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::os::fd::OwnedFd;
    use std::time::{SystemTime, UNIX_EPOCH};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer on the clock that shows the time of day.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        /// On the runtime. `None` where the system has no such timer to give.
        pub(super) fn new() -> Option<Self> {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = timerfd_create(TimerfdClockId::Realtime, flags).ok()?;
            // SAFETY: the descriptor is owned by the `AsyncFd`, so it stays open and the same while registered.
            let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }.ok()?;
            Some(Self(timer))
        }

        /// `None` stops it. False if that cannot be.
        pub(super) fn set(&self, at: Option<SystemTime>) -> bool {
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let value = at.map_or(Some(never), |at| {
                let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
                Timespec::try_from(since).ok()
            });
            let Some(it_value) = value else { return false };
            let spec = Itimerspec {
                it_interval: never,
                it_value,
            };
            let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            timerfd_settime(self.0.get_ref(), flags, &spec).is_ok()
        }

        /// Returns when the time has come or the clock was set.
        pub(super) async fn rang(&self) {
            loop {
                let Ok(mut ready) = self.0.readable().await else {
                    return std::future::pending().await;
                };
                let mut count = [0; 8];
                // A clock that was set reads as an error of its own.
                match rustix::io::read(self.0.get_ref(), &mut count) {
                    Ok(_) | Err(Errno::CANCELED) => return,
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(_) => return std::future::pending().await,
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use rustix::event::kqueue::{Event, kevent, kqueue};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of a kqueue, set to a time of day. It goes on while the machine sleeps; a clock that is set does not
    /// move it.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        /// On the runtime. `None` where the system has no such timer to give.
        pub(super) fn new() -> Option<Self> {
            let queue = kqueue().ok()?;
            // SAFETY: the descriptor is owned by the `AsyncFd`, so it stays open and the same while registered.
            let queue = unsafe { AsyncFd::register_with_interest(queue, Interest::READABLE) }.ok()?;
            Some(Self(queue))
        }

        /// `None` stops it. False if that cannot be.
        pub(super) fn set(&self, at: Option<SystemTime>) -> bool {
            let Some(at) = at else {
                // It may have rung, and be gone with that.
                self.change(libc::EV_DELETE, 0);
                return true;
            };
            let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
            isize::try_from(since.as_nanos()).is_ok_and(|at| self.change(libc::EV_ADD | libc::EV_ONESHOT, at))
        }

        /// The one timer of the queue, in nanoseconds since the epoch. Not by rustix, which knows no absolute times.
        fn change(&self, flags: u16, data: isize) -> bool {
            let timer = libc::kevent {
                ident: 1,
                filter: libc::EVFILT_TIMER,
                flags,
                fflags: libc::NOTE_NSECONDS | libc::NOTE_ABSOLUTE | libc::NOTE_MACH_CONTINUOUS_TIME,
                data,
                udata: std::ptr::null_mut(),
            };
            let queue = self.0.as_raw_fd();
            // SAFETY: one change is read, nothing is written; the queue is open.
            let changed = unsafe {
                libc::kevent(
                    queue,
                    &raw const timer,
                    1,
                    std::ptr::null_mut(),
                    0,
                    std::ptr::null(),
                )
            };
            changed == 0
        }

        /// Returns when the time has come.
        pub(super) async fn rang(&self) {
            loop {
                let Ok(mut ready) = self.0.readable().await else {
                    return std::future::pending().await;
                };
                ready.clear_ready();
                let mut told: Vec<Event> = Vec::with_capacity(1);
                let room = rustix::buffer::spare_capacity(&mut told);
                // SAFETY: a timer refers to no file.
                match unsafe { kevent(self.0.get_ref(), &[], room, Some(Duration::ZERO)) } {
                    Ok(0) | Err(rustix::io::Errno::INTR) => {}
                    Ok(_) => return,
                    Err(_) => return std::future::pending().await,
                }
            }
        }
    }
}

/// The one alarm of a session.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    timer: Option<timer::Timer>,
    at: Option<SystemTime>,
    /// Whether it is set to that time, rather than to be set.
    is_set: bool,
}

impl Alarm {
    /// Sets or stops it. False where it cannot be had: then a deadline has to do.
    pub(super) fn set(&mut self, at: Option<SystemTime>) -> bool {
        if at == self.at && (at.is_none() || self.is_set) {
            return true;
        }
        if self.timer.is_none() {
            self.timer = timer::Timer::new();
        }
        self.at = at;
        self.is_set = self.timer.as_ref().is_some_and(|timer| timer.set(at));
        self.is_set
    }

    /// Waits for it; for ever if none is set.
    pub(super) async fn rang(&self) {
        match &self.timer {
            Some(timer) => timer.rang().await,
            None => std::future::pending().await,
        }
    }

    /// It rang, and is to be set anew.
    pub(super) fn note_rang(&mut self) {
        self.is_set = false;
    }
}

#[cfg(test)]
mod tests {
    use super::Alarm;
    use std::time::{Duration, SystemTime};

    #[test]
    fn it_rings_at_its_time_and_again_when_it_is_set_anew() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut alarm = Alarm::default();
            for _ in 0..2 {
                let at = SystemTime::now() + Duration::from_millis(5);
                assert!(alarm.set(Some(at)));
                alarm.rang().await;
                alarm.note_rang();
                assert!(SystemTime::now() >= at);
            }
            // One that has passed rings at once.
            assert!(alarm.set(Some(SystemTime::now() - Duration::from_secs(60))));
            alarm.rang().await;
        });
    }
}
