//! `ovr man`: the manual pages, made by `reference`.

use super::args::{Example, GlobalArgs};
use super::reference::manual_pages;
use super::report::print_out;
use crate::diag::{Diagnostic, Kind as ErrorKind};
use clap::{Args, ValueHint};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr man | man -l -", "read it"),
    (
        "ovr man --dir ~/.local/share/man/man1",
        "then `man ovr-start` works",
    ),
];

/// Print the manual page, or write all of them
#[derive(Args, Clone, Debug, Default)]
pub struct ManArgs {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Prints ovr(1), or writes every page into a directory, which is made if it is not there.
pub fn cmd_man(_global: &GlobalArgs, args: &ManArgs) -> Result<ExitCode, Diagnostic> {
    let pages = manual_pages();
    match &args.dir {
        Some(dir) => write_pages(dir, &pages)?,
        None => print_out(&pages[0].1)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write_pages(dir: &Path, pages: &[(String, String)]) -> Result<(), Diagnostic> {
    let failed = |path: &Path, error: std::io::Error| {
        Diagnostic::error(
            ErrorKind::System,
            format!("cannot write {}: {error}", path.display()),
        )
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    for (name, text) in pages {
        let path = dir.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
