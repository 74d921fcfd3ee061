//! What is wrong with a text that is no YAML, in words that say what to do about it. The parser's own words
//! are kept as the cause.

use crate::diag::{Diagnostic, Kind, Span};

/// What the parser's words begin with or hold, what we say, and the way out.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "tab",
        "a tab cannot indent here",
        "YAML is indented with spaces: replace the tab by some",
    ),
    (
        "mapping values are not allowed",
        "a `:` followed by a blank cannot stand in this value",
        "put quotes around the whole value, or write it as a block: `key: |` and the text below, indented",
    ),
    (
        "illegal placement of ':'",
        "a `:` cannot stand here",
        "put quotes around the whole value",
    ),
    (
        "unknown anchor",
        "there is no anchor of this name above",
        "an alias `*name` needs an `&name` before it; a text that begins with `*` needs quotes",
    ),
    (
        "found unexpected end of stream",
        "a quote that opens here or above is never closed",
        "close it, or write the text as a block: `key: |` and the text below, indented",
    ),
    (
        "unknown escape character",
        "this escape means nothing between double quotes",
        "write `\\\\` for a backslash, or use single quotes, in which it is just a backslash",
    ),
    (
        "trailing content",
        "something follows the closing quote",
        "put quotes around the whole value; inside of double quotes a quote is written `\\\"`",
    ),
    (
        "flow mapping",
        "a `{` is never closed, or what is between the braces is no mapping",
        "a text that begins with `{`, as a template `{{…}}` does, needs quotes around it",
    ),
    (
        "flow sequence",
        "a `[` is never closed, or what is between the brackets is no list",
        "a text that begins with `[` needs quotes around it",
    ),
    (
        "simple key expect",
        "a key needs a `:` behind it",
        "write `key: value`; a list's item begins with `- `",
    ),
    (
        "did not find expected key",
        "the indentation does not fit what is above",
        "keys of one mapping begin in the same column; `- ` begins an item of a list",
    ),
    (
        "did not find expected '-'",
        "the indentation does not fit what is above",
        "the items of one list begin in the same column, each with `- `",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin it in the line below its key",
    ),
    (
        "indentation",
        "the indentation does not fit what is above",
        "keys of one mapping begin in the same column",
    ),
    (
        "unexpected character",
        "no text can begin with this character",
        "put quotes around the whole value",
    ),
    (
        "expected alphabetic or numeric",
        "an anchor or alias needs a name",
        "a text that begins with `&` or `*` needs quotes around it",
    ),
    (
        "tag",
        "what begins with `!` is a tag, and this one is not well written",
        "a text that begins with `!` needs quotes around it",
    ),
    (
        "recursion limit",
        "this is nested too deeply for a configuration",
        "remove the superfluous brackets",
    ),
];

/// The error for what the parser says of the place `span`.
pub(super) fn diagnostic(info: &str, mut span: Span) -> Diagnostic {
    let known = WORDS.iter().find(|(theirs, _, _)| info.contains(theirs));
    let (message, hint) = known.map_or(
        ("this is no YAML", "the mistake is here or shortly before"),
        |(_, message, hint)| (message, hint),
    );
    if info.contains("tab") {
        let line = span
            .source
            .text
            .split('\n')
            .nth(span.line - 1)
            .unwrap_or_default();
        let blanks = line.chars().take_while(|c| c.is_whitespace());
        span.column = blanks.take_while(|c| *c != '\t').count() + 1;
    }
    Diagnostic::error(Kind::Config, message)
        .at(span)
        .cause(info.to_owned())
        .hint(hint)
}
