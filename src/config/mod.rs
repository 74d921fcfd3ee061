//! Text to model: Procfile, env files, merge, spans, "did you mean". Only `load.rs` touches disk or environment.

mod checked;
pub mod command;
pub mod envfile;
pub mod environment;
pub mod formation;
pub mod load;
pub mod procfile;
pub mod project;
pub mod resolve;
pub mod source;
pub mod yaml;

pub use checked::Checked;
pub use environment::{Environment, Layer, Origin};
pub use formation::{Formation, Names, StopSignals};
pub use resolve::{Options, Service, resolve};
