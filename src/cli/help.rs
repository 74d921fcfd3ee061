//! The help texts, laid out by hand and filled from the clap definition: one screen for `-h`, everything for
//! `--help`, and the overview of all commands. Nothing is said here that the definition does not say.

use super::args::examples;
use super::style::{Paint, pad, push_line, width, wrap};
use clap::{Arg, Command};

/// No line of help is wider.
const WIDTH: usize = 80;
/// Flags up to this width have their text beside them.
const FLAG_WIDTH: usize = 30;

/// The commands by purpose, in order of daily use.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("services", &["start", "restart", "stop", "quit"]),
    (
        "look",
        &[
            "connect", "status", "why", "logs", "events", "graph", "echo", "ls",
        ],
    ),
    ("changes", &["up", "down", "reload", "scale", "wait"]),
    ("more", &["run", "signal", "kill", "detach"]),
    ("project", &["check", "config", "env", "clean"]),
    ("programs", &["mcp", "hook", "api"]),
    ("shell", &["completions", "man"]),
];

/// So many of them hold the commands of every day.
const DAILY_GROUPS: usize = 2;

/// What the overview shows how to do.
const OVERVIEW_EXAMPLES: &[(&str, &str)] = &[
    ("ovr start", "start what the Procfile lists; Ctrl-C stops all"),
    (
        "ovr connect web",
        "type into web's own terminal; Ctrl-b d leaves it",
    ),
    ("ovr restart web", "restart web while the rest runs on"),
];

/// `definition` with our texts as its help, for clap to print where somebody asks for it.
pub fn dressed(definition: Command) -> Command {
    let built = built(&definition);
    let paint = Paint::COLOUR;
    definition
        .help_template("{before-help}")
        // Our lines are laid out; clap's wrapping would break them anew.
        .term_width(0)
        .before_help(overview_short(&built, paint))
        .before_long_help(overview(&built, paint))
        .mut_subcommands(|command| {
            let Some(built) = built.find_subcommand(command.get_name()) else {
                return command;
            };
            let (short, long) = (short(built, paint), long(built, paint));
            command
                .help_template("{before-help}")
                .term_width(0)
                .before_help(short)
                .before_long_help(long)
        })
}

/// `definition` with all that clap adds by itself: the flags of every command, their usage lines.
pub fn built(definition: &Command) -> Command {
    let mut built = definition.clone().disable_help_subcommand(true);
    built.build();
    let say = |command: Command| {
        command.mut_args(|arg| match arg.get_id().as_str() {
            "help" => arg
                .help("Print help: -h on one screen, --help all of it")
                .long_help(None),
            _ => arg,
        })
    };
    say(built).mut_subcommands(say)
}

/// The overview: `ovr --help`.
pub fn overview(definition: &Command, paint: Paint) -> String {
    let mut out = format!("{}.\n\n", about(definition));
    let (daily, others) = GROUPS.split_at(DAILY_GROUPS);
    for (group, names) in daily {
        for (at, name) in names.iter().enumerate() {
            let title = pad(if at == 0 { group } else { "" }, 8);
            push_line(
                &mut out,
                &format!("{} {}", paint.dim(&title), entry(definition, name, paint)),
            );
        }
    }
    // One screen has no room for a line on each.
    for (group, names) in others {
        let title = paint.dim(&pad(group, 8));
        push_line(&mut out, &format!("{title} {}", names.join(", ")));
    }
    for (at, line) in example_lines(OVERVIEW_EXAMPLES, paint).lines().enumerate() {
        let title = pad(if at == 0 { "try" } else { "" }, 8);
        push_line(&mut out, &format!("{} {}", paint.dim(&title), line.trim_start()));
    }
    out.push_str("`ovr COMMAND --help`, `ovr man | man -l -` and docs/cli.md say more.\n");
    out
}

/// What bare `ovr` and `ovr -h` print: the commands of every day.
pub fn overview_short(definition: &Command, paint: Paint) -> String {
    let mut out = format!("{}.\n\n", about(definition));
    for name in GROUPS.iter().take(DAILY_GROUPS).flat_map(|(_, names)| *names) {
        push_line(&mut out, &format!("  {}", entry(definition, name, paint)));
    }
    out.push_str("\n`ovr --help` lists all commands, `ovr COMMAND --help` says more about one.\n");
    out
}

/// Everything about one command: `ovr restart --help`.
pub fn long(command: &Command, paint: Paint) -> String {
    let mut out = head(command, usize::MAX, paint);
    let text = command
        .get_long_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    if let Some((_, rest)) = text.split_once("\n\n") {
        for line in wrap(rest, WIDTH - 2) {
            push_line(&mut out, &line);
        }
        out.push('\n');
    }
    out.push_str(&aliases(command));
    for (title, args) in sections(command) {
        push_line(&mut out, &paint.bold(&format!("{title}:")));
        for arg in args {
            out.push_str(&option(arg, FLAG_WIDTH));
        }
        out.push('\n');
    }
    format!("{}\n", out.trim_end())
}

