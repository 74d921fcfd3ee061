//! Links the program at a fixed address where the platform allows it without more.
//!
//! A position-independent executable is relocated by every process that runs it, and each relocated page is
//! private memory. One shim runs for each service, of the same large binary: fixed addresses keep those pages
//! shared (some 50 KB for each shim, growing with the binary). `docs/design/shim.md` has the figures.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
