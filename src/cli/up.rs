//! `ovr up`: what can be typed, and the behaviour.

use super::args::{Example, GlobalArgs};
use super::complete::{self, Kind};
use super::place::Place;
use super::plan::{self, Here, own_environment};
use super::start::StartArgs;
use super::{beside, launch, reload, report, session, show, style, values};
use crate::api::call::Verb;
use crate::api::client::Client;
use crate::api::messages::{LineKind, Request, Service, Wait};
use crate::api::{OutputRequest, Peer};
use crate::diag::{self, Diagnostic, exit_code};
use crate::model::StateWord;
use crate::workspace::session::Life;
use crate::workspace::{Located, SessionInfo, locate};
use clap::{Args, ValueHint};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub const EXAMPLES: &[Example] = &[
    ("ovr up -D", "in the background; twice changes nothing"),
    ("ovr up --wait --timeout 60s", "return when all are ready"),
    ("ovr up --wait api", "just api, and what it needs"),
];

/// Start the session, or bring it up to date
///
/// Without a session, starts one, as `ovr start` does. With one, reloads the configuration and starts what should
/// run and does not: what was stopped, failed or was skipped. A task that has ended well is not run again unless
/// it is named. Doing it twice changes nothing.
#[derive(Args, Clone, Debug, Default)]
pub struct UpArgs {
    /// Bring up just these, and what they need
    #[arg(value_name = "NAME", add = complete::names(Kind::Startable))]
    pub names: Vec<String>,
    /// Run the session in the background
    #[arg(short = 'D', long)]
    pub daemonize: bool,
    /// Return when all are ready, or fail with the one that is not (implies -D)
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this, such as 60s or 2m
    #[arg(long, value_name = "TIME", requires = "wait")]
    pub timeout: Option<String>,
    /// Read this Procfile or YAML; one more is laid over the first
    #[arg(short = 'f', long, visible_alias = "config", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub procfile: Vec<String>,
    /// Take this directory as the project's root
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<String>,
    /// Read variables from this file as well, as if OVR_ENV named it
    #[arg(short = 'e', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env: Vec<String>,
    /// Bring up the services of this profile of the configuration, and what they need
    #[arg(long, value_name = "NAMES", add = complete::profiles())]
    pub profile: Vec<String>,
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, hide_short_help = true, help = "Publish events to this NATS server, and serve requests there [OVR_PUBLISH]")]
    pub publish: Option<String>,
    /// The session's own half of a start in the background.
    #[arg(long, hide = true)]
    pub background: bool,
    /// That half takes over a running session.
    #[arg(long, hide = true)]
    pub take_over: bool,
}

impl UpArgs {
    fn as_start(&self) -> StartArgs {
        StartArgs {
            names: self.names.clone(),
            procfile: self.procfile.clone(),
            root: self.root.clone(),
            env: self.env.clone(),
            profile: self.profile.clone(),
            daemonize: (self.daemonize || self.wait).then_some(true),
            background: self.background,
            take_over: self.take_over,
            publish: self.publish.clone(),
            ..StartArgs::default()
        }
    }
}

/// Starts the session or reconciles it, and waits if asked to.
pub fn cmd_up(global: &GlobalArgs, args: &UpArgs) -> Result<ExitCode, Diagnostic> {
    let timeout = args.timeout.as_deref().map(parse_timeout).transpose()?;
    let here = Here::look()?;
    let client = if args.background {
        None
    } else {
        running(global, &here)?
    };
    let begun = client.as_ref().and_then(|(_, begun)| begun.as_ref());
    let members = match plan::services_of_profiles(&here, &beside::of_session(begun, &args.as_start())) {
        Ok(members) => members,
        Err(problems) => return Ok(report::report_all(&problems)),
    };
    let names = [args.names.as_slice(), members.as_slice()].concat();
    let code = match client {
        Some((client, begun)) => {
            tell_unheeded(args, begun.as_ref());
            reconcile(&client, args, &names)?
        }
        None => launch::cmd_start(global, &args.as_start())?,
    };
    if !args.wait || args.background {
        return Ok(code);
    }
    let client = session::reach(global)?;
    tell_meanwhile(client.peer().clone(), names.clone());
    wait(&client, &names, timeout)
}

/// The session that is to be brought up to date, if it runs, and how it began, where that is known.
fn running(global: &GlobalArgs, here: &Here) -> Result<Option<(Client, Option<SessionInfo>)>, Diagnostic> {
    let place = Place::of(global, &own_environment)?;
    if let Place::Tcp(address) = place {
        let client = session::remote(global, address)?;
        return match client.status() {
            Ok(_) => Ok(Some((client, None))),
            Err(error) if error.kind == diag::Kind::NotRunning => Ok(None),
            Err(error) => Err(error),
        };
    }
    Ok(
        match locate::locate(&here.places, &here.cwd, place.local("up")?) {
            Ok(Located::Session(entry)) if entry.life == Life::Alive => {
                Some((session::client(&entry), entry.info))
            }
            _ => None,
        },
    )
}

