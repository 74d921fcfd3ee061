//! What commands ask of the machine that a session is on, where that is not this one: its files, what they make, and
//! what else there is.

use super::client::Client;
use super::http1::encode;
use super::messages::{Checked, Clean, Cleaned, Configuration, Environment, Leftovers, Sessions, route};
use crate::diag::Diagnostic;

/// A request with paths is kept well below what a body may have; JSON's escapes need room.
const PATHS_AT_ONCE: usize = super::MAX_BODY / 4;

// Nothing here has a time by which it is done: files may name commands that print variables, and these take theirs.
impl Client {
    /// What is wrong with the session's files.
    pub fn check(&self) -> Result<Checked, Diagnostic> {
        self.call("GET", route::CHECK, None, None)
    }

    /// The session's files as one.
    pub fn config(&self) -> Result<Configuration, Diagnostic> {
        self.call("GET", route::CONFIG, None, None)
    }

    /// The environment of `name` (`None`: what all services share).
    pub fn environment(&self, name: Option<&str>) -> Result<Environment, Diagnostic> {
        let target = match name {
            Some(name) => format!("{}?name={}", route::ENVIRONMENT, encode(name)),
            None => route::ENVIRONMENT.to_owned(),
        };
        self.call("GET", &target, None, None)
    }

    /// The sessions on the session's machine.
    pub fn sessions(&self) -> Result<Sessions, Diagnostic> {
        self.call("GET", route::SESSIONS, None, None)
    }

    pub fn leftovers(&self) -> Result<Leftovers, Diagnostic> {
        self.call("GET", route::LEFTOVERS, None, None)
    }

    /// Removes these of the leftovers.
    pub fn clean(&self, paths: Vec<String>) -> Result<Cleaned, Diagnostic> {
        let mut all = Cleaned::default();
        for paths in portions(paths) {
            let body = serde_json::to_vec(&Clean { paths }).expect("plain fields always serialize");
            let cleaned: Cleaned = self.call("POST", route::CLEAN, Some(&body), None)?;
            all.items += cleaned.items;
            all.bytes += cleaned.bytes;
            all.errors.extend(cleaned.errors);
        }
        Ok(all)
    }
}

/// The paths in as many requests as they need.
fn portions(paths: Vec<String>) -> Vec<Vec<String>> {
    let mut portions: Vec<Vec<String>> = Vec::new();
    let mut room = 0;
    for path in paths {
        if room < path.len() || portions.is_empty() {
            portions.push(Vec::new());
            room = PATHS_AT_ONCE;
        }
        room = room.saturating_sub(path.len() + 1);
        let last = portions.last_mut().expect("one was pushed above");
        last.push(path);
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::{PATHS_AT_ONCE, portions};

    #[test]
    fn many_paths_go_in_several_requests_and_none_is_left_out() {
        assert!(portions(Vec::new()).is_empty());
        let paths: Vec<String> = (0..500)
            .map(|number| format!("{}{number}", "p".repeat(100)))
            .collect();
        let sent = portions(paths.clone());
        assert!(sent.len() > 1);
        for portion in &sent {
            assert!(portion.iter().map(|path| path.len() + 1).sum::<usize>() <= PATHS_AT_ONCE + 1);
        }
        assert_eq!(sent.concat(), paths);
        assert_eq!(portions(vec!["p".repeat(2 * PATHS_AT_ONCE)]).len(), 1);
    }
}
