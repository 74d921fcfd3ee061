//! Waiting for the last of something, for as long as it moves. What moves is the caller's.

use futures_util::{Stream, StreamExt};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::pin::pin;
use std::time::Duration;

/// Patience is over after so many looks in a row at which nothing had moved: of a process that was stopped (SIGSTOP)
/// meanwhile, only one of them passes unused.
const LOOKS: u32 = 4;
/// What has no patience of its own is looked at once, after this.
const FIRST_MOMENT: Duration = Duration::from_millis(250);

/// Waits until `done`, as long as `moved` tells of another amount than `patience` before; without patience, however
/// long. `None`: it stands still, or a signal says that nobody wants to wait any longer. A signal that comes in the
/// first moment may have been meant for what was over by then: what is done within that is done.
pub(super) async fn wait<T>(
    done: impl Future<Output = T>,
    moved: impl Fn() -> u64,
    patience: Option<Duration>,
    signals: &mut (impl Stream<Item = i32> + Unpin),
) -> Option<T> {
    let mut done = pin!(done);
    let pause = patience.unwrap_or(FIRST_MOMENT * LOOKS) / LOOKS;
    let (mut before, mut idle) = (moved(), 0);
    let (mut is_first, mut is_unwanted) = (true, false);
    loop {
        tokio::select! {
            biased;
            done = &mut done => return Some(done),
            Some(signal) = signals.next() => {
                is_unwanted |= matches!(signal, SIGINT | SIGTERM | SIGQUIT | SIGHUP);
            }
            () = tokio::time::sleep(pause), if is_first || patience.is_some() => {
                is_first = false;
                let now = moved();
                idle = if now == before { idle + 1 } else { 0 };
                before = now;
                if patience.is_some() && idle == LOOKS {
                    return None;
                }
            }
        }
        if is_unwanted && !is_first {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_MOMENT, wait};
    use futures_util::stream::{Stream, StreamExt, iter, pending};
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
        let mut late = Box::pin(spaced([(PATIENCE, SIGCONT), (PATIENCE, SIGINT)]));
        assert_eq!(wait(sleep(PATIENCE * 9), || 0, None, &mut late).await, None);
        assert_eq!(begun.elapsed(), PATIENCE * 2);
        assert!(
            wait(sleep(PATIENCE * 9), || 0, None, &mut pending())
                .await
                .is_some()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_of_the_first_moment_costs_nothing_that_is_done_within_it() {
        let soon = sleep(FIRST_MOMENT / 2);
        assert!(wait(soon, || 0, None, &mut iter([SIGINT])).await.is_some());
        let begun = Instant::now();
        assert!(
            wait(sleep(PATIENCE), || 0, None, &mut iter([SIGINT]))
                .await
                .is_none()
        );
        assert_eq!(begun.elapsed(), FIRST_MOMENT);
    }

    /// Signals, each so long after the one before.
    fn spaced<const N: usize>(signals: [(Duration, i32); N]) -> impl Stream<Item = i32> {
        iter(signals).then(async |(after, signal)| {
            sleep(after).await;
            signal
        })
    }
}
