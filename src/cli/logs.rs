//! `ovr logs`: what can be typed, and the behaviour. Which lines are wanted is said here; the files are read by
//! `logs::store`, times are read in `when`, and how lines are printed is in `show::lines`.

use super::args::{AnyNames, Example, GlobalArgs};
use super::following::{Following, Past};
use super::lines::{Printer, Style};
use super::place::Place;
use super::plan::own_environment;
use super::successor::Successor;
use super::{kept, logs_remote, session};
use crate::api::call::OutputRequest;
use crate::api::client::Client;
use crate::api::messages::{LineKind, LogsEnd};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::logs::TimeZone;
use crate::logs::store::{self, Cursor, FoundLine, Query, RunChoice, Since, Summary};
use clap::Args;
use regex::bytes::Regex;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::SystemTime;

pub const EXAMPLES: &[Example] = &[
    ("ovr logs web -n 20", "its last 20 lines, also when it has ended"),
    ("ovr logs -f web worker", "two services, and what comes"),
    ("ovr logs --grep 500 --since 10m", "search in all of them"),
    ("ovr logs web --run -1", "the run before the last one"),
];

/// How many lines are shown where nobody says how many.
pub(super) const DEFAULT_LINES: usize = 100;

/// Show what services printed, also when it is over
///
/// Lines come from files that ovr keeps of every service (docs/logs.md); they survive restarts, crashes and the
/// session. Without -f the command ends. Where --grep finds nothing, it exits with 1.
#[derive(Args, Clone, Debug, Default)]
pub struct LogsArgs {
    #[command(flatten)]
    pub target: AnyNames,
    /// Go on with what is printed from now on
    #[arg(short, long)]
    pub follow: bool,
    /// Show the last N lines, or `all` [default: 100]
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_lines)]
    pub lines: Option<Lines>,
    /// Begin at 10m (ago), 14:30, a date, or a cursor of --json
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// End there
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    pub until: Option<String>,
    /// Show lines that match this regular expression
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    /// Show N lines around each match
    #[arg(short = 'C', long, value_name = "N", default_value_t = 0, requires = "grep")]
    pub context: usize,
    /// Print the newest first
    #[arg(short, long, conflicts_with = "follow")]
    pub reverse: bool,
    /// Show one run: `last`, -1 (the one before), or its number
    #[arg(
        long,
        value_name = "RUN",
        allow_hyphen_values = true,
        conflicts_with = "follow"
    )]
    pub run: Option<RunChoice>,
    /// Print a JSON object a line, and a cursor at the end
    #[arg(long)]
    pub json: bool,
    /// Print the text alone: no prefix, no colour
    #[arg(long, conflicts_with = "json")]
    pub plain: bool,
    /// Leave out the service's name before each line
    #[arg(long, hide_short_help = true)]
    pub no_prefix: bool,
    /// Begin each line with its time
    #[arg(short = 'T', long, hide_short_help = true)]
    pub timestamps: bool,
    /// Keep to so many bytes of text, the newest
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub max_bytes: Option<usize>,
}

/// How many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    All,
    Last(usize),
}

pub(super) fn parse_lines(text: &str) -> Result<Lines, String> {
    match text {
        "all" => Ok(Lines::All),
        text => text
            .parse()
            .map(Lines::Last)
            .map_err(|_| "write a number, or all".to_owned()),
    }
}

