//! Tests of the help texts: they fit the screen and miss nothing.

use super::{GROUPS, built, long, overview, overview_short, sections, short};
use crate::cli::args::{definition, examples, parse};
use crate::cli::settings::SETTINGS;
use crate::cli::style::{Paint, plain, width};
use clap::error::ErrorKind;

fn fits(text: &str, lines: usize, what: &str) {
    assert!(
        text.lines().count() <= lines,
        "{what}: {} lines\n{text}",
        text.lines().count()
    );
    for line in text.lines() {
        assert!(width(line) <= 80, "{what}: {line:?}");
        assert_eq!(line, line.trim_end(), "{what}");
    }
}

#[test]
fn the_overview_fits_a_screen_and_misses_no_command() {
    let definition = built(&definition());
    let text = overview(&definition, Paint::PLAIN);
    // One row is left for the prompt.
    fits(&text, 23, "ovr --help");
    let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
    let defined: Vec<&str> = definition
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    for name in &defined {
        assert!(grouped.contains(name), "{name} is in no group");
    }
    assert_eq!(grouped.len(), defined.len());
    fits(&overview_short(&definition, Paint::PLAIN), 21, "ovr -h");
}

#[test]
fn every_help_fits_80_columns_and_has_examples_first() {
    for command in built(&definition()).get_subcommands() {
        let name = command.get_name();
        let long = long(command, Paint::PLAIN);
        fits(&long, 100, name);
        fits(&short(command, Paint::PLAIN), 24, &format!("{name} -h"));
        let example = long.find(examples(name)[0].0).unwrap();
        assert!(example < long.find("--help").unwrap(), "{name}");
        assert!(sections(command).len() <= 6, "{name}");
    }
}

#[test]
fn the_help_of_start_has_default_and_variable_of_every_flag() {
    let definition = built(&definition());
    let start = definition.find_subcommand("start").unwrap();
    let text = long(start, Paint::PLAIN)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for setting in SETTINGS {
        let meta = format!("[default: {}] [{}]", setting.default, setting.variables[0]);
        assert!(text.contains(&meta), "{meta}");
    }
    let headings = sections(start)
        .iter()
        .filter(|(title, _)| title != "Arguments")
        .count();
    assert!(headings <= 5, "{headings} headings");
    assert!(text.contains("ovr connect NAME") && text.contains("Ctrl-C"));
}

#[test]
fn asking_for_help_prints_ours_in_its_two_lengths() {
    let asked = |line: &str| {
        let error = parse(line.split(' ')).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DisplayHelp, "{line}");
        let text = error.render().to_string();
        text.lines().map(plain).collect::<Vec<_>>().join("\n") + "\n"
    };
    let definition = built(&definition());
    let restart = definition.find_subcommand("restart").unwrap();
    assert_eq!(asked("ovr --help"), overview(&definition, Paint::PLAIN));
    assert_eq!(asked("ovr help"), overview(&definition, Paint::PLAIN));
    assert_eq!(asked("ovr -h"), overview_short(&definition, Paint::PLAIN));
    assert_eq!(asked("ovr restart --help"), long(restart, Paint::PLAIN));
    assert_eq!(asked("ovr help restart"), long(restart, Paint::PLAIN));
    assert_eq!(asked("ovr r -h"), short(restart, Paint::PLAIN));
    // What the short one leaves out is not passed over in silence.
    assert!(asked("ovr start -h").contains("says what each means, and has "));
}
