//! What `ovr start` does: a session in this terminal, or one in the background; `join` has what it does where one
//! runs already.

use super::args::GlobalArgs;
use super::background::{self, Ready};
use super::ending::{self, Ending};
use super::event_loop::event_loop;
use super::in_session::{in_session, start_there};
use super::inquiries::OfSession;
use super::listen::{Served, Wanted};
use super::opening::{banner_text, print_banner};
use super::place::Place;
use super::plan::{Here, Plan, own_environment};
use super::start::StartArgs;
use super::{inherit, kept, listen, report, session, style};
use crate::api::client::Client;
use crate::api::messages::Detached;
use crate::controller::{self, AtEnd, Cause, ConsoleSetup, FirstEnd, Made, Outcome, Replan, Setup};
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::logs::{ColorChoice, Palette, RenderOptions, TimeZone};
use crate::model::time_text;
use crate::nats::redacted;
use crate::tmux::locate::locate as locate_tmux;
use crate::tmux::setup::Size;
use crate::workspace::lock::{Holder, LockError};
use crate::workspace::project::Dialect;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, SessionDir, SessionLock, keep_own_files_usable, locate};
use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use tokio::sync::oneshot;

/// The hidden flag of a start that takes over a session.
const TAKE_OVER: &str = "--take-over";

/// Starts the session, or services in the running one.
pub fn cmd_start(global: &GlobalArgs, args: &StartArgs) -> Result<ExitCode, Diagnostic> {
    if args.background {
        // The half in the terminal reads the same files, and tells.
        report::leave_terminal();
    }
    let here = Here::look()?;
    let place = Place::of(global, &own_environment)?;
    let (socket, address) = match &place {
        Place::Here => (None, None),
        Place::Unix(path) => (Some(path.as_path()), None),
        Place::Tcp(address) => (None, Some(address.as_str())),
    };
    // Where somebody listens already, this session could not.
    if let Some(address) = address
        && !args.names.is_empty()
        && !args.background
        && let Some(code) = start_there(&session::remote(global, address.to_owned())?, args)?
    {
        return Ok(code);
    }
    // A session that runs here needs no configuration to be named; a project named by flags is looked at first.
    let names_none = args.procfile.is_empty() && args.root.is_none();
    let look = || locate::locate(&here.places, &here.cwd, socket);
    let mut found = names_none.then(look);
    if let Some(Ok(Located::Session(entry))) = &found
        && entry.life == Life::Alive
        && !args.background
    {
        if let Some(code) = in_session(&session::client(entry), args, &entry.dir)? {
            return Ok(code);
        }
        // It has ended meanwhile.
        found = Some(look());
    }
    if let Some(address) = address.filter(|_| args.names.is_empty() && !args.background) {
        refuse_taken(global, address)?;
    }
    let (args, plan) = match inherit::plan(&here, args, socket, found)? {
        Ok(made) => made,
        Err(problems) => return Ok(report::report_all(&problems)),
    };
    let args = &args;
    let dir = locate::session_for_start(&here.places, &plan.project, &here.cwd, socket)?;
    if plan.options.daemonize.value && !args.background {
        return in_background(&here, &plan, &dir, args);
    }
    let tmux = locate_tmux()?;
    keep_own_files_usable();
    let started = SystemTime::now();
    let lock = match take_lock(&plan, &dir, args, started)? {
        Ok(lock) => lock,
        Err(code) => return Ok(code),
    };
    let wanted = Wanted {
        address,
        public: plan.options.listen_public.value,
        fresh: plan.options.fresh.value && !args.take_over,
    };
    let (door, served) = listen::open(&lock, &wanted)?.unzip();
    if !args.background {
        plan.warnings.iter().for_each(report::print);
        print_banner(&here, &plan, args, served.as_ref())?;
    }
    let ended = Ending::new(&here, &plan, started);
    let note = ended.clone();
    let setup = Setup {
        tcp: door,
        at_end: Some(AtEnd::new(move |cause, first| note.note(cause, first, 0))),
        ..setup(&here, &plan, lock, tmux, args)?
    };
    report::leave_terminal();
    match run_session(setup, args, served)? {
        Ran::Ended { end, unwritten } => Ok(ending::report(&ended, &end, unwritten)),
        Ran::HandedOver(code) => Ok(code),
    }
}

