//! `ovr logs` where the session is on TCP: its files are out of reach, so that it is asked for their lines.

use super::following::{Following, Past};
use super::kept;
use super::lines::Printer;
use super::logs::{self, Lines, LogsArgs};
use super::successor::Successor;
use crate::api::call::LogsRequest;
use crate::api::client::Client;
use crate::api::kept::KeptLine;
use crate::api::messages::{LineKind, LogsEnd, OutputLine, Status};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::logs::store::{self, Cursor, RunChoice, Since};
use crate::logs::{Label, TimeZone};
use crate::model::{InstanceName, select, time_text};
use regex::bytes::Regex;
use std::process::ExitCode;

/// Before every line, and no cursor: a bound in bytes keeps the newest then.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// Prints what was asked for.
pub(super) fn show(client: &Client, args: &LogsArgs) -> Result<ExitCode, Diagnostic> {
    let status = client.status()?;
    let grep = args.grep.as_deref().map(logs::expression).transpose()?;
    let mut printer = Printer::new(&labels(&status), logs::style(args)).marking(grep.clone());
    let request = request(args, &status)?;
    let from_memory = is_in_memory(args, &request);
    if args.follow {
        let past = Kept {
            client,
            request,
            grep: grep.as_ref(),
        };
        return follow(client, args, &past, from_memory, &mut printer);
    }
    if from_memory {
        let wanted = logs::request(args, &args.target.names, request.lines, false);
        if logs::print_last(client, args, wanted, &mut printer)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
    let holds = args.reverse || args.max_bytes.is_some();
    let mut answer = Answer::default();
    answer.print(client, &request, grep.as_ref(), holds, &mut printer)?;
    answer.print_held(args.reverse, &mut printer)?;
    if !printer.is_read() {
        return Ok(ExitCode::SUCCESS);
    }
    let end = answer.end()?;
    if answer.lines == 0
        && !args.json
        && let Some(run) = args.run
    {
        return Err(logs::no_such_run(run, &args.target.names.join(", ")));
    }
    if args.json {
        printer.cursor(&LogsEnd {
            printed: None,
            ..end.clone()
        })?;
    } else if end.more {
        printer.note("… more follows; --json prints the cursor to go on from")?;
    }
    Ok(ExitCode::from(if args.grep.is_some() && answer.matches == 0 {
        exit_code::FAILURE
    } else {
        exit_code::OK
    }))
}

/// Goes on with what is printed from now on, as on the session's own machine.
fn follow(
    client: &Client,
    args: &LogsArgs,
    past: &Kept<'_>,
    from_memory: bool,
    printer: &mut Printer,
) -> Result<ExitCode, Diagnostic> {
    let has_files = !from_memory || client.sync_logs()?.dir.is_some();
    let from_memory = from_memory && !(args.plain && has_files);
    let following = Following {
        client,
        successor: Successor::of(None, client),
        request: logs::request(args, &args.target.names, past.request.lines, true),
        from_memory,
        past: has_files.then_some(past),
        grep: past.grep.cloned(),
    };
    following.run(printer)
}

/// What was printed before, as the session has kept it.
pub(super) struct Kept<'a> {
    pub(super) client: &'a Client,
    /// What is asked for at first; it ends.
    pub(super) request: LogsRequest,
    pub(super) grep: Option<&'a Regex>,
}

impl Past for Kept<'_> {
    fn print(&self, printed: Option<&Cursor>, printer: &mut Printer) -> Result<Cursor, Diagnostic> {
        let behind = printed.map(|printed| LogsRequest {
            names: self.request.names.clone(),
            since: Some(printed.printed_text()),
            grep: self.request.grep.clone(),
            ..LogsRequest::default()
        });
        let request = behind.as_ref().unwrap_or(&self.request);
        let mut answer = Answer::default();
        let holds = request.max_bytes.is_some();
        answer.print(self.client, request, self.grep, holds, printer)?;
        answer.print_held(false, printer)?;
        // A reader that has gone gets no end, and wants none.
        let come = answer.end.and_then(|end| end.printed);
        let come = come.as_deref().and_then(Cursor::parse_printed);
        Ok(come.or_else(|| printed.cloned()).unwrap_or_default())
    }
}

fn labels(status: &Status) -> Vec<Label> {
    let label = |(position, service): (u32, &crate::api::messages::Service)| Label {
        name: service.name.clone(),
        position,
    };
    (0..).zip(&status.services).map(label).collect()
}

/// Whether the lines that the session has in memory, with their colours, are all that is asked for.
fn is_in_memory(args: &LogsArgs, request: &LogsRequest) -> bool {
    let filtered = request.since.is_some()
        || request.until.is_some()
        || request.grep.is_some()
        || request.run.is_some()
        || request.max_bytes.is_some()
        || args.reverse;
    !filtered && !args.json && request.lines.is_some_and(|last| last <= kept::IN_MEMORY)
}

