//! `ovr echo`: what can be typed, and the behaviour.

use super::args::{AnyNames, Example, GlobalArgs};
use super::{report, session};
use crate::api::call::OutputRequest;
use crate::api::messages::{LineKind, OutputLine};
use crate::diag::Diagnostic;
use crate::logs::{ColorChoice, Label, Palette, RenderOptions, Renderer, Tone};
use crate::model::{InstanceId, time_text};
use clap::Args;
use std::io::IsTerminal;
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
    let (_, client) = session::find(global)?;
    let labels: Vec<Label> = client
        .status()?
        .services
        .iter()
        .enumerate()
        .map(|(index, service)| Label {
            name: service.name.clone(),
            position: index_of(index),
        })
        .collect();
    let color = ColorChoice::from_environment(|name| std::env::var_os(name), std::io::stdout().is_terminal());
    let options = RenderOptions {
        color,
        timestamps: false,
        utc_offset_s: super::background::utc_offset_s(),
        palette: Palette::default(),
        open_lines: std::io::stdout().is_terminal(),
    };
    let mut view = View {
        renderer: Renderer::new(&labels, options),
        labels,
        rendered: Vec::new(),
    };
    let lines = client.output(&OutputRequest {
        names: args.target.names.clone(),
        lines: args.lines,
        follow: true,
        color: color.is_on(),
    })?;
    for line in lines {
        view.show(&line?)?;
    }
    report::print_out("the session has ended\n")?;
    Ok(ExitCode::SUCCESS)
}

fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The stream as the console shows it.
struct View {
    renderer: Renderer,
    labels: Vec<Label>,
    rendered: Vec<u8>,
}

impl View {
    /// Whose line it is. A service that came after this began gets a name of its own, never another's.
    fn place(&mut self, line: &OutputLine) -> u32 {
        let known = self.labels.iter().position(|label| label.name == line.name);
        // What is said of the stream itself has no name, and is printed without one.
        if known.is_none() && !line.name.is_empty() {
            self.labels.push(Label {
                name: line.name.clone(),
                position: line.position,
            });
            self.renderer.set_labels(&self.labels);
            return index_of(self.labels.len() - 1);
        }
        known.map_or(0, index_of)
    }

    fn show(&mut self, line: &OutputLine) -> Result<(), Diagnostic> {
        let at_ms = time_text::parse_rfc3339(&line.at).map_or(0, time_text::epoch_millis);
        let index = self.place(line);
        let (instance, out) = (InstanceId(index), &mut self.rendered);
        match line.kind {
            LineKind::Output => self.renderer.output(out, instance, at_ms, line.text.as_bytes()),
            LineKind::Open => {
                self.renderer.open(out, instance, at_ms, line.text.as_bytes());
            }
            LineKind::Event => self
                .renderer
                .event(out, instance, Tone::Normal, at_ms, &line.text),
            LineKind::Gap => {
                let text = format!("… {} lines dropped: this terminal is too slow", line.text);
                self.renderer.system(out, Tone::Alarm, at_ms, &text);
            }
        }
        let shown = report::write_out(out);
        out.clear();
        shown
    }
}
