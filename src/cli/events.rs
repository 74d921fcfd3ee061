//! `ovr events`: what can be typed, and the behaviour. The sentences are `show::events`'.

use super::args::{AnyNames, Example, GlobalArgs};
use super::logs::{Lines, parse_lines};
use super::show::events::sentence;
use super::successor::{End, Successor};
use super::{report, session};
use crate::api::call::{EventCursor, EventsRequest, EventsSince, Framing};
use crate::api::client::Client;
use crate::api::messages::events::{Event, EventKind};
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::{self, Since};
use crate::logs::{ColorChoice, Label, Palette, RenderOptions, Renderer, TimeZone, Tone};
use crate::model::{InstanceId, suggest, time_text};
use clap::Args;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::SystemTime;

pub const EXAMPLES: &[Example] = &[
    ("ovr events", "the last 100 events"),
    ("ovr events -f web", "what happens to web, and what comes"),
    ("ovr events -f --kind exited,failed --json", "for a program"),
];

/// So many are shown where nobody says how many: as many as lines of `ovr logs`.
const DEFAULT_EVENTS: usize = 100;

/// Show what happened in the session
///
/// Changes of state, exits with codes, restarts, probe results, port conflicts, reloads, with sequence numbers
/// (docs/events.md). Without -f the command ends. With -f it goes on over the end of a controller, and misses
/// nothing.
#[derive(Args, Clone, Debug, Default)]
pub struct EventsArgs {
    #[command(flatten)]
    pub target: AnyNames,
    /// Go on with what happens from now on
    #[arg(short, long)]
    pub follow: bool,
    /// Show the last N events, or `all` [default: 100]
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_lines)]
    pub lines: Option<Lines>,
    /// Begin behind a cursor that --json printed, or at a time: 10m, 14:30
    #[arg(long, value_name = "CURSOR", conflicts_with = "lines")]
    pub since: Option<String>,
    /// Show only these kinds, such as exited,failed
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<EventKind>,
    /// Print a JSON object a line, each with its cursor
    #[arg(long)]
    pub json: bool,
}

fn parse_kind(word: &str) -> Result<EventKind, String> {
    EventKind::of_word(word.trim()).ok_or_else(|| {
        let words = EventKind::ALL.iter().map(|kind| kind.as_str());
        match suggest(word, words.clone()) {
            Some(near) => format!("there is no such kind of event; did you mean {near}?"),
            None => format!("the kinds are {}", words.collect::<Vec<_>>().join(", ")),
        }
    })
}

/// Prints what happened, and with `-f` what happens.
pub fn cmd_events(global: &GlobalArgs, args: &EventsArgs) -> Result<ExitCode, Diagnostic> {
    let (entry, client) = session::meet(global)?;
    let successor = Successor::of(entry, &client);
    let (since, not_before_ms) = beginning(args)?;
    let mut request = EventsRequest {
        names: args.target.names.clone(),
        kinds: args.kind.clone(),
        since,
        follow: args.follow,
        framing: Framing::Lines,
    };
    let mut printer = Printer::new(&client, args.json)?;
    let mut stream = client.events(&request)?;
    loop {
        let (mut end, mut last) = (End::Told, None);
        for item in stream {
            let (event, text) = match item {
                Ok(item) => item,
                Err(error) if args.follow => {
                    end = End::of(&error);
                    break;
                }
                Err(error) => return Err(error),
            };
            last = Some(event.event);
            if let Ok(cursor) = event.cursor.parse() {
                request.since = EventsSince::Cursor(cursor);
            }
            if time_text::millis_of(&event.at) >= not_before_ms && !printer.event(&event, &text)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if !args.follow {
            return Ok(ExitCode::SUCCESS);
        }
        // One that has told its end has no successor.
        let next = match last {
            Some(EventKind::SessionEnded) => None,
            Some(_) | None => successor.ask(end, || client.events(&request))?,
        };
        let Some(next) = next else {
            printer.note("the session has ended")?;
            return Ok(ExitCode::SUCCESS);
        };
        printer.note("a new controller has taken over")?;
        stream = next;
    }
}

/// Where the reading begins; and the time before which nothing is shown.
fn beginning(args: &EventsArgs) -> Result<(EventsSince, u64), Diagnostic> {
    let Some(text) = &args.since else {
        let since = match args.lines {
            Some(Lines::All) => EventsSince::Start,
            Some(Lines::Last(count)) => EventsSince::Last(count),
            None => EventsSince::Last(DEFAULT_EVENTS),
        };
        return Ok((since, 0));
    };
    if let Ok(cursor) = text.parse::<EventCursor>() {
        return Ok((EventsSince::Cursor(cursor), 0));
    }
    match store::since(text, SystemTime::now(), &TimeZone::system())? {
        Since::Time(at_ms) => Ok((EventsSince::Start, at_ms)),
        Since::Cursor(_) | Since::Printed(_) => Err(Diagnostic::error(
            Kind::Usage,
            format!("{text:?} is a cursor of ovr logs, not of events"),
        )
        .hint("`ovr events --json` prints the cursor of each event")),
    }
}

/// Prints events to standard output.
struct Printer {
    json: bool,
    labels: Vec<Label>,
    renderer: Renderer,
}

impl Printer {
    fn new(client: &Client, json: bool) -> Result<Self, Diagnostic> {
        let services = if json {
            Vec::new()
        } else {
            client.status()?.services
        };
        let labels: Vec<Label> = (0..)
            .zip(services)
            .map(|(position, service)| Label {
                name: service.name,
                position,
            })
            .collect();
        let is_terminal = std::io::stdout().is_terminal();
        let options = RenderOptions {
            color: ColorChoice::from_environment(|name| std::env::var_os(name), is_terminal),
            timestamps: true,
            zone: TimeZone::system(),
            palette: Palette::default(),
            open_lines: false,
        };
        Ok(Self {
            json,
            renderer: Renderer::new(&labels, options),
            labels,
        })
    }

    /// False if nobody reads any more.
    fn event(&mut self, event: &Event, text: &str) -> Result<bool, Diagnostic> {
        if self.json {
            return report::write_if_read(format!("{text}\n").as_bytes());
        }
        let (tone, words) = sentence(event);
        let mut out = Vec::new();
        // A session's event may name an instance, which its sentence does then.
        match event.state.and(event.instance.as_deref()) {
            Some(name) => {
                let instance = self.place(name);
                self.renderer
                    .event(&mut out, instance, tone, time_text::millis_of(&event.at), &words);
            }
            None => self
                .renderer
                .system(&mut out, tone, time_text::millis_of(&event.at), &words),
        }
        report::write_if_read(&out)
    }

    /// Says something about the stream itself.
    fn note(&mut self, text: &str) -> Result<(), Diagnostic> {
        if self.json {
            report::print_aside(&format!("{text}\n"));
            return Ok(());
        }
        let mut out = Vec::new();
        let now = time_text::epoch_millis(SystemTime::now());
        self.renderer.system(&mut out, Tone::Quiet, now, text);
        report::write_if_read(&out).map(drop)
    }

    /// The instance's place among the labels. One that came with a reload is new to us.
    fn place(&mut self, name: &str) -> InstanceId {
        let known = self.labels.iter().position(|label| label.name == name);
        let index = known.unwrap_or_else(|| {
            self.labels.push(Label {
                name: name.to_owned(),
                position: u32::try_from(self.labels.len()).unwrap_or(u32::MAX),
            });
            self.renderer.set_labels(&self.labels);
            self.labels.len() - 1
        });
        InstanceId(u32::try_from(index).unwrap_or(u32::MAX))
    }
}
