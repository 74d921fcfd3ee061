//! What tools are given, from JSON: the same that `mcp::catalog` tells of. Says what is wrong with the rest.

use crate::api::messages::Goal;
use crate::diag::{Diagnostic, Kind};
use crate::mcp::catalog::{BYTES, LINES, MAX_SECONDS, SECONDS};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::time::Duration;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    #[serde(default)]
    pub(super) names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SomeNames {
    pub(super) names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timed {
    #[serde(default)]
    pub(super) names: Vec<String>,
    #[serde(default, rename = "for")]
    pub(super) goal: Goal,
    timeout_s: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimedNames {
    pub(super) names: Vec<String>,
    timeout_s: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    #[serde(default)]
    pub(super) names: Vec<String>,
    #[serde(default = "yes")]
    pub(super) wait: bool,
    timeout_s: Option<f64>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    #[serde(default)]
    pub(super) names: Vec<String>,
    lines: Option<usize>,
    max_bytes: Option<usize>,
    pub(super) grep: Option<String>,
    pub(super) since: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) run: Option<String>,
}

impl Timed {
    pub(super) fn timeout(&self) -> Result<Duration, Diagnostic> {
        timeout(self.timeout_s)
    }
}

impl TimedNames {
    pub(super) fn timeout(&self) -> Result<Duration, Diagnostic> {
        timeout(self.timeout_s)
    }
}

impl Start {
    pub(super) fn timeout(&self) -> Result<Duration, Diagnostic> {
        timeout(self.timeout_s)
    }
}

impl Logs {
    pub(super) fn lines(&self) -> usize {
        self.lines.unwrap_or(LINES.0).clamp(1, LINES.1)
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes.unwrap_or(BYTES.0).clamp(256, BYTES.1)
    }
}

fn timeout(seconds: Option<f64>) -> Result<Duration, Diagnostic> {
    let seconds = seconds.unwrap_or(SECONDS);
    if seconds > 0.0 && seconds <= MAX_SECONDS {
        return Ok(Duration::from_secs_f64(seconds));
    }
    let message = format!("timeout_s: {seconds} is not between 0 and {MAX_SECONDS}");
    Err(Diagnostic::error(Kind::Usage, message))
}

/// Stopping what nobody has named would stop everything.
pub(super) fn some(names: &[String]) -> Result<&[String], Diagnostic> {
    if names.is_empty() {
        let error = Diagnostic::error(Kind::Usage, "`names` is empty");
        return Err(error.hint("name the services that are meant; [\"*\"] means all of them"));
    }
    Ok(names)
}

pub(super) fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, Diagnostic> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        let error = Diagnostic::error(Kind::Usage, format!("the arguments make no sense: {error}"));
        error.hint("tools/list has each tool's inputSchema")
    })
}
