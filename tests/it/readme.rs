//! README.md says what is true: its commands run, its Procfile parses, its screens are what the program prints.

use crate::harness::{Output, Project, Terminal};
use ovr::model::StateWord;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A fenced block: its language and its lines.
struct Block {
    language: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("it is in the repository");
    let mut found: Vec<Block> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match line.strip_prefix("```") {
            Some(name) if !inside => found.push(Block {
                language: name.to_owned(),
                text: String::new(),
            }),
            None if inside => {
                let block = found.last_mut().expect("inside of one");
                block.text.push_str(line);
                block.text.push('\n');
            }
            Some(_) | None => {}
        }
        inside ^= line.starts_with("```");
    }
    assert!(!inside, "a block without an end");
    for block in &found {
        let known = ["sh", "procfile", "text", "yaml"].contains(&block.language.as_str());
        assert!(known, "nothing checks blocks of {:?}", block.language);
    }
    found.retain(|block| block.language == language);
    found.into_iter().map(|block| block.text).collect()
}

/// The project of the screens: the services that the first one names, with commands that print what it shows.
fn shop(screen: &str) -> Project {
    let services: String = screen
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("  "))
        .map(|line| {
            let mut words = line.trim_start().splitn(2, ' ');
            let name = words.next().expect("a row has a name");
            let rest = words.next().expect("a row has a port");
            let (_port, command) = rest.trim_start().split_once("  ").expect("a row has a command");
            format!("{name}: {command}")
        })
        .collect::<Vec<_>>()
        .join("\n");
    let scripts = [
        (
            "bin/server",
            "echo listening on http://127.0.0.1:$2; exec sleep 1000",
        ),
        (
            "bin/jobs",
            "echo job 1 done; until [ -e $OUT/fail ]; do sleep 0.02; done; echo \"KeyError: 'user_id'\"; exit 3",
        ),
        ("bin/import", "printf 'continue? '; read -r answer"),
    ];
    let project = Project::new()
        .on_free_ports()
        .procfile(&services)
        .script("postgres", "#!/bin/sh\nexec sleep 1000\n");
    for (path, text) in scripts {
        project.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(project.root.join(path), fs::Permissions::from_mode(0o755))
            .expect("it was just written");
    }
    project
}

