//! The harness: a project of its own for every test (home, runtime directory, tmux sockets, environment), the
//! real `ovr` in a real terminal, waiting for named conditions, and a look at the process table at the end.
//! It knows nothing of what a test is about.

mod invocation;
mod nats;
mod output;
mod ports;
pub(crate) mod processes;
mod project;
mod pty;
mod sandbox;
mod served;
mod stream;
mod talk;
mod terminal;
pub(crate) mod wait;

mod own_tests;

pub(crate) use invocation::Invocation;
pub(crate) use nats::NatsServer;
pub(crate) use output::Output;
pub(crate) use project::Project;
pub(crate) use sandbox::program;
pub(crate) use served::Served;
pub(crate) use talk::Talk;
pub(crate) use terminal::Terminal;
