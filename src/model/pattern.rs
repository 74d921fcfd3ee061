//! How people name services on a command line: `web` (all its instances), `web#2`, `side*`, `web?`, `all`.

use super::suggest::no_such_service;
use super::{InstanceName, InstanceSpec, ServiceName};
use crate::diag::Diagnostic;

/// What a pattern can mean.
pub trait Addressed {
    fn name(&self) -> &InstanceName;
    /// The service that it is an instance of.
    fn service(&self) -> &ServiceName;
    /// Its number there, from 1.
    fn number(&self) -> u32;
}

impl Addressed for InstanceName {
    fn name(&self) -> &InstanceName {
        self
    }

    fn service(&self) -> &ServiceName {
        &self.service
    }

    fn number(&self) -> u32 {
        self.number.unwrap_or(1)
    }
}

impl Addressed for &InstanceSpec {
    fn name(&self) -> &InstanceName {
        &self.name
    }

    fn service(&self) -> &ServiceName {
        &self.service
    }

    fn number(&self) -> u32 {
        self.number
    }
}

/// The patterns that meant nothing, and the names there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    pub patterns: Vec<String>,
    /// What could have been meant, in the order of the file: services, and instances where there are several.
    pub names: Vec<String>,
}

impl Unmatched {
    /// One error for each pattern.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.patterns
            .iter()
            .map(|pattern| no_such_service(pattern, None, self.names.iter().map(String::as_str)))
            .collect()
    }
}

/// The instances that the patterns mean: indices into `instances`, ascending, each once. No pattern at all
/// means every instance, as `all` does. If any pattern means nothing, the answer is an error and nothing of
/// the request is to be carried out.
pub fn select<P: AsRef<str>>(patterns: &[P], instances: &[impl Addressed]) -> Result<Vec<usize>, Unmatched> {
    let mut chosen = vec![patterns.is_empty(); instances.len()];
    let mut unmatched = Vec::new();
    for pattern in patterns.iter().map(AsRef::as_ref) {
        let mut any = false;
        for (chosen, instance) in chosen.iter_mut().zip(instances) {
            if means(pattern, instance) {
                *chosen = true;
                any = true;
            }
        }
        if !any {
            unmatched.push(pattern.to_owned());
        }
    }
    if unmatched.is_empty() {
        let indices = chosen.iter().enumerate().filter(|(_, chosen)| **chosen);
        return Ok(indices.map(|(index, _)| index).collect());
    }
    Err(Unmatched {
        patterns: unmatched,
        names: known_names(instances),
    })
}

fn known_names(instances: &[impl Addressed]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut last = None;
    for instance in instances {
        if last != Some(instance.service()) {
            names.push(instance.service().to_string());
            last = Some(instance.service());
        }
        let name = instance.name().to_string();
        if name != instance.service().as_str() {
            names.push(name);
        }
    }
    names
}

/// Whether a pattern means an instance. Without `#` it is about the service's name, or that of a replica
/// (`web-0`). A service's only instance is `web` and `web#1`.
fn means(pattern: &str, instance: &impl Addressed) -> bool {
    if pattern == "all" {
        return true;
    }
    match pattern.rsplit_once('#') {
        None => {
            matches(pattern, instance.service().as_str())
                || matches(pattern, instance.name().service.as_str())
        }
        Some((service, number)) => {
            matches(service, instance.service().as_str()) && matches(number, &instance.number().to_string())
        }
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters and `?` for one.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on if the text behind the last star turns out not to fit: star and the text it began at.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::{Unmatched, matches, select};
    use crate::model::InstanceName;
    use proptest::prelude::proptest;
    use proptest::prop_assert;

    fn instances() -> Vec<InstanceName> {
        ["web#1", "web#2", "db", "sidekiq", "sidecar", "web2"]
            .iter()
            .map(|name| name.parse().unwrap())
            .collect()
    }

    #[test]
    fn patterns_mean_services_and_instances() {
        for (patterns, expected) in [
            (&["web"][..], &[0, 1][..]),
            (&["web#2"], &[1]),
            (&["db"], &[2]),
            (&["db#1"], &[2]),
            (&["side*"], &[3, 4]),
            (&["web*"], &[0, 1, 5]),
            (&["web?"], &[5]),
            (&["*#2"], &[1]),
            (&["web#*"], &[0, 1]),
            (&["*"], &[0, 1, 2, 3, 4, 5]),
            (&["all"], &[0, 1, 2, 3, 4, 5]),
            (&[], &[0, 1, 2, 3, 4, 5]),
            (&["db", "web#1", "db", "web"], &[0, 1, 2]),
        ] {
            assert_eq!(select(patterns, &instances()).unwrap(), expected, "{patterns:?}");
        }
    }

    #[test]
    fn one_pattern_without_a_match_refuses_the_whole_request() {
        let error = select(&["web", "wbe", "db#2", "x*"], &instances()).unwrap_err();
        assert_eq!(
            error,
            Unmatched {
                patterns: vec!["wbe".into(), "db#2".into(), "x*".into()],
                names: ["web", "web#1", "web#2", "db", "sidekiq", "sidecar", "web2"]
                    .map(String::from)
                    .to_vec(),
            }
        );
        let told = error.diagnostics();
        assert!(told[0].message.contains("did you mean \"web\"?"), "{}", told[0]);
        assert!(select(&["web#3"], &instances()).is_err());
        assert!(select(&[""], &instances()).is_err());
        assert_eq!(
            select(&["web"], &[] as &[InstanceName]).unwrap_err().names,
            [""; 0]
        );
    }

    #[test]
    fn stars_go_back_when_they_must() {
        for (pattern, text, expected) in [
            ("*b*b", "abab", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b", "abc", false),
            ("**", "", true),
            ("?", "", false),
            ("w?b", "wéb", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_fits_itself_and_any_pattern_made_from_it(text in "[ab]{0,8}", at in 0usize..8, len in 0usize..8) {
            prop_assert!(matches(&text, &text));
            let start = at.min(text.len());
            let end = (start + len).min(text.len());
            let starred = format!("{}*{}", &text[..start], &text[end..]);
            prop_assert!(matches(&starred, &text));
            let marks = format!("{}{}{}", &text[..start], "?".repeat(end - start), &text[end..]);
            prop_assert!(matches(&marks, &text));
        }
    }
}
