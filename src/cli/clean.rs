//! `ovr clean`: what can be typed, how its list is shown, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::style::plain;
use super::table::pairs;
use super::{elsewhere, report, session};
use crate::api::messages::{Cleaned, ErrorBody, Leftover, Leftovers, SCHEMA};
use crate::diag::Diagnostic;
use crate::workspace::Places;
use crate::workspace::clean::{self as disk, Item};
use clap::Args;
use std::fmt::Write;
use std::io::IsTerminal;
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
/// directory. What belongs to a running session stays. With -s tcp://HOST:PORT, on the machine that this session is
/// on.
#[derive(Args, Clone, Debug, Default)]
pub struct CleanArgs {
    /// Remove without asking
    #[arg(short, long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only show
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// The list of what there is, with its size.
pub fn shown(leftovers: &[Leftover]) -> String {
    if leftovers.is_empty() {
        return "nothing to clean\n".to_owned();
    }
    let lines: Vec<(String, String)> = leftovers
        .iter()
        .map(|leftover| {
            let path = plain(&leftover.path);
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
    let there = elsewhere::client(global)?;
    let found = match &there {
        Some(client) => client.leftovers()?,
        None => leftovers(&session::places()?)?,
    };
    let leftovers = found.leftovers;
    report::print_out(&shown(&leftovers))?;
    if leftovers.is_empty() || args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !confirmed()? {
        report::print_out("nothing was removed; ovr clean --yes removes it\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let paths: Vec<String> = leftovers.into_iter().map(|leftover| leftover.path).collect();
    let removed = match &there {
        Some(client) => client.clean(paths)?,
        None => clean(&session::places()?, &paths)?,
    };
    let is_done = removed.errors.is_empty();
    for error in removed.errors {
        report::print(&Diagnostic::from(ErrorBody { error }));
    }
    report::print_out(&format!(
        "removed {} items, {}\n",
        removed.items,
        size(removed.bytes)
    ))?;
    Ok(if is_done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What ended sessions have left here.
pub(super) fn leftovers(places: &Places) -> Result<Leftovers, Diagnostic> {
    let items = disk::inventory(places)?.into_iter();
    let leftovers = items.filter(|item| item.kept.is_none()).map(|item| Leftover {
        path: written(&item),
        bytes: item.bytes,
        what: item.what.words().to_owned(),
    });
    Ok(Leftovers {
        schema: SCHEMA,
        leftovers: leftovers.collect(),
    })
}

/// Removes these here, as far as they are leftovers still.
pub(super) fn clean(places: &Places, paths: &[String]) -> Result<Cleaned, Diagnostic> {
    let mut items = disk::inventory(places)?;
    items.retain(|item| paths.contains(&written(item)));
    let removed = disk::remove(places, &items);
    let errors = removed.errors.iter().map(|error| ErrorBody::from(error).error);
    Ok(Cleaned {
        schema: SCHEMA,
        items: removed.items,
        bytes: removed.bytes,
        errors: errors.collect(),
    })
}

fn written(item: &Item) -> String {
    item.path.display().to_string()
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
    use super::shown;
    use crate::api::messages::Leftover;

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
