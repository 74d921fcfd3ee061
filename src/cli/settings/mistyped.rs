//! Variables in env files that are called as `ovr`'s own are, and are none: nobody reads them.

use super::SETTINGS;
use crate::config::Environment;
use crate::config::environment::{Origin, SESSION_VARIABLES};
use crate::diag::{Diagnostic, Kind};
use crate::model::suggest;

/// Those that no flag stands for, and those that services are given.
const OTHERS: &[&str] = &[
    "OVR_DETACH_KEY",
    "OVR_INSTANCE",
    "OVR_NETWORK",
    "OVR_PROJECT",
    "OVR_PROJECT_ROOT",
    "OVR_RUNTIME_DIR",
    "OVR_RUN_TOKEN",
    "OVR_SERVICE",
    "OVR_SOCKET",
    "OVR_TMUX",
    "OVR_TOKEN",
];

/// A warning for each that is nearly called as one that is read. Others may well be the project's own.
pub fn mistyped(environment: &Environment) -> Vec<Diagnostic> {
    let of_flags = SETTINGS
        .iter()
        .flat_map(|setting| setting.variables.iter().copied());
    let known: Vec<&str> = of_flags
        .chain(SESSION_VARIABLES)
        .chain(OTHERS.iter().copied())
        .filter(|name| is_called_as_ours(name))
        .collect();
    let strange = environment
        .pairs()
        .filter(|(name, _)| is_called_as_ours(name) && !known.contains(name) && !is_of_a_service(name));
    strange
        .filter_map(|(name, _)| {
            let Origin::At(span) = &environment.get(name)?.origin else {
                return None;
            };
            let near = suggest(name, known.iter().copied())?;
            let warning = Diagnostic::warning(Kind::Config, format!("{name} is no variable that ovr reads"));
            Some(warning.at(span.clone()).hint(format!("did you mean {near}?")))
        })
        .collect()
}

fn is_called_as_ours(name: &str) -> bool {
    name.starts_with("OVR_") || name.starts_with("OVERMIND_")
}

/// `OVR_PROCESS_web_PORT`.
fn is_of_a_service(name: &str) -> bool {
    name.contains("_PROCESS_") && name.ends_with("_PORT")
}

#[cfg(test)]
mod tests {
    use super::mistyped;
    use crate::config::environment::{Environment, Layer, Origin};
    use crate::diag::{Source, Span};
    use std::sync::Arc;

    #[test]
    fn a_variable_that_is_nearly_one_of_ours_is_told_with_its_place() {
        let mut environment =
            Environment::from_caller([("OVR_TIMEUOT", "of the caller, who may be anybody")]);
        let at = Origin::At(Span {
            source: Arc::new(Source::new(".ovr.env", "OVR_PROT=1\n")),
            line: 1,
            column: 1,
            length: 8,
        });
        for name in [
            "OVR_PROT",
            "OVR_PORT",
            "OVR_OF_THE_PROJECT_ITSELF",
            "OVR_PROCESS_WEB_PORT",
        ] {
            environment.set(Layer::RootFile, name, "1", at.clone());
        }
        let told: Vec<String> = mistyped(&environment).iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].contains(".ovr.env:1:1: OVR_PROT is no variable"),
            "{}",
            told[0]
        );
        assert!(told[0].contains("did you mean OVR_PORT?"), "{}", told[0]);
    }
}
