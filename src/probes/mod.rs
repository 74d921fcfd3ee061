//! One attempt of one check: good, or bad with a reason for people. It knows no schedule and no thresholds
//! (`supervisor`), nor whose service it looks at (`controller`).
//!
//! An attempt is a future on a current-thread runtime. Dropping it is cancelling it: its connections close and
//! its processes are killed.

mod exec;
mod http;
mod tcp;
#[cfg(test)]
mod tests;
mod words;

use crate::model::{Check, Variables};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What a check's command is run in.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The whole environment; nothing is inherited.
    pub env: Variables,
    /// A variable that no other process has, so that its children can be told.
    pub token: (&'static str, String),
    /// What the command's process does before it becomes the command. Only what is sound between fork and exec.
    pub prepare: fn() -> io::Result<()>,
    /// Ends every process whose environment has this token. May block.
    pub end_marked: fn(&str),
}

/// An attempt succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Good {
    /// Who was connected to, where the check connects.
    pub peer: Option<SocketAddr>,
}

/// Why an attempt failed, in words: `connection refused on 127.0.0.1:5432`.
pub type Reason = String;

/// Makes one attempt, which has failed after `limit`.
pub async fn attempt(check: &Check, surroundings: Surroundings, limit: Duration) -> Result<Good, Reason> {
    match check {
        Check::Exec { argv, cwd } => exec::attempt(argv, cwd, surroundings, limit).await,
        Check::Http(check) => within(limit, http::attempt(check)).await,
        Check::Tcp { host, port } => within(limit, tcp::attempt(host, *port)).await,
    }
}

async fn within(
    limit: Duration,
    attempt: impl Future<Output = Result<Good, Reason>>,
) -> Result<Good, Reason> {
    let outcome = in_time(limit, attempt).await;
    outcome.unwrap_or_else(|| Err(words::no_answer(limit)))
}

/// A limit that is seen so late has passed while this process was stopped (Ctrl-Z, SIGSTOP).
const FAR_BEHIND: Duration = Duration::from_millis(500);

/// What comes within `limit`; of that, the time counts in which this process could hear it.
async fn in_time<T>(limit: Duration, attempt: impl Future<Output = T>) -> Option<T> {
    let mut attempt = Box::pin(attempt);
    loop {
        let begun = Instant::now();
        if let Ok(outcome) = timeout(limit, attempt.as_mut()).await {
            return Some(outcome);
        }
        if begun.elapsed() < limit.saturating_add(FAR_BEHIND) {
            return None;
        }
    }
}
