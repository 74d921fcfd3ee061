//! The settings of `ovr start`: for each its flag, its variables and its default in one table, from which both
//! the help and the resolved [`StartOptions`] are made. What reads the variables (process environment, env
//! files) is the caller's `lookup`; nothing here touches the world.

mod decided;
mod typed;

use super::start::StartArgs;
use super::values::{
    boolean, colors, counts, duration, names, number, path, paths, port, room, selection, signals,
};
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::Keep;
use crate::model::Signal;
use crate::nats::Address;
pub use decided::decided;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
pub use typed::typed;

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// clap's id of the flag.
    pub id: &'static str,
    /// The flag as messages and sources name it.
    pub flag: &'static str,
    /// The variables that set it, strongest first; help shows the first.
    pub variables: &'static [&'static str],
    /// As help shows it; an empty text is not shown.
    pub default: &'static str,
    /// A yes-or-no setting.
    pub switch: bool,
}

macro_rules! settings {
    ($($name:ident: $id:literal $flag:literal $variables:expr, $default:literal $(, $switch:ident)?;)*) => {
        $(const $name: Setting = Setting {
            id: $id,
            flag: $flag,
            variables: &$variables,
            default: $default,
            switch: settings!(@ $($switch)?),
        };)*
        /// Every setting of `ovr start`, in the order of its help.
        pub const SETTINGS: &[Setting] = &[$($name),*];
    };
    (@) => { false };
    (@ switch) => { true };
}

settings! {
    PROCFILE: "procfile" "-f" ["OVR_PROCFILE", "OVERMIND_PROCFILE", "PC_CONFIG_FILES"], "what is here or above";
    ROOT: "root" "-d" ["OVR_ROOT", "OVERMIND_ROOT"], "the configuration's directory";
    ENV: "env" "-e" ["OVR_ENV", "OVERMIND_ENV"], "none";
    PROCESSES: "processes" "-l" ["OVR_PROCESSES", "OVERMIND_PROCESSES"], "all";
    NAMESPACES: "namespace" "-n" ["OVR_NAMESPACE", "PC_NAMESPACES"], "all";
    PROFILES: "profile" "--profile" ["OVR_PROFILE"], "none";
    NO_DEPS: "no_deps" "--no-deps" ["OVR_NO_DEPS"], "no", switch;
    IGNORED: "ignored_processes" "-x" ["OVR_IGNORED_PROCESSES", "OVERMIND_IGNORED_PROCESSES"], "none";
    FORMATION: "formation" "-m" ["OVR_FORMATION", "OVERMIND_FORMATION"], "all=1";
    TITLE: "title" "-w" ["OVR_TITLE", "OVERMIND_TITLE"], "the root's name";
    SHELL: "shell" "-H" ["OVR_SHELL", "OVERMIND_SHELL"], "sh";
    PORT: "port" "-p" ["OVR_PORT", "OVERMIND_PORT", "PORT"], "5000";
    PORT_STEP: "port_step" "-P" ["OVR_PORT_STEP", "OVERMIND_PORT_STEP"], "100";
    FORMATION_PORT_STEP: "formation_port_step" "--formation-port-step"
        ["OVR_FORMATION_PORT_STEP", "OVERMIND_FORMATION_PORT_STEP"], "10";
    NO_PORT: "no_port" "-N" ["OVR_NO_PORT", "OVERMIND_NO_PORT"], "no", switch;
    CAN_DIE: "can_die" "-c" ["OVR_CAN_DIE", "OVERMIND_CAN_DIE"], "none";
    ANY_CAN_DIE: "any_can_die" "--any-can-die" ["OVR_ANY_CAN_DIE", "OVERMIND_ANY_CAN_DIE"], "no", switch;
    AUTO_RESTART: "auto_restart" "-r" ["OVR_AUTO_RESTART", "OVERMIND_AUTO_RESTART"], "none";
    STOP_SIGNALS: "stop_signals" "-i" ["OVR_STOP_SIGNALS", "OVERMIND_STOP_SIGNALS"], "INT";
    TIMEOUT: "timeout" "-t" ["OVR_TIMEOUT", "OVERMIND_TIMEOUT"], "5";
    COLORS: "colors" "-b" ["OVR_COLORS", "OVERMIND_COLORS"], "a palette";
    TIMESTAMPS: "show_timestamps" "-T" ["OVR_SHOW_TIMESTAMPS", "OVERMIND_SHOW_TIMESTAMPS"], "no", switch;
    LOGS: "logs" "--logs" ["OVR_LOGS"], "512M";
    DAEMONIZE: "daemonize" "-D" ["OVR_DAEMONIZE", "OVERMIND_DAEMONIZE"], "no", switch;
    FRESH: "fresh" "--fresh" ["OVR_FRESH"], "no", switch;
    NO_RECOVER: "no_recover" "--no-recover" ["OVR_NO_RECOVER"], "no", switch;
    NO_WATCH: "no_watch" "--no-watch" ["OVR_NO_WATCH", "PC_NO_WATCH"], "no", switch;
    NO_WAIT: "no_wait" "--no-wait" ["OVR_NO_WAIT"], "no", switch;
    PUBLISH: "publish" "--publish" ["OVR_PUBLISH"], "none";
    LISTEN_PUBLIC: "listen_public" "--listen-public" ["OVR_LISTEN_PUBLIC"], "no", switch;
    TMUX_CONFIG: "tmux_config" "-F" ["OVR_TMUX_CONFIG", "OVERMIND_TMUX_CONFIG"], "none";
}

