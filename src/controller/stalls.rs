//! Waiting for the last of something, for as long as it moves. What moves is the caller's.

use futures_util::{Stream, StreamExt};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::pin::pin;
use std::time::Duration;

/// Patience is over after so many looks in a row at which nothing had moved: of a process that was stopped (SIGSTOP)
/// meanwhile, only one of them passes unused.
const LOOKS: u32 = 4;

/// Waits until `done`, as long as `moved` tells of another amount than `patience` before; without patience, however
/// long. `None`: it stands still, or a signal says that nobody wants to wait any longer.
pub(super) async fn wait<T>(
    done: impl Future<Output = T>,
    moved: impl Fn() -> u64,
    patience: Option<Duration>,
    signals: &mut (impl Stream<Item = i32> + Unpin),
) -> Option<T> {
    let mut done = pin!(done);
    let pause = patience.unwrap_or(Duration::from_secs(1)) / LOOKS;
    let (mut before, mut idle) = (moved(), 0);
    loop {
        tokio::select! {
            biased;
            done = &mut done => return Some(done),
            Some(signal) = signals.next() => {
                if matches!(signal, SIGINT | SIGTERM | SIGQUIT | SIGHUP) {
                    return None;
                }
            }
            () = tokio::time::sleep(pause), if patience.is_some() => {
                let now = moved();
                idle = if now == before { idle + 1 } else { 0 };
                before = now;
                if idle == LOOKS {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wait;
    use futures_util::stream::{iter, pending};
    use signal_hook::consts::{SIGCONT, SIGINT};
    use std::cell::Cell;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    const PATIENCE: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn what_moves_is_waited_for_however_long_it_takes() {
        let written = Cell::new(0);
        let slow = async {
            for _ in 0..1000 {
                sleep(PATIENCE * 3 / 4).await;
                written.set(written.get() + 1);
            }
        };
        let done = wait(slow, || written.get(), Some(PATIENCE), &mut pending()).await;
        assert!(done.is_some() && written.get() == 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn what_stands_still_is_waited_for_as_long_as_patience_says() {
        let begun = Instant::now();
        let never = std::future::pending::<()>();
        assert_eq!(wait(never, || 7, Some(PATIENCE), &mut pending()).await, None);
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_was_stopped_meanwhile_has_used_up_a_part_of_its_patience_alone() {
        let written = Cell::new(0);
        let done = async {
            // Ten minutes in which nothing of this process ran.
            sleep(PATIENCE / 8).await;
            tokio::time::advance(Duration::from_secs(600)).await;
            sleep(PATIENCE / 2).await;
            written.set(1);
        };
        assert!(
            wait(done, || written.get(), Some(PATIENCE), &mut pending())
                .await
                .is_some()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_that_ends_a_session_ends_the_wait_and_no_other_does() {
        let begun = Instant::now();
        let done = sleep(PATIENCE);
        let mut signals = iter([SIGCONT, SIGINT]);
        assert_eq!(wait(done, || 0, None, &mut signals).await, None);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(wait(async { 5 }, || 0, None, &mut iter([SIGINT])).await, Some(5));
        assert!(
            wait(sleep(PATIENCE * 9), || 0, None, &mut pending())
                .await
                .is_some()
        );
    }
}
