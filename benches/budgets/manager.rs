//! The managers that are measured: `ovr`, and the peers that the environment names (`OVR_BENCH_OVERMIND`,
//! `OVR_BENCH_HIVEMIND`). How each is called; nothing is started here.

use std::path::PathBuf;

/// A program that runs a Procfile.
pub(crate) struct Manager {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    /// What is typed before the options of a start.
    pub(crate) start: &'static [&'static str],
    /// Whether it has `restart` and `status`, and restarts what died.
    commands: bool,
}

impl Manager {
    /// `ovr`, then the peers that there are.
    pub(crate) fn all() -> Vec<Self> {
        let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
        // This build's, or the one that the variable names (to compare two builds).
        let ovr = named("OVR_BENCH_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_ovr").into());
        [
            ("ovr", Some(ovr), ["start"].as_slice(), true),
            ("Overmind", named("OVR_BENCH_OVERMIND"), &["start"], true),
            ("Hivemind", named("OVR_BENCH_HIVEMIND"), &[], false),
        ]
        .into_iter()
        .filter_map(|(name, program, start, commands)| {
            Some(Self {
                name,
                program: program?,
                start,
                commands,
            })
        })
        .collect()
    }

    /// Not measured, without a reason to print, if it has no commands.
    pub(crate) fn has_commands(&self) -> Result<(), String> {
        if self.commands { Ok(()) } else { Err(String::new()) }
    }
}
