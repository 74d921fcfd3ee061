//! Text to model: Procfile, env files, merge, spans, "did you mean". Only `load.rs` touches disk or environment.
