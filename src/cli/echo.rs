//! `ovr echo`: what can be typed, and the behaviour.

use super::args::{AnyNames, Example, GlobalArgs};
use super::following::Following;
use super::lines::{Printer, Style};
use super::logs_remote::Kept;
use super::session;
use super::successor::Successor;
use crate::api::call::{LogsRequest, OutputRequest};
use crate::diag::Diagnostic;
use crate::logs::Label;
use clap::Args;
use std::process::ExitCode;

pub const EXAMPLES: &[Example] = &[
    ("ovr echo", "the last 100 lines, then what comes"),
    (
        "ovr echo -n 20 web worker",
        "two services, from their last 20 lines on",
    ),
];

/// Follow the output of all services or some
///
/// Ctrl-C ends the following and nothing else.
#[derive(Args, Clone, Debug)]
pub struct EchoArgs {
    #[command(flatten)]
    pub target: AnyNames,
    /// Begin with so many earlier lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub lines: usize,
}

/// Prints the merged output until it is interrupted or the session ends.
pub fn cmd_echo(global: &GlobalArgs, args: &EchoArgs) -> Result<ExitCode, Diagnostic> {
    let (entry, client) = session::meet(global)?;
    let labels: Vec<Label> = (0..)
        .zip(client.status()?.services)
        .map(|(position, service)| Label {
            name: service.name,
            position,
        })
        .collect();
    let mut printer = Printer::new(
        &labels,
        Style {
            json: false,
            plain: false,
            prefix: true,
            marks_cuts: false,
            timestamps: false,
            groups: false,
        },
    );
    let kept = Kept {
        client: &client,
        request: LogsRequest {
            names: args.target.names.clone(),
            ..LogsRequest::default()
        },
        grep: None,
    };
    let has_files = client.sync_logs()?.dir.is_some();
    let following = Following {
        client: &client,
        successor: Successor::of(entry, &client),
        request: OutputRequest {
            names: args.target.names.clone(),
            lines: args.lines,
            follow: true,
            color: printer.is_coloured(),
            ..OutputRequest::default()
        },
        from_memory: true,
        past: has_files.then_some(&kept),
        grep: None,
    };
    following.run(&mut printer)
}
