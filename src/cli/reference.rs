//! Documents made from the clap definition: the command line reference in Markdown and the manual pages.

use super::args::{definition, examples};
use super::help::{GROUPS, built, description, sections, spec};
use super::settings::SETTINGS;
use super::style::push_line;
use clap::Command;

/// What every generated file says at its top.
const NOTICE: &str =
    "Generated from src/cli; change it there, then run: OVR_REGENERATE=1 cargo test generated";

/// `docs/cli.md`.
pub fn markdown() -> String {
    let definition = built(&definition());
    let mut out = format!("<!-- {NOTICE} -->\n# Commands of ovr\n\n");
    for (group, names) in GROUPS {
        let links: Vec<String> = names
            .iter()
            .map(|name| format!("[{name}](#ovr-{name})"))
            .collect();
        push_line(&mut out, &format!("- {group}: {}", links.join(" · ")));
    }
    push_line(&mut out, "");
    push_line(
        &mut out,
        "Every command finds the session of the project it is called in, from any directory below the project's \
         root. Exit codes are in [exit-codes.md](exit-codes.md).",
    );
    for name in GROUPS.iter().flat_map(|(_, names)| *names) {
        if let Some(command) = definition.find_subcommand(name) {
            command_markdown(&mut out, command);
        }
    }
    variables_markdown(&mut out);
    out
}

fn command_markdown(out: &mut String, command: &Command) {
    let name = command.get_name();
    push_line(out, &format!("\n## ovr {name}\n"));
    let text = command.get_long_about().or_else(|| command.get_about());
    let text = text.map(ToString::to_string).unwrap_or_default();
    let (first, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    push_line(out, &format!("{first}."));
    if !rest.is_empty() {
        push_line(out, &format!("\n{rest}"));
    }
    let aliases: Vec<String> = command
        .get_visible_aliases()
        .map(|a| format!("`ovr {a}`"))
        .collect();
    if !aliases.is_empty() {
        push_line(out, &format!("\nAlso called {}.", aliases.join(", ")));
    }
    let usage = command.clone().render_usage().to_string();
    push_line(
        out,
        &format!("\n```text\n{}\n", usage.trim_start_matches("Usage: ")),
    );
    for (line, what) in examples(name) {
        push_line(out, &format!("{line:<40}  # {what}"));
    }
    push_line(out, "```");
    for (title, args) in sections(command) {
        push_line(out, &format!("\n| {title} | |\n|---|---|"));
        for arg in args {
            let (text, meta) = description(arg);
            let meta = if meta.is_empty() {
                meta
            } else {
                format!(" `{meta}`")
            };
            let text = text.replace('|', "\\|");
            push_line(out, &format!("| `{}` | {text}{meta} |", spec(arg).trim_start()));
        }
    }
}

fn variables_markdown(out: &mut String) {
    push_line(out, "\n## Variables of ovr start\n");
    push_line(
        out,
        "Read from the environment and from the env files, the first of a row that is set and not empty; a flag \
         wins over all of them. A yes-or-no setting takes `1` or `0`, `true` or `false`, and its flag may undo \
         it: `--daemonize=false`.\n",
    );
    push_line(
        out,
        "| flag | variables, strongest first | default |\n|---|---|---|",
    );
    for setting in SETTINGS {
        let variables: Vec<String> = setting.variables.iter().map(|v| format!("`{v}`")).collect();
        push_line(
            out,
            &format!(
                "| `{}` | {} | {} |",
                setting.flag,
                variables.join(", "),
                setting.default
            ),
        );
    }
    push_line(
        out,
        "\n`-s/--socket` of every command: `OVR_SOCKET`, `OVERMIND_SOCKET`.",
    );
}

/// Every manual page: its file's name and its text.
pub fn manual_pages() -> Vec<(String, String)> {
    let definition = built(&definition());
    let mut pages = vec![("ovr.1".to_owned(), manual_page(&definition, "ovr"))];
    for command in definition.get_subcommands() {
        let name = format!("ovr-{}", command.get_name());
        pages.push((format!("{name}.1"), manual_page(command, &name)));
    }
    pages
}

fn manual_page(command: &Command, name: &str) -> String {
    let man = clap_mangen::Man::new(command.clone().display_name(name));
    let mut body = Vec::new();
    let mut results = vec![man.render_description_section(&mut body)];
    body.extend_from_slice(examples_section(examples(command.get_name())).as_bytes());
    results.push(man.render_options_section(&mut body));
    if command.has_subcommands() {
        results.push(man.render_subcommands_section(&mut body));
    }
    for result in results {
        result.expect("a Vec takes everything");
    }
    let usage = command.clone().render_usage().to_string();
    let usage = roff(usage.trim_start_matches("Usage: "));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let see = if name == "ovr" {
        "tmux(1)"
    } else {
        "ovr(1), tmux(1)"
    };
    let body = String::from_utf8_lossy(&body).replace(" \n", "\n");
    format!(
        ".\\\" {NOTICE}\n.TH {title} 1 \"\" \"ovr {version}\" \"ovr\"\n.SH NAME\n{name} \\- {about}\n\
         .SH SYNOPSIS\n{usage}\n{body}.SH SEE ALSO\n{see}\n",
        title = name.to_uppercase(),
        version = env!("CARGO_PKG_VERSION"),
        name = roff(name),
        about = roff(&about),
    )
}

/// `text` as roff reads it as itself.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
}

fn examples_section(examples: &[(&str, &str)]) -> String {
    if examples.is_empty() {
        return String::new();
    }
    let mut out = ".SH EXAMPLES\n".to_owned();
    for (line, what) in examples {
        push_line(&mut out, &format!(".TP\n\\fB{}\\fR\n{}", roff(line), roff(what)));
    }
    out
}
