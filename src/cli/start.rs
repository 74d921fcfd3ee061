//! `ovr start`: what can be typed. What the settings mean stands in `settings`, what is done in `launch`.

use super::args::Example;
use super::complete::{self, Kind};
use super::inherit::Inherited;
use clap::{Args, ValueHint};

pub const EXAMPLES: &[Example] = &[
    ("ovr start", "all services of the Procfile, in this terminal"),
    ("ovr start -D", "the same in the background"),
    ("ovr start -l web,db", "just these two, and what they need"),
    (
        "ovr start -m web=2 -r all",
        "two of web; whatever ends is restarted",
    ),
    ("ovr start worker", "worker, in the session that runs here"),
];

/// The headings of the help, in order.
pub const HEADINGS: [&str; 5] = ["Services", "Ports", "When a service ends", "Output", "Session"];

/// Start the services of this project, or some of them
///
/// Each service runs in a terminal of its own: `ovr connect NAME` opens it, and the key that leaves it again
/// is on its last line (Ctrl-b d). Ctrl-C here stops all services, as `ovr quit` does from anywhere. In a
/// session that already runs, `ovr start NAME` starts just that service.
#[derive(Args, Clone, Debug, Default)]
pub struct StartArgs {
    /// Start these services: in the session that runs here, else as --processes does
    #[arg(value_name = "NAME", add = complete::names(Kind::Startable))]
    pub names: Vec<String>,

    /// Read this Procfile or YAML; one more is laid over the first
    #[arg(short = 'f', long, visible_alias = "config", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = HEADINGS[0])]
    pub procfile: Vec<String>,
    /// Take this directory as the project's root
    #[arg(short = 'd', long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = HEADINGS[0])]
    pub root: Option<String>,
    /// Read variables from this file as well, as if OVR_ENV named it
    #[arg(short = 'e', long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = HEADINGS[0])]
    pub env: Vec<String>,
    /// Start only these and what they need; the others can be started later
    #[arg(short = 'l', long, value_name = "NAMES", help_heading = HEADINGS[0], add = complete::list(Kind::Configured))]
    pub processes: Vec<String>,
    /// Start only what is in these namespaces, and what that needs
    #[arg(short = 'n', long, value_name = "NAMES", help_heading = HEADINGS[0], add = complete::namespaces())]
    pub namespace: Vec<String>,
    /// Start only this profile, and what it needs
    #[arg(long, value_name = "NAMES", help_heading = HEADINGS[0], add = complete::profiles())]
    pub profile: Vec<String>,
    /// Leave these out, even where -l names them
    #[arg(short = 'x', long, value_name = "NAMES", help_heading = HEADINGS[0], add = complete::list(Kind::Configured))]
    pub ignored_processes: Vec<String>,
    /// Run so many of each, such as web=2,all=1
    #[arg(short = 'm', long, value_name = "NAME=N", help_heading = HEADINGS[0], add = complete::assignments(Kind::Configured, &[]))]
    pub formation: Vec<String>,
    /// Start what was named, and nothing it needs
    #[arg(long, help_heading = HEADINGS[0])]
    pub no_deps: Option<bool>,
    /// Show this as the project's name
    #[arg(short = 'w', long, value_name = "TITLE", help_heading = HEADINGS[0])]
    pub title: Option<String>,
    /// Run the commands with this shell
    #[arg(short = 'H', long, value_name = "SHELL", value_hint = ValueHint::CommandName, help_heading = HEADINGS[0])]
    pub shell: Option<String>,

    /// Give the first service of the file this port
    #[arg(short = 'p', long, value_name = "PORT", help_heading = HEADINGS[1])]
    pub port: Option<String>,
    /// Leave so much between the ports of two services
    #[arg(short = 'P', long, value_name = "N", help_heading = HEADINGS[1])]
    pub port_step: Option<String>,
    /// Leave so much between two instances' ports
    #[arg(long, hide_short_help = true, value_name = "N", help_heading = HEADINGS[1])]
    pub formation_port_step: Option<String>,
    /// Assign no ports
    #[arg(short = 'N', long, help_heading = HEADINGS[1])]
    pub no_port: Option<bool>,

    /// Go on when one of these ends (`all`: as --any-can-die)
    #[arg(short = 'c', long, value_name = "NAMES", help_heading = HEADINGS[2], add = complete::list(Kind::ConfiguredOrAll))]
    pub can_die: Vec<String>,
    /// Go on whichever service ends
    #[arg(long, help_heading = HEADINGS[2])]
    pub any_can_die: Option<bool>,
    /// Kill what has not stopped after so long (`5`, `500ms`, `1m`)
    #[arg(short = 't', long, value_name = "SECONDS", help_heading = HEADINGS[2])]
    pub timeout: Option<String>,
    /// Restart these when they end (`all`: every service)
    #[arg(short = 'r', long, value_name = "NAMES", help_heading = HEADINGS[2], add = complete::list(Kind::ConfiguredOrAll))]
    pub auto_restart: Vec<String>,
    /// Stop these with another signal than INT, such as web=TERM
    #[arg(short = 'i', long, value_name = "NAME=SIGNAL", help_heading = HEADINGS[2], add = complete::assignments(Kind::Configured, &["TERM", "INT", "QUIT", "HUP", "KILL"]))]
    pub stop_signals: Vec<String>,

    /// Give the services these xterm colours
    #[arg(short = 'b', long, value_name = "N,N,…", help_heading = HEADINGS[3])]
    pub colors: Vec<String>,
    /// Begin each line with the time
    #[arg(short = 'T', long, help_heading = HEADINGS[3])]
    pub show_timestamps: Option<bool>,
    /// Keep so much output on disk (`100M`), or `off`
    #[arg(long, value_name = "SIZE", help_heading = HEADINGS[3])]
    pub logs: Option<String>,

    /// Run in the background; return when started
    #[arg(short = 'D', long, help_heading = HEADINGS[4])]
    pub daemonize: Option<bool>,
    /// End what an earlier session left running
    #[arg(long, help_heading = HEADINGS[4])]
    pub fresh: Option<bool>,
    /// End the session when its tmux server dies
    #[arg(long, hide_short_help = true, help_heading = HEADINGS[4])]
    pub no_recover: Option<bool>,
    /// Restart nothing when files change
    #[arg(long, help_heading = HEADINGS[4])]
    pub no_watch: Option<bool>,
    /// In a running session: return at once
    #[arg(long, help_heading = HEADINGS[4])]
    pub no_wait: Option<bool>,
    /// Be the background half of a start: say on standard output when the session is up
    #[arg(long, hide = true)]
    pub background: bool,
    /// Take over a session that is handed over, whatever --fresh says
    #[arg(long, hide = true)]
    pub take_over: bool,
    /// Publish events to this NATS server
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, hide_short_help = true, help_heading = HEADINGS[4])]
    pub publish: Option<String>,
    /// Let other machines reach -S tcp
    #[arg(long, hide_short_help = true, help_heading = HEADINGS[4])]
    pub listen_public: Option<bool>,
    /// Read this tmux configuration as well
    #[arg(short = 'F', long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = HEADINGS[4])]
    pub tmux_config: Option<String>,
    /// What it has from a session.
    #[arg(skip)]
    pub inherited: Inherited,
}
