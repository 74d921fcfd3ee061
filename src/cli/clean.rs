//! `ovr clean`: what can be typed, how its list is shown, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::place::Place;
use super::style::plain;
use super::table::pairs;
use super::{report, session};
use crate::diag::Diagnostic;
use crate::workspace::clean;
use clap::Args;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    (
        "ovr clean --dry-run",
        "show what there is and how big, remove nothing",
    ),
    ("ovr clean --yes", "remove it without a question"),
];

/// Show and remove what ovr keeps on disk
///
/// That is the port registry and logs in the state directory, and what ended sessions left in the runtime
/// directory. What belongs to a running session stays.
#[derive(Args, Clone, Debug, Default)]
pub struct CleanArgs {
    /// Remove without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only show
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Something on disk that can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub path: PathBuf,
    pub bytes: u64,
    /// What it is: `port registry`, `logs of shop`.
    pub what: String,
}

/// The list of what there is, with its size.
pub fn shown(leftovers: &[Leftover]) -> String {
    if leftovers.is_empty() {
        return "nothing to clean\n".to_owned();
    }
    let lines: Vec<(String, String)> = leftovers
        .iter()
        .map(|leftover| {
            let path = plain(&leftover.path.display().to_string());
            (size(leftover.bytes), format!("{path}  {}", plain(&leftover.what)))
        })
        .collect();
    let mut out = pairs(&lines, 0);
    let total: u64 = leftovers.iter().map(|leftover| leftover.bytes).sum();
    writeln!(out, "{} in all", size(total)).expect("a String takes everything");
    out
}

/// `512 B`, `1.5 kB`, `3.0 MB`.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        _ => format!("{} MB", tenths(1_000_000)),
    }
}

/// Shows what there is, and removes it when told to.
pub fn cmd_clean(global: &GlobalArgs, args: &CleanArgs) -> Result<ExitCode, Diagnostic> {
    Place::of(global, &|_| None)?.local("clean")?;
    let places = session::places()?;
    let items = clean::inventory(&places)?;
    let leftovers: Vec<Leftover> = items
        .iter()
        .filter(|item| item.kept.is_none())
        .map(|item| Leftover {
            path: item.path.clone(),
            bytes: item.bytes,
            what: item.what.words().to_owned(),
        })
        .collect();
    report::print_out(&shown(&leftovers))?;
    if leftovers.is_empty() || args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !confirmed()? {
        report::print_out("nothing was removed; ovr clean --yes removes it\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let removed = clean::remove(&places, &items);
    removed.errors.iter().for_each(report::print);
    report::print_out(&format!(
        "removed {} items, {}\n",
        removed.items,
        size(removed.bytes)
    ))?;
    Ok(if removed.errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Asks, where somebody can answer.
fn confirmed() -> Result<bool, Diagnostic> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Ok(false);
    }
    report::print_out("remove all of it? [y/N] ")?;
    let mut answer = String::new();
    // Without an answer it is a no.
    let read = std::io::stdin().read_line(&mut answer).is_ok();
    Ok(read && matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::{Leftover, shown};

    #[test]
    fn leftovers_are_listed_with_their_sizes() {
        let leftover = |path: &str, bytes, what: &str| Leftover {
            path: path.into(),
            bytes,
            what: what.into(),
        };
        let list = [
            leftover("/s/ovr/ports.db", 12_288, "port registry"),
            leftover("/s/ovr/logs/shop", 3_000_000, "logs of shop"),
        ];
        assert_eq!(
            shown(&list),
            "12.2 kB  /s/ovr/ports.db  port registry\n\
             3.0 MB   /s/ovr/logs/shop  logs of shop\n\
             3.0 MB in all\n"
        );
        assert_eq!(shown(&[]), "nothing to clean\n");
    }
}