fn request(args: &LogsArgs, status: &Status) -> Result<LogsRequest, Diagnostic> {
    let last = || logs::is_unasked(args).then(|| crashed(status, &args.target.names));
    let run = args.run.or_else(|| last().flatten());
    let mut request = LogsRequest {
        names: args.target.names.clone(),
        since: args.since.as_deref().map(moment).transpose()?,
        until: args.until.as_deref().map(moment).transpose()?,
        grep: args.grep.clone(),
        context: args.context,
        run: run.map(run_text),
        max_bytes: args.max_bytes,
        printed: args.plain,
        ..LogsRequest::default()
    };
    let asks = request.since.is_some() || request.run.is_some() || request.grep.is_some();
    match args.lines {
        Some(Lines::Last(count)) => request.lines = Some(count),
        Some(Lines::All) if !asks => request.since = Some(BEGINNING.to_owned()),
        None if !asks => request.lines = Some(logs::DEFAULT_LINES),
        Some(Lines::All) | None => {}
    }
    Ok(request)
}

/// A run as it can be sent.
pub(super) fn run_text(run: RunChoice) -> String {
    match run {
        RunChoice::Back(0) => "last".to_owned(),
        RunChoice::Back(back) => format!("-{back}"),
        RunChoice::Number(run) => run.0.to_string(),
    }
}

/// A time as it can be sent: what is said by this machine's zone must not be read by another's.
pub(super) fn moment(text: &str) -> Result<String, Diagnostic> {
    let now = std::time::SystemTime::now();
    let here = store::since(text, now, &TimeZone::system())?;
    // How long ago, a time with its zone, a cursor: the same everywhere.
    if !store::is_of_the_zone(text, now) {
        return Ok(text.to_owned());
    }
    Ok(match here {
        Since::Time(at_ms) => time_text::rfc3339(time_text::from_epoch_millis(at_ms)),
        Since::Cursor(cursor) => cursor.to_string(),
        Since::Printed(cursor) => cursor.printed_text(),
    })
}

/// The instances of the session that `names` mean; none where one is known to its files alone.
pub(super) fn chosen(status: &Status, names: &[String]) -> Vec<String> {
    let services = &status.services;
    let known: Vec<InstanceName> = services.iter().filter_map(|one| one.name.parse().ok()).collect();
    let chosen = select(names, &known).unwrap_or_default();
    chosen.into_iter().map(|index| known[index].to_string()).collect()
}

/// Of services that have crashed, where nothing else is asked for, the run that did.
pub(super) fn crashed(status: &Status, names: &[String]) -> Option<RunChoice> {
    let chosen = chosen(status, names);
    kept::crashed_run(status, &chosen).filter(|_| !chosen.is_empty())
}

/// What has come.
#[derive(Default)]
struct Answer {
    lines: usize,
    matches: usize,
    end: Option<LogsEnd>,
    /// Lines that cannot be printed before the last one is known.
    held: Vec<OutputLine>,
}

impl Answer {
    /// Prints lines as they come, or holds them.
    fn print(
        &mut self,
        client: &Client,
        request: &LogsRequest,
        grep: Option<&Regex>,
        holds: bool,
        printer: &mut Printer,
    ) -> Result<(), Diagnostic> {
        for line in client.logs(request)? {
            match line? {
                KeptLine::Line(line) => {
                    self.lines += 1;
                    let is_match = grep.is_some_and(|grep| grep.is_match(line.text.as_bytes()));
                    self.matches += usize::from(is_match && line.kind == LineKind::Output);
                    if holds {
                        self.held.push(line);
                    } else {
                        printer.kept(&line)?;
                    }
                }
                KeptLine::End(end) => self.end = Some(end),
                KeptLine::Failed(error) => return Err(error.into()),
            }
            if !printer.is_read() {
                return Ok(());
            }
        }
        printer.flush()
    }

    fn print_held(&mut self, reverse: bool, printer: &mut Printer) -> Result<(), Diagnostic> {
        if let (Some(end), Some(oldest)) = (&self.end, self.held.first()) {
            let at_ms = time_text::millis_of(&oldest.at);
            printer.cut(end.cut, at_ms);
        }
        if reverse {
            // A match keeps its neighbours around it, in the order in which they are read.
            if self.held.iter().any(|line| line.group.is_some()) {
                self.held.sort_by_key(|line| std::cmp::Reverse(line.group));
            } else {
                self.held.reverse();
            }
        }
        self.held.iter().try_for_each(|line| printer.kept(line))?;
        printer.flush()
    }

    fn end(&self) -> Result<&LogsEnd, Diagnostic> {
        self.end.as_ref().ok_or_else(|| {
            Diagnostic::error(Kind::NotRunning, "the session ended before it had told all")
                .hint("what it keeps can be read on the machine that it ran on")
        })
    }
}