/// Reads a variable: its value, and where that stands (`environment`, `.ovr.env:3`).
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<(String, String)>;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    Flag(&'static str),
    /// The flag that the session was started with which this start takes over.
    Session(&'static str),
    Variable {
        name: &'static str,
        place: String,
    },
}

impl fmt::Display for Origin {
    /// `default`, `-p`, `OVR_PORT`, `OVR_PORT (.ovr.env:3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Session(flag) => write!(f, "{flag} of the session"),
            Self::Variable { name, place } if place == ENVIRONMENT => f.write_str(name),
            Self::Variable { name, place } => write!(f, "{name} ({place})"),
        }
    }
}

/// The place of a variable that stands in the caller's environment.
pub const ENVIRONMENT: &str = "environment";

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub origin: Origin,
}

/// A list of services, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Listed(Vec<String>),
    All,
}

impl Selection {
    pub fn covers(&self, service: &str) -> bool {
        match self {
            Self::Listed(names) => names.iter().any(|name| name == service),
            Self::All => true,
        }
    }

    /// The names that somebody wrote, to be checked against the configuration.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Listed(names) => names,
            Self::All => &[],
        }
    }
}

/// Everything that `ovr start` was told, by flags and variables. Names are as written, not yet known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartOptions {
    /// NAME arguments.
    pub names: Vec<String>,
    /// Lowest first; empty looks for them.
    pub procfile: Sourced<Vec<PathBuf>>,
    pub root: Sourced<Option<PathBuf>>,
    /// `None` is all.
    pub processes: Sourced<Option<Vec<String>>>,
    /// Empty is all.
    pub namespaces: Sourced<Vec<String>>,
    /// Named sets of services to start.
    pub profiles: Sourced<Vec<String>>,
    pub no_deps: Sourced<bool>,
    pub ignored_processes: Sourced<Vec<String>>,
    /// In the order written; `all` stands for those not named.
    pub formation: Sourced<Vec<(String, u32)>>,
    pub title: Sourced<Option<String>>,
    pub shell: Sourced<String>,
    pub port: Sourced<u16>,
    pub port_step: Sourced<u16>,
    pub formation_port_step: Sourced<u16>,
    pub no_port: Sourced<bool>,
    pub can_die: Sourced<Selection>,
    pub any_can_die: Sourced<bool>,
    pub auto_restart: Sourced<Selection>,
    pub stop_signals: Sourced<Vec<(String, Signal)>>,
    pub timeout: Sourced<Duration>,
    /// xterm's numbers; empty is the palette.
    pub colors: Sourced<Vec<u8>>,
    pub show_timestamps: Sourced<bool>,
    /// How many bytes of output are kept on disk; `None` for nothing at all.
    pub logs: Sourced<Option<u64>>,
    pub daemonize: Sourced<bool>,
    pub fresh: Sourced<bool>,
    pub no_recover: Sourced<bool>,
    pub no_watch: Sourced<bool>,
    pub no_wait: Sourced<bool>,
    pub publish: Sourced<Option<Address>>,
    pub listen_public: Sourced<bool>,
    pub tmux_config: Sourced<Option<PathBuf>>,
}