/// No session can be served where another one is.
fn refuse_taken(global: &GlobalArgs, address: &str) -> Result<(), Diagnostic> {
    let Ok(status) = session::remote(global, address.to_owned())?.status() else {
        // Whoever it is that listens there, if anybody does, shows when it is bound.
        return Ok(());
    };
    let (project, root) = (&status.session.project, &status.session.root);
    let message = format!("{address} is the address of a session that runs: {project} ({root})");
    Err(Diagnostic::error(Kind::AlreadyRunning, message)
        .hint(format!(
            "start one of its services: ovr start NAME -s tcp://{address}"
        ))
        .hint("or serve this one at another address: port 0 takes one that is free"))
}

/// The session's lock; or the exit code, where a session turned out to be running and was asked instead.
fn take_lock(
    plan: &Plan,
    dir: &SessionDir,
    args: &StartArgs,
    started: SystemTime,
) -> Result<Result<SessionLock, ExitCode>, Diagnostic> {
    let holder = Holder {
        pid: std::process::id(),
        started_at: time_text::rfc3339(started),
        root: plan.project.root.display().to_string(),
    };
    loop {
        match SessionLock::acquire(dir, &holder) {
            Ok(lock) => return Ok(Ok(lock)),
            Err(LockError::Held(_)) => {
                if let Some(code) = in_session(&Client::new(dir.api_socket()), args, dir)? {
                    return Ok(Err(code));
                }
            }
            // What is wrong may be what has become of the session that runs.
            Err(LockError::System(error)) => return Err(SessionEntry::look(dir).err().unwrap_or(error)),
        }
    }
}

/// How a session ended for this process.
enum Ran {
    Ended {
        end: (Cause, Option<FirstEnd>),
        /// So many lines the terminal did not take any more.
        unwritten: u64,
    },
    /// It lives on, under a controller in the background.
    HandedOver(ExitCode),
}

fn run_session(setup: Setup, args: &StartArgs, served: Option<Served>) -> Result<Ran, Diagnostic> {
    let (up, ready) = oneshot::channel();
    let setup = Setup {
        up: Some(up),
        ..setup
    };
    event_loop()?.block_on(async {
        if args.background {
            tokio::task::spawn(background::tell_parent(ready, served));
        }
        match Box::pin(controller::run(setup)).await? {
            Outcome::Ended {
                cause,
                first,
                unwritten,
            } => Ok(Ran::Ended {
                end: (cause, first),
                unwritten,
            }),
            Outcome::NoTmux(error) => Err(error),
            Outcome::Detach { reply, servers } => {
                let handed_over = hand_over().await;
                let code = report_handover(&handed_over);
                drop(reply.send(handed_over.map(|ready| Detached { pid: ready.pid })));
                for server in servers {
                    server.finish().await;
                }
                Ok(Ran::HandedOver(code))
            }
        }
    })
}

fn setup(
    here: &Here,
    plan: &Plan,
    lock: SessionLock,
    tmux: PathBuf,
    args: &StartArgs,
) -> Result<Setup, Diagnostic> {
    let system = |what: &str, error: std::io::Error| {
        Diagnostic::error(Kind::System, what.to_owned()).cause(error.to_string())
    };
    let options = &plan.options;
    let (settings, flags) = inherit::to_keep(here, plan, args);
    let console = if args.background {
        None
    } else {
        let out = std::io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| system("cannot write to standard output", error))?;
        Some(ConsoleSetup {
            out: File::from(out),
            options: render_options(plan),
        })
    };
    Ok(Setup {
        project: plan.title.clone(),
        root: plan.project.root.clone(),
        config: plan.project.config.path.clone(),
        instances: plan.instances.clone(),
        files: plan.files.clone(),
        replan: replan(here, args),
        inquiries: Arc::new(OfSession {
            here: here.clone(),
            args: args.clone(),
        }),
        lock,
        tmux_binary: tmux,
        tmux_config: (options.tmux_config.value.as_ref()).map(|file| here.cwd.join(file)),
        terminal: terminal_size(),
        program: helper().map_err(|error| system("cannot find this program's file", error))?,
        console,
        detached: args.background,
        recover: !options.no_recover.value,
        ends_when_done: plan.project.config.dialect != Dialect::Procfile,
        ends_at_once: plan.configuration.def.ordered_shutdown == Some(false),
        fresh: options.fresh.value && !args.take_over,
        logs: kept::room(here, plan),
        watch: !options.no_watch.value,
        publish: plan.publish.clone(),
        tcp: None,
        settings,
        flags,
        arguments: std::env::args_os()
            .skip(1)
            .map(|word| redacted(&word.to_string_lossy()))
            .collect(),
        up: None,
        at_end: None,
    })
}

