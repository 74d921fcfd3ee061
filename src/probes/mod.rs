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
use std::net::SocketAddr;
use std::time::Duration;

/// What a check's command is run in.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The whole environment; nothing is inherited.
    pub env: Variables,
    /// A variable that no other process has, so that its children can be told.
    pub token: (&'static str, String),
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
    match tokio::time::timeout(limit, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(words::no_answer(limit)),
    }
}