/// Puts flags and variables together: a flag wins over `OVR_*`, that over `OVERMIND_*`, that over the default.
/// An empty variable counts as not set. A bad value is an error that names the flag or the variable's place.
pub fn resolve(args: &StartArgs, lookup: Lookup<'_>) -> Result<StartOptions, Diagnostic> {
    let r = Resolver::new(args, lookup);
    Ok(StartOptions {
        names: args.names.clone(),
        procfile: r.value(&PROCFILE, joined(&args.procfile).as_deref(), Vec::new(), paths)?,
        root: r.value(&ROOT, args.root.as_deref(), None, path)?,
        processes: r.value(&PROCESSES, joined(&args.processes).as_deref(), None, |text| {
            names(text).map(Some)
        })?,
        namespaces: r.value(&NAMESPACES, joined(&args.namespace).as_deref(), Vec::new(), names)?,
        profiles: r.value(&PROFILES, joined(&args.profile).as_deref(), Vec::new(), names)?,
        no_deps: r.switch(&NO_DEPS, args.no_deps)?,
        ignored_processes: r.value(
            &IGNORED,
            joined(&args.ignored_processes).as_deref(),
            Vec::new(),
            names,
        )?,
        formation: r.value(&FORMATION, joined(&args.formation).as_deref(), Vec::new(), counts)?,
        title: r.value(&TITLE, args.title.as_deref(), None, |text| {
            Ok(Some(text.to_owned()))
        })?,
        shell: r.value(&SHELL, args.shell.as_deref(), SHELL.default.to_owned(), |text| {
            Ok(text.to_owned())
        })?,
        port: r.value(&PORT, args.port.as_deref(), 5000, port)?,
        port_step: r.value(&PORT_STEP, args.port_step.as_deref(), 100, number)?,
        formation_port_step: r.value(
            &FORMATION_PORT_STEP,
            args.formation_port_step.as_deref(),
            10,
            number,
        )?,
        no_port: r.switch(&NO_PORT, args.no_port)?,
        can_die: r.value(&CAN_DIE, joined(&args.can_die).as_deref(), NOBODY, selection)?,
        any_can_die: r.switch(&ANY_CAN_DIE, args.any_can_die)?,
        auto_restart: r.value(
            &AUTO_RESTART,
            joined(&args.auto_restart).as_deref(),
            NOBODY,
            selection,
        )?,
        stop_signals: r.value(
            &STOP_SIGNALS,
            joined(&args.stop_signals).as_deref(),
            Vec::new(),
            signals,
        )?,
        timeout: r.value(
            &TIMEOUT,
            args.timeout.as_deref(),
            Duration::from_secs(5),
            duration,
        )?,
        colors: r.value(&COLORS, joined(&args.colors).as_deref(), Vec::new(), colors)?,
        show_timestamps: r.switch(&TIMESTAMPS, args.show_timestamps)?,
        logs: r.value(&LOGS, args.logs.as_deref(), Some(Keep::PROJECT), room)?,
        daemonize: r.switch(&DAEMONIZE, args.daemonize)?,
        fresh: r.switch(&FRESH, args.fresh)?,
        no_recover: r.switch(&NO_RECOVER, args.no_recover)?,
        no_watch: r.switch(&NO_WATCH, args.no_watch)?,
        no_wait: r.switch(&NO_WAIT, args.no_wait)?,
        publish: r.publish(args.publish.as_deref())?,
        listen_public: r.switch(&LISTEN_PUBLIC, args.listen_public)?,
        tmux_config: r.value(&TMUX_CONFIG, args.tmux_config.as_deref(), None, path)?,
    })
}

