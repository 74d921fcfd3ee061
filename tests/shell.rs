//! The files for shells work in these shells: prompts, aliases, completion. A shell that is not installed is
//! passed over; bash and sh are always there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn shell_dir() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/shell"))
}

/// A directory with an `ovr` that runs `script`.
fn fake_ovr(script: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ovr");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// What `script` prints in `shell` with `ovr` from `first` on PATH; `None` without that shell.
fn run(shell: &str, first: &Path, script: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let path = format!("{}:{}", first.display(), std::env::var("PATH").unwrap());
    let out = Command::new(shell)
        .args(["-c", script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.path())
        .env("SHELL_DIR", shell_dir())
        .output()
        .ok()?;
    assert!(
        out.stderr.is_empty(),
        "{shell}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    Some(String::from_utf8(out.stdout).unwrap())
}

const PROMPTS: [(&str, &str); 3] = [
    (
        "bash",
        "PS1='$ '; . $SHELL_DIR/prompt.bash; (exit 3); __ovr_prompt; echo \"$?\"; printf %s \"${PS1@P}\"",
    ),
    (
        "zsh",
        "PROMPT='$ '; . $SHELL_DIR/prompt.zsh; _ovr_prompt; echo 3; print -Pn -- $PROMPT",
    ),
    (
        "fish",
        "source $SHELL_DIR/prompt.fish; echo 3; ovr_prompt; printf '$ '",
    ),
];

#[test]
fn a_prompt_shows_the_services_and_keeps_the_last_exit_code() {
    // As `ovr status` does where a service has failed.
    let ovr = fake_ovr("[ \"$*\" = 'status --short' ] && echo '3/4 web! ask?'; exit 74");
    for (shell, script) in PROMPTS {
        if let Some(shown) = run(shell, ovr.path(), script) {
            assert_eq!(shown, "3\n[3/4 web! ask?] $ ", "{shell}");
        }
    }
}

#[test]
fn starship_shows_the_services_also_where_one_has_failed() {
    let ovr = fake_ovr("[ \"$*\" = 'status --short' ] && echo '3/4 web!'; exit 74");
    let starship = fs::read_to_string(shell_dir().join("starship.toml")).unwrap();
    let command = starship.lines().find_map(|line| line.strip_prefix("command = "));
    let command = command.unwrap().trim_matches('"');
    // starship shows nothing of a command that exits with another code than 0.
    let shown = run("sh", ovr.path(), &format!("{command} && echo shown"));
    assert_eq!(shown.as_deref(), Some("3/4 web!\nshown\n"));
}

#[test]
fn a_prompt_without_a_session_is_as_it_was() {
    let ovr = fake_ovr("echo 'no session' >&2; exit 69");
    for (shell, script) in PROMPTS {
        if let Some(shown) = run(shell, ovr.path(), script) {
            assert_eq!(shown, "3\n$ ", "{shell}");
        }
    }
}

#[test]
fn the_aliases_are_read_by_every_shell() {
    let ovr = fake_ovr("true");
    for shell in ["sh", "bash", "zsh", "fish"] {
        if let Some(shown) = run(shell, ovr.path(), ". $SHELL_DIR/aliases.sh; echo read") {
            assert_eq!(shown, "read\n", "{shell}");
        }
    }
}

#[test]
fn bash_completes_without_the_bash_completion_package() {
    let program = Path::new(env!("CARGO_BIN_EXE_ovr")).parent().unwrap();
    let script = r#"
        source <(ovr completions bash)
        try() {
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9 COMPREPLY=()
            _clap_complete_ovr ovr "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[*]}"
        }
        try ovr sta
        try ovr signal US
        try ovr ps --v
    "#;
    let shown = run("bash", program, script).unwrap();
    assert_eq!(shown, "start status\nUSR1 USR2\n--verbose\n");
}

#[test]
fn bash_completes_what_it_takes_for_several_words() {
    let program = Path::new(env!("CARGO_BIN_EXE_ovr")).parent().unwrap();
    // As bash calls it: the words, the number of the one at the cursor, and what it will replace.
    let script = r#"
        source <(ovr completions bash)
        try() {
            COMP_LINE=$1 COMP_CWORD=$2 COMP_TYPE=9 COMPREPLY=()
            local replaced=$3
            shift 3
            COMP_WORDS=("$@")
            _clap_complete_ovr ovr "$replaced" x
            echo "${COMPREPLY[*]}"
        }
        try 'ovr start -i web=T' 5 T  ovr start -i web = T
        try 'ovr start -i web=' 4 ''  ovr start -i web =
        try 'ovr start --stop-signals=web=T' 6 T  ovr start --stop-signals = web = T
        try 'ovr start -i web=TERM,x=H -D' 7 H  ovr start -i web = TERM,x = H -D
        try 'ovr start -i web=TERM --no-d' 6 --no-d  ovr start -i web = TERM --no-d
    "#;
    let shown = run("bash", program, script).unwrap();
    assert_eq!(shown, "TERM\nTERM INT QUIT HUP KILL\nTERM\nHUP\n--no-deps\n");
}

#[test]
fn fish_completes_with_descriptions() {
    let program = Path::new(env!("CARGO_BIN_EXE_ovr")).parent().unwrap();
    let script = "ovr completions fish | source; complete -C 'ovr signal US'";
    if let Some(shown) = run("fish", program, script) {
        assert_eq!(shown, "USR1\t10\nUSR2\t12\n");
    }
}
