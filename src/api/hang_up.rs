//! Taking a request back from another thread: whoever holds the handle ends the connection that the request waits
//! on, and the waiting with it. Knows nothing of what is asked.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

type Close = Box<dyn FnOnce() + Send>;

/// One request's end, to be kept by the one who may want it. Clones mean the same request.
#[derive(Clone, Default)]
pub struct HangUp(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: bool,
    /// Ends what is waited on now.
    close: Option<Close>,
}

impl HangUp {
    /// Ends the waiting. What is waited on later ends at once.
    pub fn hang_up(&self) {
        let close = {
            let mut state = self.lock();
            state.asked = true;
            state.close.take()
        };
        if let Some(close) = close {
            close();
        }
    }

    /// Whether somebody has hung up.
    pub fn is_asked(&self) -> bool {
        self.lock().asked
    }

    /// Says how to end what is waited on from now on.
    pub fn hold(&self, close: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.asked {
            drop(state);
            close();
        } else {
            state.close = Some(Box::new(close));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while holding this")
    }
}

impl fmt::Debug for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HangUp")
            .field("asked", &self.is_asked())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::HangUp;
    use std::sync::mpsc;

    #[test]
    fn what_is_waited_on_ends_once_whether_it_was_held_before_or_after() {
        for before in [true, false] {
            let (told, ended) = mpsc::channel();
            let hang_up = HangUp::default();
            let close = move || told.send(()).expect("the test listens");
            if before {
                hang_up.hold(close);
                assert!(ended.try_recv().is_err());
                hang_up.clone().hang_up();
            } else {
                hang_up.hang_up();
                hang_up.hold(close);
            }
            hang_up.hang_up();
            assert!(hang_up.is_asked());
            assert_eq!(ended.iter().count(), 1);
        }
    }
}
