//! `ovr status --watch`: one frame for each change, each in one write; every second only where resources are shown.
//! On a terminal an alternate screen, given back as it was; without one, JSON, an object a line.

use super::args::GlobalArgs;
use super::screen::Screen;
use super::status::{StatusArgs, table, within};
use super::successor::{self, End, Successor};
use super::{background, report, session, style};
use crate::api::messages::Status;
use crate::api::{Peer, StatusRequest};
use crate::cli::show::standing::{Clock, Manner};
use crate::diag::{Diagnostic, Kind};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often resources are sampled.
const EVERY: Duration = Duration::from_secs(1);
/// Shares over less time than this jump about.
const LEAST_MS: u64 = 500;

/// What there is to react to.
enum News {
    Status(Box<Status>),
    /// The session has ended, or cannot be asked.
    Over(Option<Diagnostic>),
    Signal(i32),
    Key(u8),
}

/// Shows the status until somebody leaves, or the session ends.
pub(super) fn watch(global: &GlobalArgs, args: &StatusArgs) -> Result<ExitCode, Diagnostic> {
    if !args.json && !std::io::stdout().is_terminal() {
        return Err(Diagnostic::error(
            Kind::NoTerminal,
            "ovr status --watch draws on a terminal, and there is none",
        )
        .hint("`ovr status --watch --json` prints an object a line for each change"));
    }
    let (entry, client) = session::meet(global)?;
    let peer = client.peer().clone();
    let successor = Successor::of(entry, &client);
    let asks = move |tell: &SyncSender<News>| ask_on(&successor, peer, tell);
    // One place: what is not taken is not asked for either.
    let (tell, news) = sync_channel(1);
    let code = if args.json {
        begin(move || asks(&tell))?;
        print_all(&news, global, args)?
    } else {
        hear_signals(&tell)?;
        hear_keys(&tell)?;
        begin(move || asks(&tell))?;
        draw_all(&news, global, args)?
    };
    if let Some(code) = code {
        return Ok(code);
    }
    let mut error = Diagnostic::error(Kind::NotRunning, "the session has ended");
    // It may be too early for that.
    if let Err(how) = session::reach(global) {
        error.causes = how.causes;
    }
    Err(error.hint("`ovr status` says how it ended, `ovr start` starts it again"))
}

/// Tells the status now, and whenever it is another one.
fn ask_on(successor: &Successor, peer: Peer, tell: &SyncSender<News>) {
    let client = successor::client(successor, peer);
    let ask = |after| {
        client.status_as(&StatusRequest {
            resources: false,
            after,
        })
    };
    let (mut after, mut is_ending) = (None, false);
    loop {
        let status = match ask(after) {
            // One that was seen on its way down has no successor.
            Err(error) if error.kind == Kind::NotRunning && is_ending => None,
            Err(error) if error.kind == Kind::NotRunning => {
                successor.ask(End::of(&error), || ask(None)).transpose()
            }
            status => Some(status),
        };
        let news = match status {
            Some(Ok(status)) => {
                after = Some(status.revision);
                is_ending = status.session.ending;
                News::Status(Box::new(status))
            }
            Some(Err(error)) => News::Over(Some(error)),
            None => News::Over(None),
        };
        let is_over = matches!(news, News::Over(_));
        if tell.send(news).is_err() || is_over {
            return;
        }
    }
}

/// A thread that ends with this process.
fn begin(work: impl FnOnce() + Send + 'static) -> Result<(), Diagnostic> {
    let begun = thread::Builder::new().spawn(work);
    begun
        .map(drop)
        .map_err(|error| Diagnostic::error(Kind::System, "cannot begin a thread").cause(error.to_string()))
}

fn hear_signals(tell: &SyncSender<News>) -> Result<(), Diagnostic> {
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH]).map_err(|error| {
            Diagnostic::error(Kind::System, "cannot listen to signals").cause(error.to_string())
        })?;
    let tell = tell.clone();
    begin(move || {
        for signal in signals.forever() {
            if tell.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    })
}

fn hear_keys(tell: &SyncSender<News>) -> Result<(), Diagnostic> {
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    let tell = tell.clone();
    begin(move || {
        let mut key = [0];
        // One at a time, and none behind the one that leaves: it is the shell's.
        while matches!(rustix::io::read(std::io::stdin(), &mut key), Ok(1)) {
            if tell.send(News::Key(key[0])).is_err() || is_leaving(key[0]) {
                return;
            }
        }
    })
}

fn is_leaving(key: u8) -> bool {
    matches!(key, b'q' | b'Q')
}

/// The next thing to react to; `None`: it is time to sample.
fn next(news: &Receiver<News>, sample_at: Option<Instant>) -> Option<News> {
    let over = News::Over(None);
    match sample_at {
        None => Some(news.recv().unwrap_or(over)),
        Some(at) => match news.recv_timeout(at.saturating_duration_since(Instant::now())) {
            Ok(news) => Some(news),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(over),
        },
    }
}

/// A status with resources, right now.
fn sample(global: &GlobalArgs) -> Result<Status, Diagnostic> {
    session::reach(global)?.status_as(&StatusRequest {
        resources: true,
        after: None,
    })
}