/// Prints what was asked for.
pub fn cmd_logs(global: &GlobalArgs, args: &LogsArgs) -> Result<ExitCode, Diagnostic> {
    if let Place::Tcp(address) = Place::of(global, &own_environment)? {
        return logs_remote::show(&session::remote(global, address)?, args);
    }
    let kept = kept::find(global)?;
    let chosen = kept.choose(&args.target.names)?;
    let query = query(args, &kept, &chosen)?;
    let mut printer = Printer::new(&kept.labels(), style(args)).marking(query.grep.clone());
    let from_memory = is_simple(args, &query);
    match &kept.client {
        Some(client) if args.follow => return follow(&kept, client, args, &query, printer, from_memory),
        None if args.follow => return Err(kept.not_running()),
        // The session has the last lines in memory, with their colours and with what is not ended yet.
        Some(client) if from_memory => {
            let request = request(args, &chosen, query.last, false);
            if print_last(client, args, request, &mut printer)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        Some(_) | None => {}
    }
    let summary = print_found(&kept, &query, args.reverse, &mut printer)?;
    if summary.lines == 0
        && !args.json
        && let Some(nothing) = why_nothing(args, &kept, &chosen)
    {
        return Err(nothing);
    }
    if args.json {
        printer.cursor(&LogsEnd {
            cursor: summary.cursor.to_string(),
            cut: summary.cut,
            more: summary.more,
            printed: None,
        })?;
    } else if summary.more {
        printer.note("… more follows; --json prints the cursor to go on from")?;
    }
    Ok(ExitCode::from(if args.grep.is_some() && summary.matches == 0 {
        exit_code::FAILURE
    } else {
        exit_code::OK
    }))
}

pub(super) fn style(args: &LogsArgs) -> Style {
    Style {
        json: args.json,
        plain: args.plain,
        prefix: !args.no_prefix && !args.plain,
        marks_cuts: args.max_bytes.is_some() && !args.json,
        timestamps: args.timestamps && !args.plain,
        groups: args.context > 0,
    }
}

/// Whether the lines that the session has in memory are all that is asked for.
fn is_simple(args: &LogsArgs, query: &Query) -> bool {
    let filtered = query.since.is_some()
        || query.until_ms.is_some()
        || query.grep.is_some()
        || query.run.is_some()
        || query.max_bytes.is_some()
        || args.reverse;
    !filtered && !args.json && query.last.is_some_and(|last| last <= kept::IN_MEMORY)
}

/// Prints the last lines that the session has in memory. False if --plain has left out so much of these that the files
/// may have more.
pub(super) fn print_last(
    client: &Client,
    args: &LogsArgs,
    mut request: OutputRequest,
    printer: &mut Printer,
) -> Result<bool, Diagnostic> {
    let count = request.lines;
    if args.plain {
        request.lines = kept::IN_MEMORY;
    }
    let (mut last, mut seen) = (VecDeque::new(), 0);
    for line in client.output(&request)? {
        let line = line?;
        seen += 1;
        if args.plain && !matches!(line.kind, LineKind::Output | LineKind::Open) {
            continue;
        }
        last.push_back(line);
        if last.len() > count {
            last.pop_front();
        }
    }
    if args.plain && last.len() < count && seen >= kept::IN_MEMORY {
        return Ok(false);
    }
    last.iter().try_for_each(|line| printer.kept(line))?;
    printer.finish()?;
    Ok(true)
}

/// Prints what is in the files. Only what must be known whole before its first line can be printed is held in
/// memory: there may be more than fits.
fn print_found(
    kept: &kept::Kept,
    query: &Query,
    reverse: bool,
    printer: &mut Printer,
) -> Result<Summary, Diagnostic> {
    kept.sync()?;
    let mut printed = Ok(());
    let mut print = |printer: &mut Printer, line: &FoundLine| {
        printed = printer.found(line);
        if printed.is_ok() && printer.is_read() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let summary = if reverse || query.max_bytes.is_some() {
        query.run().map(|found| {
            let found = if reverse { found.newest_first() } else { found };
            let oldest = found.lines.front().map_or(0, |line| line.at_ms);
            printer.cut(found.summary.cut, oldest);
            let _unread = found.lines.iter().try_for_each(|line| print(printer, line));
            found.summary
        })
    } else {
        query.each(|line| print(printer, &line))
    };
    printed?;
    printer.flush()?;
    summary.map_err(|error| kept::unreadable(&query.dir, &error))
}

/// The place that `text` means, now and by this machine's clock.
pub(super) fn since(text: &str) -> Result<Since, Diagnostic> {
    store::since(text, SystemTime::now(), &TimeZone::system())
}

fn query(args: &LogsArgs, kept: &kept::Kept, chosen: &[String]) -> Result<Query, Diagnostic> {
    let mut query = Query::new(kept.dir.clone(), chosen.to_vec());
    query.since = args.since.as_deref().map(since).transpose()?;
    let until = args.until.as_deref();
    query.until_ms = until
        .map(|text| store::until(text, SystemTime::now(), &TimeZone::system()))
        .transpose()?;
    query.grep = args.grep.as_deref().map(expression).transpose()?;
    query.context = args.context;
    query.printed_only = args.plain;
    let status = kept.status().filter(|_| is_unasked(args));
    query.run = args.run.or_else(|| kept::crashed_run(status?, chosen));
    query.max_bytes = args.max_bytes;
    let everything = query.since.is_some() || query.run.is_some() || query.grep.is_some();
    query.last = match args.lines {
        Some(Lines::All) => None,
        Some(Lines::Last(count)) => Some(count),
        None if everything => None,
        None => Some(DEFAULT_LINES),
    };
    Ok(query)
}

/// Whether nothing is said but names.
pub(super) fn is_unasked(args: &LogsArgs) -> bool {
    args.lines.is_none()
        && args.since.is_none()
        && args.until.is_none()
        && args.grep.is_none()
        && !args.follow
        && !args.target.names.is_empty()
}

/// Why there is nothing to show, where that is no answer in itself.
fn why_nothing(args: &LogsArgs, kept: &kept::Kept, chosen: &[String]) -> Option<Diagnostic> {
    let names = chosen.join(", ");
    if let Some(run) = args.run {
        return Some(no_such_run(run, &names));
    }
    let asks = args.since.is_some() || args.until.is_some() || args.grep.is_some() || args.follow;
    if asks || kept.client.is_some() {
        return None;
    }
    let nothing = Diagnostic::error(Kind::NotRunning, format!("nothing that {names} printed is kept"));
    Some(nothing.hint("start it: ovr start"))
}

/// Services of these names have no such run.
pub(super) fn no_such_run(run: RunChoice, names: &str) -> Diagnostic {
    let which = match run {
        RunChoice::Number(run) => format!("run {}", run.0),
        RunChoice::Back(0) => "run".to_owned(),
        RunChoice::Back(back) => format!("run -{back}"),
    };
    Diagnostic::error(Kind::Usage, format!("no {which} of {names} is kept"))
        .hint("`--run last` is the last one, `ovr logs -n all NAME` shows all that are kept")
}

pub(super) fn expression(text: &str) -> Result<Regex, Diagnostic> {
    Regex::new(text).map_err(|error| {
        let why = error.to_string();
        let why = why
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Diagnostic::error(Kind::Usage, format!("--grep: {text:?} is no regular expression"))
            .cause(why)
            .hint("a backslash before one of .+*?()[]{}|^$\\ takes its meaning away")
    })
}

pub(super) fn request(
    args: &LogsArgs,
    chosen: &[String],
    lines: Option<usize>,
    follow: bool,
) -> OutputRequest {
    OutputRequest {
        names: chosen.to_vec(),
        lines: lines.unwrap_or(kept::IN_MEMORY),
        follow,
        // What is searched is the text, not its colours.
        color: !args.plain && !args.json && args.grep.is_none(),
        ..OutputRequest::default()
    }
}

/// Goes on with what is printed from now on, over restarts of services and of the controller.
fn follow(
    kept: &kept::Kept,
    client: &Client,
    args: &LogsArgs,
    query: &Query,
    mut printer: Printer,
    from_memory: bool,
) -> Result<ExitCode, Diagnostic> {
    let past = Files { kept, query };
    // Without files, the lines in memory are all that there is to follow from.
    let has_files = !from_memory || client.sync_logs()?.dir.is_some();
    // In memory they are counted with ovr's own words, which --plain leaves out.
    let from_memory = from_memory && !(args.plain && has_files);
    let following = Following {
        client,
        successor: Successor::of(kept.entry().cloned(), client),
        request: request(args, &query.instances, query.last, true),
        from_memory,
        past: has_files.then_some(&past),
        grep: query.grep.clone(),
    };
    following.run(&mut printer)
}

/// What was printed before, from the files of this machine.
struct Files<'a> {
    kept: &'a kept::Kept,
    query: &'a Query,
}

impl Past for Files<'_> {
    fn print(&self, printed: Option<&Cursor>, printer: &mut Printer) -> Result<Cursor, Diagnostic> {
        let behind = printed.map(|printed| Query {
            since: Some(Since::Printed(printed.clone())),
            grep: self.query.grep.clone(),
            ..Query::new(self.query.dir.clone(), self.query.instances.clone())
        });
        let query = behind.as_ref().unwrap_or(self.query);
        Ok(print_found(self.kept, query, false, printer)?.printed)
    }
}