/// The plan of the same start, made again from what the files say by then.
fn replan(here: &Here, args: &StartArgs) -> Replan {
    let (here, args) = (here.clone(), args.clone());
    Replan::new(move |overrides| {
        Plan::make_with(&here, &args, overrides).map(|plan| Made {
            instances: plan.instances,
            services: plan.services.into_iter().map(|service| service.name).collect(),
            files: plan.files,
        })
    })
}

fn terminal_size() -> Option<Size> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(Size {
        columns: size.ws_col,
        rows: size.ws_row,
    })
}

pub(super) fn palette(plan: &Plan) -> Palette {
    Palette::of(&plan.options.colors.value)
}

fn render_options(plan: &Plan) -> RenderOptions {
    let timestamps = plan.options.show_timestamps.value;
    RenderOptions {
        color: ColorChoice::from_environment(|name| std::env::var_os(name), std::io::stdout().is_terminal()),
        timestamps,
        // Where no time is shown, no start waits for the zone's file.
        zone: if timestamps {
            TimeZone::system()
        } else {
            TimeZone::UTC
        },
        palette: palette(plan),
        open_lines: std::io::stdout().is_terminal(),
    }
}

// ── the background ──

fn in_background(
    here: &Here,
    plan: &Plan,
    dir: &SessionDir,
    args: &StartArgs,
) -> Result<ExitCode, Diagnostic> {
    if let Ok(crate::workspace::Probe::Alive(_)) = SessionLock::probe(dir)
        && let Some(code) = in_session(&Client::new(dir.api_socket()), args, dir)?
    {
        return Ok(code);
    }
    plan.warnings.iter().for_each(report::print);
    let ready = match background::spawn(&[])? {
        Ok(ready) => ready,
        Err(code) => return Ok(ExitCode::from(code)),
    };
    let mut text = banner_text(here, plan, true);
    if let Some(served) = &ready.served {
        text.push_str(&served.lines(style::Paint::for_stdout()));
    }
    if let Some(kept) = inherit::told(plan, args) {
        style::push_line(&mut text, &kept);
    }
    for found in ready.found.iter().chain(&ready.waiting) {
        style::push_line(&mut text, found);
    }
    report::print_out(&text)?;
    for (message, advice) in ready.warnings {
        report::print(&Diagnostic::warning(Kind::System, message).hint(advice));
    }
    for (name, reason) in &ready.failed {
        report::print(&Diagnostic::error(
            Kind::ServiceFailed,
            format!("{name} {reason}"),
        ));
    }
    Ok(ExitCode::from(if ready.failed.is_empty() {
        exit_code::OK
    } else {
        exit_code::SERVICE_FAILED
    }))
}

/// Sends this session to the background: a new controller adopts what runs.
async fn hand_over() -> Result<Ready, Diagnostic> {
    let spawned = tokio::task::spawn_blocking(|| background::spawn(&[TAKE_OVER])).await;
    match spawned {
        Ok(Ok(Ok(ready))) => Ok(ready),
        Ok(Ok(Err(code))) => Err(Diagnostic::error(
            Kind::System,
            format!("the background controller did not come up (exit code {code})"),
        )
        .hint("the services still run; take them over with: ovr start")),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(
            Diagnostic::error(Kind::System, "cannot start the background controller")
                .cause(error.to_string()),
        ),
    }
}

fn report_handover(handed_over: &Result<Ready, Diagnostic>) -> ExitCode {
    match handed_over {
        Ok(ready) => {
            let text = format!(
                "the session goes on in the background (pid {}) · ovr echo follows it · ovr quit ends it\n",
                ready.pid
            );
            match report::print_out(&text) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => report::report(&error),
            }
        }
        Err(error) => report::report(error),
    }
}

/// The small program that is installed beside this one, or else this one, which can do the same: where it was when it
/// was first asked for, since a file that has been replaced has no name any more.
pub(super) fn helper() -> std::io::Result<PathBuf> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let this = std::env::current_exe()?;
    let small = this.with_file_name("ovr-shim");
    let found = if small.is_file() { small } else { this };
    Ok(FOUND.get_or_init(|| found).clone())
}
