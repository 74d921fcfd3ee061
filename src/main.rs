//! The `ovr` program: hands the command line to `ovr::cli` and leaves with its exit code. A pane's process
//! (`ovr shim …`), the helper that hands a pane's pipe over (`ovr lane …`) and the parent of a command that somebody
//! elsewhere has asked for (`ovr errand …`) go their own way before any of that is touched, to start fast and stay
//! small. Nothing else lives here.

use ovr::shim::errand;
use ovr::tmux::lane;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next();
    if first.as_ref().is_some_and(|first| first == "shim") {
        return ovr::shim::main_from(args);
    }
    if first.as_ref().is_some_and(|first| first == lane::SUBCOMMAND) {
        return lane::main_from(args);
    }
    if first.is_some_and(|first| first == errand::SUBCOMMAND) {
        return errand::main_from(args);
    }
    ovr::cli::main()
}
