//! The `ovr` program: hands the command line to `ovr::cli` and leaves with its exit code. What `ovr` starts for itself
//! goes its own way before any of that is touched. Nothing else lives here.

use std::process::ExitCode;

fn main() -> ExitCode {
    ovr::started_by_ovr(std::env::args_os().skip(1)).map_or_else(ovr::cli::main, ExitCode::from)
}
