mod address;
mod client;
mod defaults;
mod describe;
mod keys;
mod layers;
mod problems;
mod process;
mod retry;
mod secrets;
mod warnings;

use std::path::Path;

use super::{Loader, Settings, SettingsError};

/// No variables, for a load from files alone.
const NO_VARIABLES: [(&str, &str); 0] = [];

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).expect("the temporary directory takes files");
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is a temporary directory")
}

/// The settings of a TOML file with an address in it.
fn from_file(text: &str) -> Settings {
    let directory = directory();
    write(directory.path(), "kafka.toml", text);
    Settings::load_from(directory.path(), NO_VARIABLES)
        .unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The settings of environment variables alone.
fn from_variables(variables: &[(&str, &str)]) -> Settings {
    Loader::new()
        .variables(variables.iter().copied())
        .load()
        .unwrap_or_else(|error| panic!("{variables:?}\n{error}"))
}

fn refused(result: Result<Settings, SettingsError>) -> String {
    result.expect_err("these settings are wrong").to_string()
}

/// What is said about a `kafka.toml`.
fn refused_toml(text: &str) -> String {
    refused(Loader::new().toml("kafka.toml", text).load())
}

/// What is said about variables.
fn refused_variables(variables: &[(&str, &str)]) -> String {
    refused(Loader::new().variables(variables.iter().copied()).load())
}
