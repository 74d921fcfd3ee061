//! What to say where no configuration was found: where it was looked for, what to write, and what the files
//! that are there suggest. Words only; `project.rs` does the search.

use super::project::CONFIG_FILES;
use crate::diag::{Diagnostic, Kind};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that give away what a project is started with: name, service, command.
const SIGNS: &[(&str, &str, &str)] = &[
    ("bin/rails", "web", "bin/rails server"),
    ("manage.py", "web", "python manage.py runserver $PORT"),
    ("artisan", "web", "php artisan serve --port=$PORT"),
    ("mix.exs", "web", "mix phx.server"),
    ("config.ru", "web", "bundle exec rackup --port $PORT"),
    ("Cargo.toml", "app", "cargo run"),
    ("go.mod", "app", "go run ."),
    ("docker-compose.yml", "docker", "docker compose up"),
    ("docker-compose.yaml", "docker", "docker compose up"),
    ("compose.yaml", "docker", "docker compose up"),
    ("compose.yml", "docker", "docker compose up"),
];

/// Names that a Procfile has when it is not *the* Procfile.
const PROCFILE_VARIANTS: &[&str] = &["Procfile.dev", "Procfile.development", "Procfile.local"];

/// What can be run, in the words of the error; each has its other spellings.
const RUNNABLE: &str = "a Procfile, ovr.yaml or process-compose.yaml";

/// How many directories are named one by one.
const NAMED_DIRECTORIES: usize = 4;

/// The error for a search that found nothing. `searched`: nearest first, at least one. `refused`:
/// configurations that were seen and not taken, because they belong to another user.
pub(super) fn no_config(searched: &[PathBuf], refused: &[PathBuf]) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::error(Kind::NoConfig, "no project here or above: no configuration found")
            .cause(format!("looked for {RUNNABLE} in {}", directories(searched)));
    for path in refused {
        diagnostic = diagnostic
            .cause(format!("{} belongs to another user", path.display()))
            .hint(format!("if you trust it: ovr start -f {}", path.display()));
    }
    let here = searched.first().map_or(Path::new("."), PathBuf::as_path);
    for variant in PROCFILE_VARIANTS {
        if here.join(variant).is_file() {
            diagnostic = diagnostic.hint(format!("{variant} is here: ovr start -f {variant}"));
        }
    }
    let others: Vec<&str> = unread_names()
        .into_iter()
        .filter(|name| here.join(name).is_file())
        .collect();
    if !others.is_empty() {
        diagnostic = diagnostic.hint(format!("{} is here; this ovr runs {RUNNABLE}", others.join(", ")));
    }
    let signs = signs_in(here);
    for (file, service, command) in &signs {
        diagnostic = diagnostic.hint(format!("{file} is here: write `{service}: {command}`"));
    }
    diagnostic.hint(format!(
        "one line a service is enough; put this into {}:\n{}",
        here.join("Procfile").display(),
        sample(&signs)
    ))
}

/// The names of configurations that this build cannot run.
fn unread_names() -> Vec<&'static str> {
    CONFIG_FILES
        .iter()
        .filter(|(_, _, runnable)| !*runnable)
        .map(|(name, _, _)| *name)
        .collect()
}

/// `/a/b/c, /a/b, /a and /`, or for a deep one `/a/b/c/d/e and the 5 directories above it`.
fn directories(searched: &[PathBuf]) -> String {
    let shown = |path: &PathBuf| path.display().to_string();
    match searched {
        [] => "the current directory".to_owned(),
        [only] => shown(only),
        [first, .., last] if searched.len() > NAMED_DIRECTORIES => format!(
            "{} and the {} directories above it, up to {}",
            shown(first),
            searched.len() - 1,
            shown(last)
        ),
        [most @ .., last] => {
            let most: Vec<String> = most.iter().map(shown).collect();
            format!("{} and {}", most.join(", "), shown(last))
        }
    }
}

/// Two lines for a Procfile: what the files here suggest, else an example that runs anywhere.
fn sample(signs: &[(&'static str, &'static str, String)]) -> String {
    let mut lines: Vec<(&str, &str)> = Vec::new();
    for (_, service, command) in signs {
        if lines.iter().all(|(taken, _)| taken != service) {
            lines.push((service, command));
        }
    }
    for example in [
        ("web", "python3 -m http.server $PORT"),
        ("clock", "while date; do sleep 1; done"),
    ] {
        if lines.len() < 2 && lines.iter().all(|(taken, _)| *taken != example.0) {
            lines.push(example);
        }
    }
    let lines: Vec<String> = lines
        .iter()
        .take(2)
        .map(|(service, command)| format!("    {service}: {command}"))
        .collect();
    lines.join("\n")
}

