//! The `ovr` program: hands the command line to `ovr::cli` and leaves with its exit code. A pane's process
//! (`ovr shim …`) goes its own way before any of that is touched, to start fast and stay small. Nothing else
//! lives here.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == "shim") {
        return ovr::shim::main_from(args);
    }
    ovr::cli::main()
}