/// What stays the same from one run to the next: no numbers, no units of time, no widths of columns.
fn shape(project: &Project, line: &str) -> String {
    let line = line
        .replace(project.root.to_str().expect("ASCII"), "/home/me/shop")
        .replace("http://127.0.0.1:", "URL");
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let is_unit = ["ms", "s", "min", "h"].contains(&word.trim_end_matches(':'));
        let is_number = |word: &String| word.ends_with('#');
        let digits = word.trim_start_matches("URL");
        if is_unit && words.last().is_some_and(is_number) {
            words.push("time".to_owned() + word.trim_start_matches(char::is_alphabetic));
        } else if digits
            .trim_matches(|c: char| c.is_ascii_digit() || c == '.')
            .is_empty()
            && !digits.is_empty()
        {
            words.push(word.replace(digits, "#"));
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

#[test]
fn the_screens_are_what_is_printed() {
    let screens = blocks("text");
    let [start, status] = screens.as_slice() else {
        panic!("{} screens", screens.len());
    };
    let project = shop(start);
    let console = run_on_terminal(&project, start);
    for line in start.lines().skip(1) {
        let wanted = shape(&project, line);
        project.wait_until(&format!("{wanted:?} to be printed"), || {
            let printed = console.plain();
            printed.lines().any(|line| shape(&project, line) == wanted)
        });
    }
    fs::write(project.path("out").join("fail"), "").unwrap();
    project.wait_state("worker", StateWord::Failed);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    let printed = run(&project, status.lines().next().unwrap());
    let shapes = |text: &str| text.lines().map(|line| shape(&project, line)).collect::<Vec<_>>();
    assert_eq!(shapes(&printed.stdout), shapes(status)[1..], "{printed}");
}

fn words(line: &str) -> Vec<&str> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let command = line.split(" #").next().unwrap_or_default();
    command.split_whitespace().skip(1).collect()
}

fn run_on_terminal(project: &Project, screen: &str) -> Terminal {
    project
        .cmd(&words(screen.lines().next().expect("a screen has a command")))
        .terminal()
}

fn run(project: &Project, line: &str) -> Output {
    project.ovr(&words(line))
}

#[test]
fn the_procfile_is_good_as_it_is() {
    for text in blocks("procfile") {
        let project = Project::with(&text);
        project
            .ovr(&["check"])
            .success()
            .never_says(&["warning", "error"]);
        project.start_detached(&["-N"]);
        project.wait_running(["web", "worker"]);
    }
}

#[test]
fn the_yaml_beside_the_procfile_does_what_the_text_says() {
    let project = Project::with(&blocks("procfile").concat())
        .file("ovr.yaml", &blocks("yaml").concat())
        .script("postgres", "#!/bin/sh\nexec sleep 1000\n")
        .script("pg_isready", "#!/bin/sh\n[ -e \"$OUT/ready\" ]\n")
        .script("python3", "#!/bin/sh\nexec sleep 1000\n");
    project
        .ovr(&["check"])
        .success()
        .never_says(&["warning", "error"]);
    let console = project.start(&[]);
    console.wait_for_screen_text("waits for db: ready");
    project.wait_running(["db", "worker"]);
    assert_eq!(project.service("web").state, StateWord::Pending);
    fs::write(project.path("out").join("ready"), "").unwrap();
    project.wait_running(["web"]);
}

#[test]
fn every_command_does_what_the_line_says() {
    let text = blocks("procfile").concat() + "db: sleep 1000\n";
    let project = Project::with(&text.replace("python3 -m http.server $PORT", "sleep 1000"));
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for line in blocks("sh").iter().flat_map(|block| block.lines()) {
        let command = line.split(" #").next().unwrap_or_default().trim();
        match command {
            "" => {}
            "cargo install --path ." => assert!(root().join("Cargo.toml").exists()),
            make if make.starts_with("make ") => {
                let target = format!("\n{}:", make.trim_start_matches("make "));
                assert!(makefile.contains(&target), "{line}");
            }
            "ovr start" => project.start_detached(&[]),
            "ovr connect web" => {
                let view = project.connect("web");
                view.type_keys("\x02d");
                assert_eq!(view.wait_exit(), 0);
            }
            "ovr echo" => {
                let echo = project.cmd(&["echo"]).terminal();
                echo.wait_for_output("│ working");
                echo.ctrl_c();
                echo.wait_exit();
            }
            "ovr run env" => {
                let output = project.ovr(&["run", "env"]);
                output.success().says(&["OVR_PROCESS_WEB_PORT=5000"]);
            }
            jq if jq.contains('|') => check_filter(&project, jq),
            other => {
                run(&project, other).success();
            }
        }
    }
}

/// The line with `jq` gives the names of failed services. Without jq on this machine it is passed over.
fn check_filter(project: &Project, line: &str) {
    let jq = project.cmd(&["-c", "command -v jq"]).program("/bin/sh").output();
    if jq.code != 0 {
        return;
    }
    let failing = Project::beside(project, "failing").procfile("web: exit 3\nworker: sleep 1000\n");
    // Whether it fails before or after the start is over does not matter here.
    failing.ovr(&["start", "-D", "--any-can-die"]);
    failing.wait_state("web", StateWord::Failed);
    let line = line.replace("ovr ", &format!("{} ", env!("CARGO_BIN_EXE_ovr")));
    let output = failing.cmd(&["-c", &line]).program("/bin/sh").output();
    assert_eq!(output.success().stdout, "web\n");
}
