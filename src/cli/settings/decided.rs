//! What has decided on each setting, as text: for whoever writes down what a session was started with.

use super::super::start::StartArgs;
use super::{Lookup, Origin, Resolver, SETTINGS, Setting, typed};

/// The settings that somebody has said something about, each with the text that counts and where that stands.
pub fn decided(args: &StartArgs, lookup: Lookup<'_>) -> Vec<(&'static Setting, String, Origin)> {
    let r = Resolver::new(args, lookup);
    let typed = typed(args);
    let of = |setting: &'static Setting| {
        let flag = typed.iter().find(|(id, _)| *id == setting.id);
        let flag = flag.map(|(_, text)| (text.clone(), Origin::Flag(setting.flag)));
        let found = flag
            .or_else(|| r.inherited(setting))
            .or_else(|| r.variable(setting));
        found.map(|(text, origin)| (setting, text, origin))
    };
    SETTINGS.iter().filter_map(of).collect()
}
