//! What a project's configuration says, whatever dialect it was written in: read, substituted, merged and
//! extended, with the place of every value; not yet rendered, counted out into instances or resolved. Data only:
//! `yaml/` makes it, `resolve` turns it into instances.

use super::environment::Assignment;
use crate::diag::Span;
use crate::model::{Condition, LogPart, RestartWhen, ServiceName, Signal};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A value and the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    pub value: T,
    pub span: Span,
}

/// A whole configuration: all files of it, merged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectDef {
    pub name: Option<Located<String>>,
    /// Every file that went into it, lowest first.
    pub files: Vec<PathBuf>,
    pub environment: Vec<Assignment>,
    /// Variables whose values commands print, in the order of the file.
    pub env_cmds: Vec<(String, Located<String>)>,
    /// For templates.
    pub vars: BTreeMap<String, Var>,
    pub shell: ShellDef,
    /// Stop dependents before what they need (also what happens without it), or `false`: all at once.
    pub ordered_shutdown: Option<bool>,
    /// Named sets of what to start.
    pub profiles: Vec<ProfileDef>,
    /// The address of the NATS server to publish at.
    pub publish: Option<Located<String>>,
    /// A file for the output of every service that names none, and how log files are written.
    pub log_location: Option<Located<String>>,
    pub log_configuration: Option<LogDef>,
    /// Warnings about the configuration are errors.
    pub is_strict: bool,
    /// `disable_env_expansion`: `${NAME}` stays in every text.
    pub is_literal: bool,
    /// In the order of the files.
    pub services: Vec<ServiceDef>,
}

/// A set of services, by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileDef {
    pub name: String,
    pub services: Vec<Located<String>>,
}

/// What a template variable holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Var {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Var>),
    Map(BTreeMap<String, Var>),
}

/// Which programs run commands. `None` is the default of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShellDef {
    pub command: Option<Located<String>>,
    pub argument: Option<Located<String>>,
    pub elevated_command: Option<Located<String>>,
    pub elevated_argument: Option<Located<String>>,
}

/// One service as the configuration has it. Texts may hold templates.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceDef {
    pub name: Located<ServiceName>,
    pub command: Option<Located<String>>,
    pub entrypoint: Option<Vec<Located<String>>>,
    /// Where relative paths of it begin, when that is not the project's root (`extends` of a file elsewhere).
    pub base: Option<PathBuf>,
    pub working_dir: Option<Located<String>>,
    pub environment: Vec<Assignment>,
    pub env_file: Vec<Located<String>>,
    pub is_dotenv_disabled: bool,
    pub vars: BTreeMap<String, Var>,
    pub is_template_disabled: bool,
    pub shell: ShellDef,
    pub description: Option<Located<String>>,
    pub disabled: bool,
    pub namespaces: Vec<Located<String>>,
    pub replicas: Option<Located<u32>>,
    pub depends_on: Vec<DependencyDef>,
    pub startup_probe: Option<ProbeDef>,
    pub readiness_probe: Option<ProbeDef>,
    pub liveness_probe: Option<ProbeDef>,
    pub ready_log_line: Option<Located<String>>,
    pub failure_log_line: Option<Located<String>>,
    /// `ready: notify`: the service says so itself.
    pub notify: bool,
    /// So often it says that it is alive (`WATCHDOG=1`).
    pub watchdog: Option<Duration>,
    pub availability: AvailabilityDef,
    pub success_exit_codes: Vec<i32>,
    pub shutdown: ShutdownDef,
    pub is_daemon: bool,
    pub launch_timeout: Option<Duration>,
    /// Started by hand only.
    pub is_foreground: bool,
    pub is_elevated: bool,
    pub schedule: Option<ScheduleDef>,
    pub watch: Option<WatchDef>,
    pub port: Option<Located<PortDef>>,
    pub listen: Vec<Located<String>>,
    pub limits: LimitsDef,
    pub tier: Option<Located<String>>,
    /// May fail without holding others up.
    pub optional: bool,
    pub hooks: HooksDef,
    pub log_location: Option<Located<String>>,
    pub log_configuration: Option<LogDef>,
}