/// Prints an object a line. `None`: the session has ended.
fn print_all(
    news: &Receiver<News>,
    global: &GlobalArgs,
    args: &StatusArgs,
) -> Result<Option<ExitCode>, Diagnostic> {
    let mut sample_at = None;
    loop {
        let status = match next(news, sample_at) {
            Some(News::Status(status)) if !args.resources => *status,
            Some(News::Over(None)) => return Ok(None),
            Some(News::Over(Some(error))) => return Err(error),
            // Between two controllers there is nothing to be sampled; the next one's status comes by itself.
            Some(News::Status(status)) => sample(global).unwrap_or(*status),
            Some(News::Signal(_) | News::Key(_)) => continue,
            None => {
                let Ok(status) = sample(global) else {
                    sample_at = None;
                    continue;
                };
                status
            }
        };
        sample_at = args.resources.then(|| Instant::now() + EVERY);
        let status = within(status, &args.groups.namespace)?;
        let mut line = serde_json::to_string(&status).expect("outputs are plain data");
        line.push('\n');
        if !report::write_if_read(line.as_bytes())? {
            return Ok(Some(ExitCode::SUCCESS));
        }
    }
}

/// Draws until somebody leaves. `None`: the session has ended.
fn draw_all(
    news: &Receiver<News>,
    global: &GlobalArgs,
    args: &StatusArgs,
) -> Result<Option<ExitCode>, Diagnostic> {
    let mut screen = Screen::enter();
    let mut shares = Shares::default();
    let mut sample_at = None;
    let mut shown: Option<Status> = None;
    loop {
        let status = match next(news, sample_at) {
            Some(News::Status(status)) if !args.resources => Some(*status),
            Some(News::Status(status)) => Some(sample(global).unwrap_or(*status)),
            Some(News::Over(None)) => return Ok(None),
            Some(News::Over(Some(error))) => return Err(error),
            Some(News::Key(key)) if is_leaving(key) => return Ok(Some(ExitCode::SUCCESS)),
            Some(News::Key(_)) => continue,
            Some(News::Signal(SIGTSTP)) => {
                screen.step_aside();
                None
            }
            Some(News::Signal(SIGWINCH | SIGCONT)) => None,
            Some(News::Signal(signal)) => {
                let code = u8::try_from(128 + signal).unwrap_or(u8::MAX);
                return Ok(Some(ExitCode::from(code)));
            }
            None => sample(global).ok(),
        };
        if let Some(status) = status {
            shares.note(&status);
            shown = Some(within(status, &args.groups.namespace)?);
        }
        sample_at = args.resources.then(|| Instant::now() + EVERY);
        if let Some(status) = &shown {
            let manner = Manner {
                clock: Some(Clock {
                    now: SystemTime::now(),
                    offset_s: background::utc_offset_s(),
                }),
                cpu: shares.now(),
            };
            screen.draw(&table(status, manner, style::stdout_width()));
        }
    }
}

/// What share of a processor each instance has had since the last look.
#[derive(Debug, Default)]
struct Shares {
    seen: BTreeMap<String, Seen>,
    percent: BTreeMap<String, f64>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    started_at: Option<String>,
    cpu_ms: u64,
    age_ms: u64,
}

impl Shares {
    fn note(&mut self, status: &Status) {
        for service in &status.services {
            let used = service.resources.as_ref();
            let Some((used, cpu_ms)) = used.and_then(|used| Some((used, used.cpu_ms?))) else {
                self.seen.remove(&service.name);
                self.percent.remove(&service.name);
                continue;
            };
            let now = Seen {
                started_at: service.started_at.clone(),
                cpu_ms,
                age_ms: used.age_ms,
            };
            if let Some(before) = self.seen.get(&service.name)
                && before.started_at == now.started_at
            {
                let passed = now.age_ms.saturating_sub(before.age_ms);
                if passed < LEAST_MS {
                    continue;
                }
                let busy = now.cpu_ms.saturating_sub(before.cpu_ms);
                // Exact far beyond any length of time.
                #[expect(clippy::cast_precision_loss, reason = "milliseconds between two looks")]
                let share = busy as f64 * 100.0 / passed as f64;
                self.percent.insert(service.name.clone(), share);
            } else {
                self.percent.remove(&service.name);
            }
            self.seen.insert(service.name.clone(), now);
        }
    }

    /// `None` before there have been two looks.
    fn now(&self) -> Option<&BTreeMap<String, f64>> {
        (!self.percent.is_empty()).then_some(&self.percent)
    }
}

#[cfg(test)]
mod tests {
    use super::Shares;
    use crate::api::messages::{Resources, Status};

    #[test]
    fn a_share_is_that_between_two_looks_at_the_same_run() {
        let status = |started: &str, cpu_ms, age_ms| -> Status {
            let mut status: Status = serde_json::from_str(crate::api::messages::golden::STATUS).unwrap();
            status.services.truncate(1);
            status.services[0].started_at = Some(started.to_owned());
            status.services[0].resources = Some(Resources {
                age_ms,
                cpu_ms: Some(cpu_ms),
                ..Resources::default()
            });
            status
        };
        let mut shares = Shares::default();
        shares.note(&status("a", 1000, 10_000));
        assert_eq!(shares.now(), None);
        shares.note(&status("a", 1500, 11_000));
        assert_eq!(shares.now().unwrap()["web#2"].to_bits(), 50.0_f64.to_bits());
        // Too soon after that one.
        shares.note(&status("a", 1600, 11_100));
        assert_eq!(shares.now().unwrap()["web#2"].to_bits(), 50.0_f64.to_bits());
        shares.note(&status("b", 10, 100));
        assert_eq!(shares.now(), None);
    }
}
