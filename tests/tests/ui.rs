//! What the macros accept, and what they say when they don't.
//!
//! The messages are part of the interface: after a deliberate change, write
//! them anew with `TRYBUILD=overwrite cargo test -p kafka-integration-tests
//! --test ui` and read the difference.

use std::process::Command;

#[test]
fn the_macros_accept_what_is_right_and_explain_what_is_wrong() {
    let cases = trybuild::TestCases::new();
    for of in ["topic", "consumer"] {
        cases.pass(format!("tests/ui/{of}/pass/*.rs"));
    }
    // The compiler frames our messages, and its releases differ in that.
    let of_messages = minor(env!("CARGO_PKG_RUST_VERSION"));
    let compiler = compiler_version();
    if minor(&compiler) != of_messages {
        eprintln!("skipped: the messages are those of Rust {of_messages}, this is {compiler}");
        return;
    }
    for of in ["topic", "consumer"] {
        cases.compile_fail(format!("tests/ui/{of}/fail/*.rs"));
    }
}

/// `1.95` of `1.95.0`.
fn minor(version: &str) -> String {
    let parts: Vec<_> = version.split('.').take(2).collect();
    parts.join(".")
}

/// The version in `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("the compiler that built this test runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(1);
    version.expect("the compiler tells its version").to_owned()
}
