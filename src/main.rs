//! The `ovr` program: hands the command line to `ovr::cli` and leaves with its exit code. Nothing else lives here.

fn main() -> std::process::ExitCode {
    ovr::cli::main()
}