/// Says which options a session that runs already does not heed: those that hold from a session's start, where it
/// was not started with them.
fn tell_unheeded(args: &UpArgs, begun: Option<&SessionInfo>) {
    let files = |flag: &'static str, values: &[String]| {
        let values = values.iter().filter(|value| !began_with(begun, value));
        values.map(move |value| (flag, value.clone())).collect::<Vec<_>>()
    };
    let mut unheeded = files("-f", &args.procfile);
    unheeded.extend(files("-e", &args.env));
    unheeded.extend(args.publish.iter().map(|_| ("--publish", "URL".to_owned())));
    for (flag, value) in unheeded {
        let text = format!("the session runs already, so {flag} {value} changes nothing");
        let told = Diagnostic::warning(diag::Kind::Usage, text);
        report::print(&told.hint(format!(
            "it holds from a session's start: ovr quit, then ovr up {flag} {value}"
        )));
    }
}

/// Whether this file was named when the session was started, or is its configuration.
fn began_with(begun: Option<&SessionInfo>, file: &str) -> bool {
    begun.is_some_and(|info| {
        let named = info.arguments.iter().any(|word| {
            let value = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
            let glued = word.strip_prefix("-e").or_else(|| word.strip_prefix("-f"));
            value == file || glued == Some(file)
        });
        let config = Path::new(&info.root).join(&info.config);
        let is_config = match (std::fs::canonicalize(file), std::fs::canonicalize(config)) {
            (Ok(file), Ok(config)) => file == config,
            (Err(_), _) | (_, Err(_)) => false,
        };
        named || is_config
    })
}

/// The session has what the files say, and everything runs that should.
fn reconcile(client: &Client, args: &UpArgs, names: &[String]) -> Result<ExitCode, Diagnostic> {
    let reloaded = client.reload()?;
    if !reloaded.changes.is_empty() {
        reload::print(&reloaded)?;
    }
    let names = if names.is_empty() {
        let services = client.status()?.services;
        services
            .iter()
            .filter(|service| is_amiss(service))
            .map(|service| service.name.clone())
            .collect()
    } else {
        names.to_vec()
    };
    if names.is_empty() {
        if reloaded.changes.is_empty() {
            report::print_out("everything is up\n")?;
        }
        return Ok(reload::code_of(&reloaded));
    }
    let request = Request {
        names,
        no_wait: args.wait,
        ..Request::default()
    };
    let results = client.action(Verb::Start, &request)?;
    if !args.wait {
        session::print_results(&results)?;
    }
    Ok(session::code_of(&results))
}

/// Whether it should run and does not. What was left out at the start and what is done is as it should be.
pub(super) fn is_amiss(service: &Service) -> bool {
    match service.state {
        StateWord::Stopping | StateWord::Stopped | StateWord::Failed | StateWord::Skipped => true,
        StateWord::Disabled
        | StateWord::Scheduled
        | StateWord::Pending
        | StateWord::Starting
        | StateWord::Running
        | StateWord::Daemonized
        | StateWord::Restarting
        | StateWord::Backoff
        | StateWord::Exited => false,
    }
}

/// Waits until all are ready, or one cannot become so.
fn wait(client: &Client, names: &[String], timeout: Option<Duration>) -> Result<ExitCode, Diagnostic> {
    let results = client.wait(&Wait {
        names: names.to_vec(),
        timeout_ms: timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
        ..Wait::default()
    })?;
    let mut unready = results.clone();
    unready.results.retain(|result| !result.outcome.is_success());
    if unready.results.is_empty() {
        let count = results.results.len();
        let services = if count == 1 { "service is" } else { "services are" };
        report::print_out(&format!("{count} {services} ready\n"))?;
        return Ok(ExitCode::from(exit_code::OK));
    }
    report::print_out(&show::results::results(&unready, style::Paint::for_stdout()))?;
    Ok(ExitCode::from(exit_code::SERVICE_FAILED))
}

/// Prints what is said about services, as it is said. The thread ends with this process.
pub(super) fn tell_meanwhile(peer: Peer, names: Vec<String>) {
    let request = OutputRequest {
        names,
        lines: 0,
        follow: true,
        color: false,
        ..OutputRequest::default()
    };
    // Without it the wait is as long, and silent.
    drop(std::thread::Builder::new().spawn(move || {
        let Ok(lines) = Client::of(peer).output(&request) else {
            return;
        };
        for line in lines.flatten().filter(|line| line.kind == LineKind::Event) {
            report::print_aside(&format!(
                "{} {}\n",
                style::plain(&line.name),
                style::plain(&line.text)
            ));
        }
    }));
}

pub(super) fn parse_timeout(text: &str) -> Result<Duration, Diagnostic> {
    values::duration(text)
        .map_err(|why| Diagnostic::error(diag::Kind::Usage, format!("--timeout: {text:?} {why}")))
}
