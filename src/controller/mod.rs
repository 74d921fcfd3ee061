//! The long-lived loop: select one event, feed the machine, carry out its actions. The only reader of the
//! clock. Owns a session's state from the lock to the last socket; it reads no configuration and prints
//! nothing: it is given specs, and its words go out through the console that it was given.

mod actions;
mod adopt;
mod alarm;
mod answers;
mod asks;
mod calls;
mod clock;
mod core;
mod demands;
mod differences;
mod doors;
mod ending;
mod files;
mod follow;
mod graph;
mod health;
mod hook_run;
mod hooks;
mod host;
mod lane_attempt;
mod lane_door;
mod lanes;
mod left_over;
mod links;
mod losses;
mod planned;
mod ports;
mod probing;
mod progress;
mod refill;
mod reload;
mod replan;
mod reports;
mod schedule;
mod session;
mod signals;
mod staleness;
mod status;
mod suspend;
mod terminal;
mod timing;
mod tmux_events;
mod triggers;
mod vouching;
mod waiting;
mod waits;
mod watch;
mod windows;
mod words;

pub use ending::{Cause, FirstEnd, Outcome};
pub use left_over::LeftOver;
pub use progress::Up;
pub use replan::{Overrides, Replan};
pub use session::{ConsoleSetup, DetachReply, Setup, run};