/// The same on one screen: `ovr restart -h`.
pub fn short(command: &Command, paint: Paint) -> String {
    let mut out = head(command, 3, paint);
    let mut sections = sections(command);
    let all: usize = sections.iter().map(|(_, args)| args.len()).sum();
    for (_, args) in &mut sections {
        args.retain(|arg| !arg.is_hide_short_help_set());
    }
    let shown: usize = sections.iter().map(|(_, args)| args.len()).sum();
    if sections.len() <= 2 {
        let specs = sections.iter().flat_map(|(_, args)| args).map(|arg| spec(arg));
        let widest = specs.map(|spec| width(&spec)).max().unwrap_or(0).min(FLAG_WIDTH);
        for (_, args) in sections {
            for arg in args {
                out.push_str(&option(arg, widest));
            }
        }
        return out;
    }
    for (title, args) in sections {
        let mut lines = vec![String::new()];
        let room = WIDTH - 21;
        for arg in args {
            let spec = spec(arg);
            let spec = spec.trim_start();
            let full = lines
                .last()
                .is_some_and(|line| width(line) + 2 + width(spec) > room);
            if full {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line.push_str(spec);
            }
        }
        for (at, line) in lines.iter().enumerate() {
            let title = if at == 0 { title.as_str() } else { "" };
            push_line(&mut out, &format!("{} {line}", paint.bold(&pad(title, 20))));
        }
    }
    push_line(
        &mut out,
        &format!(
            "\n`ovr {} --help` says what each means{}.",
            command.get_name(),
            match all - shown {
                0 => String::new(),
                more => format!(", and has {more} more"),
            }
        ),
    );
    out
}

/// The sections of a command's help: arguments, then flags under their headings.
pub fn sections(command: &Command) -> Vec<(String, Vec<&Arg>)> {
    let mut sections: Vec<(String, Vec<&Arg>)> = Vec::new();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let (positional, flags): (Vec<&Arg>, Vec<&Arg>) = shown.partition(|arg| arg.is_positional());
    if !positional.is_empty() {
        sections.push(("Arguments".to_owned(), positional));
    }
    let last = flags
        .iter()
        .rev()
        .find_map(|arg| arg.get_help_heading())
        .unwrap_or("Options");
    for arg in flags {
        let heading = arg.get_help_heading().unwrap_or(last);
        match sections.iter_mut().find(|(title, _)| title == heading) {
            Some((_, args)) => args.push(arg),
            None => sections.push((heading.to_owned(), vec![arg])),
        }
    }
    sections
}

/// A flag or argument as help writes it: `-p, --port PORT`, `    --fresh`, `NAME...`.
pub fn spec(arg: &Arg) -> String {
    let values = arg.get_value_names().map_or(String::new(), |names| {
        names
            .iter()
            .map(clap::builder::Str::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    });
    let range = arg.get_num_args().unwrap_or_default();
    if arg.is_positional() {
        let many = if range.max_values() > 1 { "..." } else { "" };
        return format!("{values}{many}");
    }
    let value = if range.min_values() > 0 {
        format!(" {values}")
    } else {
        String::new()
    };
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
        (Some(short), None) => format!("-{short}{value}"),
        (None, Some(long)) => format!("    --{long}{value}"),
        (None, None) => values,
    }
}

/// What help says about a flag or argument: its sentence, and apart from it default and variable.
pub fn description(arg: &Arg) -> (String, String) {
    let text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if let Some(at) = text.find(" [default: ") {
        return (text[..at].to_owned(), text[at + 1..].to_owned());
    }
    let range = arg.get_num_args().unwrap_or_default();
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .filter(|_| range.takes_values())
        .map(|v| v.to_string_lossy())
        .collect();
    let possible: Vec<String> = if range.takes_values() {
        arg.get_possible_values()
            .iter()
            .map(|v| v.get_name().to_owned())
            .collect()
    } else {
        Vec::new()
    };
    let meta = match (defaults.as_slice(), possible.as_slice()) {
        ([], []) => String::new(),
        ([], possible) => format!("[{}]", possible.join(", ")),
        (defaults, _) => format!("[default: {}]", defaults.join(", ")),
    };
    (text, meta)
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn entry(definition: &Command, name: &str, paint: Paint) -> String {
    let about = definition.find_subcommand(name).map(about).unwrap_or_default();
    format!("{} {about}", paint.green(&pad(name, 12)))
}

fn head(command: &Command, most_examples: usize, paint: Paint) -> String {
    let examples = examples(command.get_name());
    let examples = &examples[..examples.len().min(most_examples)];
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    format!(
        "{}\n\n{} {usage}\n\n{}\n{}\n",
        about(command),
        paint.bold("Usage:"),
        paint.bold("Examples:"),
        example_lines(examples, paint)
    )
}

fn example_lines(examples: &[(&str, &str)], paint: Paint) -> String {
    let widest = examples.iter().map(|(line, _)| width(line)).max().unwrap_or(0);
    let mut out = String::new();
    for (line, what) in examples {
        push_line(
            &mut out,
            &format!("  {}  {what}", paint.green(&pad(line, widest))),
        );
    }
    out
}

fn aliases(command: &Command) -> String {
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if aliases.is_empty() {
        return String::new();
    }
    format!("Also called: {}\n\n", aliases.join(", "))
}

fn option(arg: &Arg, column: usize) -> String {
    let spec = spec(arg);
    let (text, meta) = description(arg);
    let room = WIDTH - column - 4;
    let mut lines = wrap(&text, room);
    if !meta.is_empty() {
        let fits = lines
            .last()
            .is_some_and(|line| width(line) + 1 + width(&meta) <= room);
        match lines.last_mut() {
            Some(line) if fits => *line = format!("{line} {meta}"),
            Some(_) | None => lines.extend(wrap(&meta, room)),
        }
    }
    let mut out = String::new();
    if width(&spec) > column {
        push_line(&mut out, &format!("  {spec}"));
    } else {
        let first = lines.remove(0);
        out.push_str(format!("  {}  {first}", pad(&spec, column)).trim_end());
        out.push('\n');
    }
    for line in lines {
        push_line(&mut out, &format!("{}{line}", " ".repeat(column + 4)));
    }
    out
}

#[cfg(test)]
mod tests;
