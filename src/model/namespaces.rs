//! Groups of services, by the names that the configuration gives them: which instances a command means by one.

use super::suggest::suggest;
use crate::diag::{Diagnostic, Kind};
use std::collections::BTreeSet;

/// Which of the instances, given by their namespaces, are in one of the `wanted`. None wanted means every one.
///
/// # Errors
/// A namespace that nothing is in, with the nearest one that there is, and all of them.
pub fn in_namespaces(wanted: &[String], instances: &[&[String]]) -> Result<Vec<bool>, Diagnostic> {
    if wanted.is_empty() {
        return Ok(vec![true; instances.len()]);
    }
    let known: BTreeSet<&str> = instances.iter().copied().flatten().map(String::as_str).collect();
    for name in wanted {
        if !known.contains(name.as_str()) {
            let guess = suggest(name, known.iter().copied())
                .map(|guess| format!(" · did you mean {guess:?}?"))
                .unwrap_or_default();
            let all = known.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("no namespace {name:?}{guess}");
            return Err(Diagnostic::error(Kind::NoSuchService, message).hint(format!("namespaces: {all}")));
        }
    }
    let is_inside = |own: &&[String]| own.iter().any(|namespace| wanted.contains(namespace));
    Ok(instances.iter().map(is_inside).collect())
}

#[cfg(test)]
mod tests {
    use super::in_namespaces;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_namespace_means_its_members_and_several_mean_those_of_each() {
        let (front, back, both) = (owned(&["front"]), owned(&["back"]), owned(&["back", "jobs"]));
        let instances: Vec<&[String]> = vec![&front, &back, &both];
        let inside = |wanted: &[&str]| in_namespaces(&owned(wanted), &instances).unwrap();
        assert_eq!(inside(&["back"]), [false, true, true]);
        assert_eq!(inside(&["front", "jobs"]), [true, false, true]);
        assert_eq!(inside(&[]), [true, true, true]);
    }

    #[test]
    fn an_unknown_namespace_is_an_error_that_suggests_and_lists() {
        let back = owned(&["backend"]);
        let error = in_namespaces(&owned(&["bakcend"]), &[&back]).unwrap_err();
        assert_eq!(
            error.message,
            "no namespace \"bakcend\" · did you mean \"backend\"?"
        );
        assert_eq!(error.hints, ["namespaces: backend"]);
    }
}
