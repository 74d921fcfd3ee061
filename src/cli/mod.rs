//! The command line: clap types, one file a command, printing, completions. The only room that prints or exits.

use std::process::ExitCode;

/// Runs the command line of this process and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