impl ServiceDef {
    /// A service of which nothing but its name is known.
    pub fn new(name: Located<ServiceName>) -> Self {
        Self {
            name,
            command: None,
            entrypoint: None,
            base: None,
            working_dir: None,
            environment: Vec::new(),
            env_file: Vec::new(),
            is_dotenv_disabled: false,
            vars: BTreeMap::new(),
            is_template_disabled: false,
            shell: ShellDef::default(),
            description: None,
            disabled: false,
            namespaces: Vec::new(),
            replicas: None,
            depends_on: Vec::new(),
            startup_probe: None,
            readiness_probe: None,
            liveness_probe: None,
            ready_log_line: None,
            failure_log_line: None,
            notify: false,
            watchdog: None,
            availability: AvailabilityDef::default(),
            success_exit_codes: Vec::new(),
            shutdown: ShutdownDef::default(),
            is_daemon: false,
            launch_timeout: None,
            is_foreground: false,
            is_elevated: false,
            schedule: None,
            watch: None,
            port: None,
            listen: Vec::new(),
            limits: LimitsDef::default(),
            tier: None,
            optional: false,
            hooks: HooksDef::default(),
            log_location: None,
            log_configuration: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyDef {
    /// A service, or one replica of it (`web-1`).
    pub on: Located<String>,
    /// `None`: not written, so ready if it has a probe, else started.
    pub condition: Option<Located<Condition>>,
    /// `process_log_ready` rather than `process_healthy`, where that makes a difference for checking.
    pub by_log_line: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeDef {
    pub span: Span,
    pub check: CheckDef,
    pub initial_delay: Option<Duration>,
    pub period: Option<Duration>,
    pub timeout: Option<Duration>,
    pub success_threshold: Option<u32>,
    pub failure_threshold: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckDef {
    Exec {
        command: Located<String>,
        working_dir: Option<Located<String>>,
    },
    Http {
        host: Option<Located<String>>,
        scheme: Option<Located<String>>,
        path: Option<Located<String>>,
        /// A number once its templates are rendered; `None` is the service's own port.
        port: Option<Located<String>>,
        headers: Vec<(String, Located<String>)>,
        status_code: Option<u16>,
    },
    Tcp {
        host: Option<Located<String>>,
        port: Option<Located<String>>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailabilityDef {
    pub restart: Option<Located<RestartDef>>,
    pub backoff: Option<Duration>,
    /// 0 is without limit.
    pub max_restarts: Option<u32>,
    pub exit_on_end: bool,
    pub exit_on_skipped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartDef {
    When(RestartWhen),
    ExitOnFailure,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShutdownDef {
    pub command: Option<Located<String>>,
    pub timeout: Option<Duration>,
    pub signal: Option<Signal>,
    pub parent_only: bool,
    /// Escapes already read.
    pub send_keys: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleDef {
    pub span: Span,
    pub cron: Option<Located<String>>,
    pub timezone: Option<Located<String>>,
    pub interval: Option<Duration>,
    pub run_on_start: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchDef {
    pub span: Span,
    pub paths: Vec<WatchPathDef>,
    pub debounce: Option<Duration>,
    pub cascade: bool,
    pub disable_default_excludes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchPathDef {
    pub path: Located<String>,
    pub include: Vec<Located<String>>,
    pub exclude: Vec<Located<String>>,
}

/// How a service's port is chosen in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortDef {
    Fixed(u16),
    /// base + step × position, as for a Procfile.
    Rule,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsDef {
    /// Bytes.
    pub memory: Option<Located<u64>>,
    /// Hundredths of one processor.
    pub cpu: Option<Located<u32>>,
    pub nofile: Option<Located<u64>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HooksDef {
    pub on_ready: Option<Located<String>>,
    pub on_exit: Option<Located<String>>,
    pub on_fail: Option<Located<String>>,
}

/// How log files are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDef {
    pub disable_json: bool,
    pub no_metadata: bool,
    pub add_timestamp: bool,
    pub timestamp_format: Option<Located<String>>,
    /// `None`: time, level, message.
    pub fields_order: Option<Vec<LogPart>>,
    pub rotation: Option<RotationDef>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationDef {
    pub max_size_mb: Option<u64>,
    pub max_backups: Option<u32>,
    pub max_age_days: Option<u32>,
    pub compress: bool,
}
