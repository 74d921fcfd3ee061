//! What `ovr` starts for itself, without what only a person asks for: a program of a tenth of the size, which the system
//! has loaded and dropped in half the time. One runs for each service. Where it is not installed, `ovr` does its work.

use std::process::ExitCode;

/// As for every command line that cannot be understood.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    ovr::started_by_ovr(std::env::args_os().skip(1)).unwrap_or_else(|| {
        eprintln!("ovr-shim: ovr itself starts this, for each service; for you there is `ovr`");
        ExitCode::from(USAGE)
    })
}
