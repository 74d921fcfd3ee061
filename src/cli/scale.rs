//! `ovr scale`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use super::{reload, session};
use crate::api::messages::Scale;
use crate::diag::{self, Diagnostic};
use crate::model::MAX_INSTANCES;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr scale web=3", "three of web; those that run stay"),
    ("ovr scale web=1 worker=2", "fewer of one, more of another"),
];

/// Change how many instances of services run
///
/// New instances get their ports by the rule of `ovr start -m`; of those too many, the highest numbers go first.
/// Nobody else's port moves. The number holds until the session ends, or until the configuration's own number
/// changes.
#[derive(Args, Clone, Debug, Default)]
pub struct ScaleArgs {
    /// Run so many of this service
    #[arg(value_name = "NAME=N", required = true, add = complete::assignments(Kind::Any, &[]))]
    pub counts: Vec<String>,
}

/// Scales and prints a line for each instance that came, went or was restarted.
pub fn cmd_scale(global: &GlobalArgs, args: &ScaleArgs) -> Result<ExitCode, Diagnostic> {
    let counts = args
        .counts
        .iter()
        .map(|text| count(text))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let client = session::reach(global)?;
    reload::print(&client.scale(&Scale { counts })?)
}

fn count(text: &str) -> Result<(String, u32), Diagnostic> {
    let parsed = text.split_once('=').and_then(|(name, count)| {
        let count: u32 = count.trim().parse().ok()?;
        (count <= MAX_INSTANCES && !name.trim().is_empty()).then(|| (name.trim().to_owned(), count))
    });
    parsed.ok_or_else(|| {
        Diagnostic::error(
            diag::Kind::Usage,
            format!("{text:?} needs a name and a number from 0 to {MAX_INSTANCES}"),
        )
        .hint("ovr scale web=3")
    })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_count_is_a_name_and_a_small_number() {
        assert_eq!(count("web=3").unwrap(), ("web".to_owned(), 3));
        for bad in ["web", "web=", "web=x", "=3", "web=-1", "web=1001"] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
