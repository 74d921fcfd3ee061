//! Text to model: Procfile, env files, merge, spans, "did you mean". Only `load.rs` touches disk or environment.

mod checked;
mod choose;
pub mod command;
pub mod configuration;
pub mod draft;
pub mod envfile;
pub mod environment;
pub mod expand;
pub mod formation;
pub mod globals;
pub mod load;
pub mod options;
pub mod procfile;
pub mod project;
pub mod resolve;
pub mod shell;
pub mod source;
pub mod template;
pub mod yaml;

pub use checked::Checked;
pub use configuration::Configuration;
pub use draft::Service;
pub use environment::{Environment, Layer, Origin};
pub use expand::expand;
pub use formation::{Formation, Names, StopSignals};
pub use options::Options;
pub use resolve::resolve;