/// What the files in `dir` suggest: file, service, command. One of each service.
fn signs_in(dir: &Path) -> Vec<(&'static str, &'static str, String)> {
    let package = package_script(dir).map(|command| ("package.json", "web", command));
    let fixed = SIGNS
        .iter()
        .filter(|(file, _, _)| dir.join(file).is_file())
        .map(|(file, service, command)| (*file, *service, (*command).to_owned()));
    let mut found: Vec<(&'static str, &'static str, String)> = Vec::new();
    for (file, service, command) in fixed.chain(package) {
        let taken = |name: &str| found.iter().any(|(_, service, _)| *service == name);
        // A Rails project with a package.json has its assets built by the latter.
        let service = match service {
            "web" if taken("web") => "assets",
            other => other,
        };
        if !taken(service) {
            found.push((file, service, command));
        }
    }
    found
}

/// `npm run dev` (or what the lock file says instead of npm) for the script that develops this package.
fn package_script(dir: &Path) -> Option<String> {
    let text = fs::read(dir.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let scripts = package.get("scripts")?.as_object()?;
    let script = ["dev", "start", "serve", "watch"]
        .into_iter()
        .find(|name| scripts.contains_key(*name))?;
    let runner = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
    ]
    .into_iter()
    .find(|(file, _)| dir.join(file).is_file())
    .map_or("npm", |(_, runner)| runner);
    Some(format!("{runner} run {script}"))
}

#[cfg(test)]
mod tests {
    use super::{directories, no_config};
    use crate::diag::Kind;
    use std::fs;
    use std::path::PathBuf;

    fn advice_for(files: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let before = fs::read_dir(dir.path()).unwrap().count();
        let diagnostic = no_config(&[dir.path().to_owned()], &[]);
        assert_eq!(diagnostic.kind, Kind::NoConfig);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
        diagnostic.to_string().replace(dir.path().to_str().unwrap(), "/p")
    }

    #[test]
    fn an_empty_directory_gets_two_lines_to_paste() {
        assert_eq!(
            advice_for(&[]),
            "error: no project here or above: no configuration found\n  \
             because: looked for a Procfile, ovr.yaml or process-compose.yaml in /p\n  \
             hint: one line a service is enough; put this into /p/Procfile:\n    \
             web: python3 -m http.server $PORT\n    \
             clock: while date; do sleep 1; done"
        );
    }

    #[test]
    fn what_is_there_is_named_with_its_command() {
        for (file, text, expected) in [
            (
                "package.json",
                r#"{"scripts":{"dev":"vite"}}"#,
                "package.json is here: write `web: npm run dev`",
            ),
            (
                "docker-compose.yml",
                "",
                "docker-compose.yml is here: write `docker: docker compose up`",
            ),
            ("Cargo.toml", "", "Cargo.toml is here: write `app: cargo run`"),
            (
                "manage.py",
                "",
                "manage.py is here: write `web: python manage.py runserver $PORT`",
            ),
            (
                "bin/rails",
                "",
                "bin/rails is here: write `web: bin/rails server`",
            ),
            (
                "Procfile.dev",
                "web: x",
                "Procfile.dev is here: ovr start -f Procfile.dev",
            ),
            (
                "mprocs.yaml",
                "",
                "mprocs.yaml is here; this ovr runs a Procfile, ovr.yaml or process-compose.yaml",
            ),
        ] {
            let advice = advice_for(&[(file, text)]);
            assert!(advice.contains(expected), "{advice}");
        }
    }

    #[test]
    fn the_lines_to_paste_are_those_of_the_project() {
        let advice = advice_for(&[
            ("bin/rails", ""),
            ("package.json", r#"{"scripts":{"start":"x"}}"#),
            ("yarn.lock", ""),
        ]);
        assert!(
            advice.ends_with("    web: bin/rails server\n    assets: yarn run start"),
            "{advice}"
        );
    }

    #[test]
    fn a_broken_package_json_suggests_nothing() {
        assert!(!advice_for(&[("package.json", "{")]).contains("package.json"));
        assert!(!advice_for(&[("package.json", r#"{"scripts":[]}"#)]).contains("package.json"));
    }

    #[test]
    fn many_directories_are_counted_and_few_are_named() {
        let path = |text: &str| PathBuf::from(text);
        let few = [path("/a/b"), path("/a"), path("/")];
        assert_eq!(directories(&few), "/a/b, /a and /");
        let many: Vec<PathBuf> = path("/a/b/c/d/e").ancestors().map(PathBuf::from).collect();
        assert_eq!(
            directories(&many),
            "/a/b/c/d/e and the 5 directories above it, up to /"
        );
    }
}