/// Whether the flag with this id takes yes or no.
pub fn is_switch(id: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.id == id && setting.switch)
}

/// Adds default and variable to the help of every setting.
pub fn describe(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| {
        let Some(setting) = SETTINGS.iter().find(|s| s.id == arg.get_id().as_str()) else {
            return arg;
        };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!(
            "{help} [default: {}] [{}]",
            setting.default, setting.variables[0]
        ))
    })
}

const NOBODY: Selection = Selection::Listed(Vec::new());

struct Resolver<'a> {
    lookup: Lookup<'a>,
    /// What the session was started with that is taken over, where this start says nothing itself.
    inherited: &'a BTreeMap<String, String>,
}

impl<'a> Resolver<'a> {
    fn new(args: &'a StartArgs, lookup: Lookup<'a>) -> Self {
        Self {
            lookup,
            inherited: &args.inherited.settings,
        }
    }

    fn value<T>(
        &self,
        setting: &Setting,
        typed: Option<&str>,
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Sourced<T>, Diagnostic> {
        let (text, origin) = match typed {
            Some(text) => (text.to_owned(), Origin::Flag(setting.flag)),
            None => match self.inherited(setting).or_else(|| self.variable(setting)) {
                Some(found) => found,
                None => {
                    return Ok(Sourced {
                        value: default,
                        origin: Origin::Default,
                    });
                }
            },
        };
        match parse(&text) {
            Ok(value) => Ok(Sourced { value, origin }),
            Err(why) => Err(refusal(&text, &origin, &why)),
        }
    }

    /// An address may have a password in it, so its text is not repeated.
    fn publish(&self, typed: Option<&str>) -> Result<Sourced<Option<Address>>, Diagnostic> {
        let text = self.value(&PUBLISH, typed, None, |text| Ok(Some(text.to_owned())))?;
        let Sourced { value, origin } = text;
        let address = value.map(|text| text.parse::<Address>()).transpose();
        match address {
            Ok(value) => Ok(Sourced { value, origin }),
            Err(why) => Err(Diagnostic::error(kind_of(&origin), format!("{origin}: {why}"))
                .hint("such as nats://localhost:4222")),
        }
    }

    fn switch(&self, setting: &Setting, typed: Option<bool>) -> Result<Sourced<bool>, Diagnostic> {
        match typed {
            Some(value) => Ok(Sourced {
                value,
                origin: Origin::Flag(setting.flag),
            }),
            None => self.value(setting, None, false, boolean),
        }
    }

    fn inherited(&self, setting: &Setting) -> Option<(String, Origin)> {
        let value = self.inherited.get(setting.id)?;
        Some((value.clone(), Origin::Session(setting.flag)))
    }

    fn variable(&self, setting: &Setting) -> Option<(String, Origin)> {
        setting.variables.iter().find_map(|name| {
            let (value, place) = (self.lookup)(name)?;
            (!value.trim().is_empty()).then_some((value, Origin::Variable { name, place }))
        })
    }
}

/// A bad flag is a fault of the command line; a bad variable one of the configuration.
fn kind_of(origin: &Origin) -> Kind {
    match origin {
        Origin::Flag(_) | Origin::Session(_) | Origin::Default => Kind::Usage,
        Origin::Variable { .. } => Kind::Config,
    }
}

fn refusal(text: &str, origin: &Origin, why: &str) -> Diagnostic {
    Diagnostic::error(kind_of(origin), format!("{origin}: {text:?} {why}"))
}

/// Repeated lists count as one: `-l web -l db` is `-l web,db`.
fn joined(typed: &[String]) -> Option<String> {
    (!typed.is_empty()).then(|| typed.join(","))
}

#[cfg(test)]
mod tests;
