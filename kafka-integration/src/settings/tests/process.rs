//! `Settings::load` reads the process's own environment and directory: shown
//! in a process of its own, as the tests of this one share theirs.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::{directory, write};
use crate::settings::Settings;

/// Set in the process that loads.
const INNER: &str = "SETTINGS_TEST_INNER";

/// Runs `this` test again, alone, in that directory and with those variables;
/// returns what it prints.
fn load_in(directory: &Path, this: &str, variables: &[(&str, &OsStr)]) -> String {
    let this_binary = std::env::current_exe().expect("a test is a binary");
    let output = Command::new(this_binary)
        .args(["--exact", "--nocapture"])
        .arg(format!("settings::tests::process::{this}"))
        .current_dir(directory)
        .env(INNER, "1")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs again");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Prints what a process gets; whether this is that process.
fn inner() -> bool {
    let inner = std::env::var_os(INNER).is_some();
    if inner {
        match Settings::load() {
            Ok(settings) => {
                let cluster = settings.cluster;
                let address = cluster.bootstrap_servers;
                println!(
                    "LOADED {} {address:?} {}",
                    settings.profile, cluster.concurrency
                );
            }
            Err(error) => println!("REFUSED {error}"),
        }
    }
    inner
}

#[test]
fn files_and_variables_of_the_process_are_read() {
    if inner() {
        return;
    }
    let this = "files_and_variables_of_the_process_are_read";
    let directory = directory();
    write(directory.path(), "kafka.toml", "concurrency = 3");
    let elsewhere = directory.path().join("etc");
    std::fs::create_dir(&elsewhere).expect("it is new");
    write(&elsewhere, "kafka.staging.toml", "concurrency = 5");

    let address = ("KAFKA__BOOTSTRAP_SERVERS", OsStr::new("a:1"));
    let said = load_in(directory.path(), this, &[address]);
    assert!(
        said.contains("LOADED development Some(\"a:1\") 3"),
        "{said}"
    );

    let named = ("KAFKA_CONFIG_DIR", elsewhere.as_os_str());
    let profile = ("KAFKA_PROFILE", OsStr::new("staging"));
    let said = load_in(directory.path(), this, &[address, named, profile]);
    assert!(said.contains("LOADED staging Some(\"a:1\") 5"), "{said}");

    write(directory.path(), "kafka.toml", "concurency = 3");
    let said = load_in(directory.path(), this, &[]);
    assert!(
        said.contains("REFUSED kafka.toml: unknown key `concurency`"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_text_is_named() {
    use std::os::unix::ffi::OsStrExt;

    if inner() {
        return;
    }
    let directory = directory();
    let variable = ("KAFKA__CLIENT_ID", OsStr::from_bytes(b"shop\xff"));
    let said = load_in(
        directory.path(),
        "a_variable_that_is_not_text_is_named",
        &[variable],
    );
    assert!(
        said.contains(
            "REFUSED environment variable KAFKA__CLIENT_ID: its value is not valid UTF-8"
        ),
        "{said}"
    );
}
