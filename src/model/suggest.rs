//! "Did you mean": the nearest of the words that would have been right, and the one error for a name that no
//! service has.

use crate::diag::{Diagnostic, Kind};

/// How many names an error lists before it only counts the rest.
const MAX_LISTED: usize = 30;

/// The candidate that `name` most likely stands for, if any is near enough. Two letters in the wrong order
/// count as one mistake, as does a missing, a wrong and a superfluous one; upper and lower case are alike.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let length = name.chars().count();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            let longest = length.max(other.chars().count());
            // A third of the word may be wrong, but not all of it.
            let limit = longest.div_ceil(3).min(longest.saturating_sub(1));
            if length.abs_diff(other.chars().count()) > limit {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&name, &other);
            // What was only not typed to its end goes before what was mistyped.
            (distance <= limit).then(|| ((!other.starts_with(&name), distance), candidate))
        })
        .min_by_key(|(nearness, _)| *nearness)
        .map(|(_, candidate)| candidate)
}

/// The error for a name that no service has: suggests the nearest, lists all. `given_by` says where the name
/// was written (`-l`, `OVR_PROCESSES`), if the reader might not know.
pub fn no_such_service<'a>(
    name: &str,
    given_by: Option<&str>,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let place = given_by.map(|place| format!(" ({place})")).unwrap_or_default();
    let guess = suggest(name, candidates.iter().copied())
        .map(|guess| format!(" · did you mean {guess:?}?"))
        .unwrap_or_default();
    let error = Diagnostic::error(Kind::NoSuchService, format!("no service {name:?}{place}{guess}"));
    if candidates.is_empty() {
        return error.hint("there are no services here");
    }
    let listed = candidates[..candidates.len().min(MAX_LISTED)].join(", ");
    match candidates.len().saturating_sub(MAX_LISTED) {
        0 => error.hint(format!("services: {listed}")),
        more => error.hint(format!("services: {listed} and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::{no_such_service, suggest};

    #[test]
    fn the_nearest_word_is_suggested() {
        for (typed, candidates, expected) in [
            ("wbe", &["db", "web", "worker"][..], Some("web")),
            ("WEB", &["web"], Some("web")),
            ("workr", &["web", "worker"], Some("worker")),
            ("work", &["web", "worker"], Some("worker")),
            ("strat", &["stop", "start", "status"], Some("start")),
            ("satrt", &["stop", "start", "status"], Some("start")),
            ("stauts", &["stop", "start", "status"], Some("status")),
            ("stat", &["stop", "start", "status"], Some("status")),
            ("deploy", &["stop", "start", "status", "web", "worker"], None),
            ("comand", &["command"], Some("command")),
            (
                "process_healty",
                &["process_started", "process_healthy"],
                Some("process_healthy"),
            ),
            ("wéb", &["web"], Some("web")),
            ("we", &["web", "w"], Some("web")),
            ("zzz", &["web", "db"], None),
            ("1", &["2"], None),
            ("", &["a"], None),
            ("web", &[], None),
        ] {
            assert_eq!(suggest(typed, candidates.iter().copied()), expected, "{typed}");
        }
    }

    #[test]
    fn an_unknown_service_is_told_with_the_nearest_and_all() {
        let error = no_such_service("wbe", None, ["web", "db"]);
        assert_eq!(
            error.to_string(),
            "error: no service \"wbe\" · did you mean \"web\"?\n  hint: services: web, db"
        );
        let error = no_such_service("x", Some("-l"), ["web"]);
        assert_eq!(error.message, "no service \"x\" (-l)");
    }

    #[test]
    fn a_long_list_of_services_is_cut() {
        let names: Vec<String> = (0..300).map(|i| format!("service{i}")).collect();
        let error = no_such_service("zz", None, names.iter().map(String::as_str));
        assert!(
            error.hints[0].ends_with("service29 and 270 more"),
            "{}",
            error.hints[0]
        );
    }
}
