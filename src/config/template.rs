//! The `{{ }}` of values: the part of Go's text/template that configurations use. Pure: text and variables in,
//! text or a fault out. What is rendered, with which variables, is `expand`'s to decide.
//!
//! Commands are full of braces that are meant for somebody else (`docker inspect --format '{{.State.Status}}'`).
//! [`Unknown::Keep`] leaves what it cannot be about as it was written.

mod evaluate;
mod expression;
mod functions;
mod parse;
mod printf;

use super::project::Var;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// What `.name` can stand for.
pub type Variables = BTreeMap<String, Var>;

/// What to do with an expression about a variable that nobody has defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It is a mistake.
    Refuse,
    /// It is for the program that the text is handed to, and stays as it was written.
    Keep,
}

/// What is wrong with a template, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub hint: Option<String>,
    /// The bytes of the action.
    pub at: Range<usize>,
}

/// A text without its templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered<'a> {
    pub text: Cow<'a, str>,
    /// What was left as written though it may have been meant for us: a name like one that is known.
    pub doubts: Vec<Fault>,
}

/// Renders `text`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn render<'a>(text: &'a str, variables: &Variables, unknown: Unknown) -> Result<Rendered<'a>, Fault> {
    if !text.contains("{{") {
        return Ok(Rendered {
            text: Cow::Borrowed(text),
            doubts: Vec::new(),
        });
    }
    let parsed = match (parse::parse(text, unknown), unknown) {
        (Ok(nodes), _) => nodes,
        (Err(fault), Unknown::Refuse) => return Err(fault),
        // Blocks that do not close are no template of anybody's; one of ours may be among them.
        (Err(fault), Unknown::Keep) => {
            return Ok(Rendered {
                text: Cow::Borrowed(text),
                doubts: vec![fault],
            });
        }
    };
    evaluate::evaluate(text, &parsed, variables, unknown)
}

#[cfg(test)]
mod tests;
