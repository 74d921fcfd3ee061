//! What clients ask of the session's files and of its machine. Who answers is handed in by `cli`, which can read
//! configurations; here it is given a thread, and told what only the session knows.

use super::core::Controller;
use super::reload::merged;
use super::replan::Overrides;
use crate::api::call::Reply;
use crate::api::messages::{
    Checked, Cleaned, Configuration, Environment, Leftovers, SCHEMA, Sessions, Variable,
};
use crate::diag::Diagnostic;
use crate::model::Variables;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// So many questions are answered at a time; others wait for their turn.
const AT_A_TIME: usize = 4;

/// Answers by reading files and running the commands that these name: not for the loop's own thread.
pub trait Inquiries: fmt::Debug + Send + Sync {
    fn check(&self) -> Checked;

    fn config(&self) -> Configuration;

    /// The environment that the files make for this instance (`None`: what all services share).
    ///
    /// # Errors
    /// All that is wrong with them.
    fn environment(
        &self,
        overrides: &Overrides,
        instance: Option<&str>,
    ) -> Result<Vec<Variable>, Vec<Diagnostic>>;

    fn sessions(&self) -> Result<Sessions, Diagnostic>;

    fn leftovers(&self) -> Result<Leftovers, Diagnostic>;

    /// Removes these, as far as they are leftovers still.
    fn clean(&self, paths: &[String]) -> Result<Cleaned, Diagnostic>;

    /// This process is about to end: what is run for an answer or a plan is ended, and nothing more is run.
    fn close(&self);
}

/// Who answers, and how many are asking.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    inquiries: Arc<dyn Inquiries>,
    room: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(inquiries: Arc<dyn Inquiries>) -> Self {
        let room = Arc::new(Semaphore::new(AT_A_TIME));
        Self { inquiries, room }
    }

    /// Nobody is to wait any more for what is run elsewhere.
    pub(super) fn close(&self) {
        self.inquiries.close();
    }

    /// The answer, on a thread of its own; `None`: the thread is gone.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Inquiries) -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = self.room.acquire().await.ok()?;
        let inquiries = Arc::clone(&self.inquiries);
        let answered = tokio::task::spawn_blocking(move || question(&*inquiries));
        answered.await.ok()
    }
}

impl Controller {
    /// Has the question answered, and the answer sent; nothing is done for a client that has hung up meanwhile.
    pub(super) fn inquire<T: Send + 'static>(
        &self,
        mut reply: Reply<T>,
        question: impl FnOnce(&dyn Inquiries) -> Result<T, Diagnostic> + Send + 'static,
    ) {
        let desk = self.facts.desk.clone();
        tokio::spawn(async move {
            let answer = tokio::select! {
                answer = desk.ask(question) => answer,
                () = reply.closed() => return,
            };
            if let Some(answer) = answer {
                drop(reply.send(answer));
            }
        });
    }

    pub(super) fn answer_environment(&self, name: Option<String>, reply: Reply<Environment>) {
        let overrides = self.overrides();
        let Some(name) = name else {
            return self.inquire(reply, move |inquiries| {
                let variables = inquiries.environment(&overrides, None);
                variables
                    .map(|variables| told(None, variables))
                    .map_err(|problems| unreadable(&problems))
            });
        };
        match self.planned(&name) {
            Ok((instance, planned)) => self.inquire(reply, move |inquiries| {
                // What the files no longer say, or cannot say for errors, the session knows.
                let now = inquiries
                    .environment(&overrides, Some(&instance))
                    .unwrap_or_default();
                Ok(told(Some(name), with_sources(&planned, now)))
            }),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// The instance that is meant (the first one of a service), and the environment that its next start gets.
    pub(super) fn planned(&self, name: &str) -> Result<(String, Variables), Diagnostic> {
        let targets = self.targets(&[name.to_owned()])?;
        let first = targets.first().expect("a name that means nobody is an error");
        let spec = &self.host(*first).spec;
        Ok((spec.name.to_string(), spec.launch.env.clone()))
    }

    /// What was asked of this session and is not in its files.
    pub(super) fn overrides(&self) -> Overrides {
        let scaled = self.scaled.iter();
        let counts = scaled
            .map(|(service, scaled)| (service.clone(), scaled.count))
            .collect();
        Overrides { counts }
    }
}

/// Why what the files make cannot be told.
pub(super) fn unreadable(problems: &[Diagnostic]) -> Diagnostic {
    merged(problems).hint("ovr check shows all that is wrong with the session's files")
}

fn told(service: Option<String>, variables: Vec<Variable>) -> Environment {
    Environment {
        schema: SCHEMA,
        service,
        variables,
    }
}

/// The variables that are planned, with the sources of those that the files still say.
fn with_sources(planned: &Variables, now: Vec<Variable>) -> Vec<Variable> {
    let mut now: std::collections::BTreeMap<String, Variable> = now
        .into_iter()
        .map(|variable| (variable.name.clone(), variable))
        .collect();
    let sourced = |(name, value): (&str, &str)| {
        let said = now.remove(name).filter(|variable| variable.value == value);
        said.unwrap_or_else(|| Variable {
            name: name.to_owned(),
            value: value.to_owned(),
            source: "the session".to_owned(),
            overrides: Vec::new(),
        })
    };
    planned.iter().map(sourced).collect()
}

#[cfg(test)]
mod tests {
    use super::with_sources;
    use crate::api::messages::Variable;
    use crate::model::Variables;

    #[test]
    fn values_are_the_sessions_and_sources_those_of_files_that_still_say_so() {
        let planned =
            [("A", "1"), ("B", "2"), ("C", "3")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let planned: Variables = planned.into_iter().collect();
        let now = |name: &str, value: &str| Variable {
            name: name.into(),
            value: value.into(),
            source: format!(".env:{value}"),
            overrides: Vec::new(),
        };
        let told = with_sources(
            &planned,
            vec![now("A", "1"), now("B", "changed"), now("NEW", "4")],
        );
        let told: Vec<_> = told
            .iter()
            .map(|variable| {
                (
                    variable.name.as_str(),
                    variable.value.as_str(),
                    variable.source.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("A", "1", ".env:1"),
                ("B", "2", "the session"),
                ("C", "3", "the session")
            ]
        );
    }
}
