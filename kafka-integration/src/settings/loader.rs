use std::path::{Path, PathBuf};

use config::{Config, Map, Source, Value, ValueKind};

use super::error::{SettingsError, SettingsProblem};
use super::reader::Report;
use super::source::{Layer, PREFIX};
use super::{PROFILE_DEVELOPMENT, Settings, check, decode, origins};

/// The keys that hold further ones.
const TABLES: [&str; 7] = [
    "embedded_broker",
    "global_config",
    "producer_config",
    "consumer_config",
    "retry_consumer_config",
    "retry",
    "clusters",
];

/// Loads [`Settings`] from chosen places. [`Settings::load`] is the usual way;
/// this one is for tests and for applications with habits of their own.
///
/// ```
/// use kafka_integration::settings::Loader;
///
/// let settings = Loader::new()
///     .toml("app.toml", "concurrency = 8")
///     .variables([("KAFKA__BOOTSTRAP_SERVERS", "kafka:9092")])
///     .profile("production")
///     .load()?;
/// assert_eq!(settings.cluster.concurrency.get(), 8);
/// assert_eq!(settings.cluster.bootstrap_servers.as_deref(), Some("kafka:9092"));
/// # Ok::<(), kafka_integration::settings::SettingsError>(())
/// ```
#[derive(Debug, Default)]
pub struct Loader {
    directory: Option<PathBuf>,
    texts: Named,
    variables: Named,
    profile: Option<String>,
    problems: Vec<SettingsProblem>,
}

/// Texts by name: variables, or TOML. Only the names are printed, the texts
/// may hold secrets.
#[derive(Default)]
struct Named(Vec<(String, String)>);

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Named {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

impl Loader {
    /// From nothing but the defaults until told otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// From the process: its environment, and the files in the working
    /// directory or in the one that `KAFKA_CONFIG_DIR` names.
    pub fn from_process() -> Self {
        let mut loader = Self::new();
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if !name.to_uppercase().starts_with("KAFKA_") {
                continue;
            }
            match value.into_string() {
                Ok(value) => loader.variables.0.push((name, value)),
                Err(_) => loader
                    .problems
                    .push(SettingsProblem::NotUnicode { variable: name }),
            }
        }
        let directory = loader
            .variables
            .get("KAFKA_CONFIG_DIR")
            .unwrap_or(".")
            .to_owned();
        loader.directory(directory)
    }

    /// The directory of `kafka.toml` and `kafka.<profile>.toml`. The files may
    /// be absent, the directory may not.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// A TOML text, over the files and what was given before; `name` stands
    /// for it in messages.
    #[must_use]
    pub fn toml(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.0.push((name.into(), text.into()));
        self
    }

    /// Environment variables, instead of the process's.
    #[must_use]
    pub fn variables<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        self.variables = Named(variables.map(|(k, v)| (k.into(), v.into())).collect());
        self
    }

    /// The profile, instead of `KAFKA_PROFILE`.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Reads and checks everything; nothing connects.
    ///
    /// # Errors
    /// With everything that is wrong, see [`SettingsProblem`].
    pub fn load(self) -> Result<Settings, SettingsError> {
        let mut report = Report {
            problems: self.problems,
            ..Report::default()
        };
        let profile = self
            .profile
            .or_else(|| self.variables.get("KAFKA_PROFILE").map(str::to_owned))
            .unwrap_or_else(|| PROFILE_DEVELOPMENT.to_owned());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if profile.is_empty() || !profile.chars().all(is_name) {
            return Err(SettingsProblem::Profile { profile }.into());
        }

        let mut layers = Vec::new();
        if let Some(directory) = &self.directory {
            files(directory, &profile, &mut layers, &mut report.problems);
        }
        for (name, text) in &self.texts.0 {
            layers.push(Layer::from_toml(name, text, &mut report.problems));
        }
        // What can't be read leaves gaps; whatever else would be said about
        // the settings might be their consequence.
        SettingsError::check(std::mem::take(&mut report.problems))?;

        let origins: Vec<_> = layers.iter().map(|layer| layer.origin.clone()).collect();
        warn_of_near_misses(&self.variables.0);
        let clusters = cluster_names(&layers);
        let environment =
            Layer::from_environment(&self.variables.0, &clusters, &mut report.problems);
        layers.push(environment);

        let mut values = merge(layers.clone())?;
        for layer in layers.iter().rev() {
            mark_empty_tables(&mut values, layer, &layer.values);
        }
        let mut settings = decode::settings(profile, values, &origins, &mut report);
        origins::record(&mut settings, &report.origins);
        report.problems.extend(check::clients(&settings));
        SettingsError::check(report.problems)?;
        Ok(settings)
    }
}

fn files(
    directory: &Path,
    profile: &str,
    layers: &mut Vec<Layer>,
    problems: &mut Vec<SettingsProblem>,
) {
    let unreadable = |path: &Path, reason: String| SettingsProblem::Unreadable {
        file: path.display().to_string(),
        reason,
    };
    if !directory.is_dir() {
        let reason =
            "there is no such directory; KAFKA_CONFIG_DIR names the one that holds kafka.toml";
        problems.push(unreadable(directory, reason.to_owned()));
        return;
    }
    for name in ["kafka.toml".to_owned(), format!("kafka.{profile}.toml")] {
        let path = match directory.to_str() {
            Some(".") => PathBuf::from(name),
            _ => directory.join(name),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                layers.push(Layer::from_toml(
                    &path.display().to_string(),
                    &text,
                    problems,
                ));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => problems.push(unreadable(&path, error.to_string())),
        }
    }
}

/// Lays the layers over each other, key by key.
fn merge(layers: Vec<Layer>) -> Result<Map<String, Value>, SettingsError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(layer);
    }
    let merged = builder.build().and_then(|config| config.collect());
    merged.map_err(|error| {
        SettingsProblem::Syntax {
            origin: "the settings".to_owned(),
            line: None,
            column: None,
            reason: error.to_string(),
        }
        .into()
    })
}

/// Gives tables with nothing in them their origin back, which the merge drops:
/// one with a wrong name has nothing else to be found by.
fn mark_empty_tables(merged: &mut Map<String, Value>, layer: &Layer, values: &Map<String, Value>) {
    for (name, value) in values {
        let (ValueKind::Table(below), Some(found)) = (&value.kind, merged.get_mut(name)) else {
            continue;
        };
        let unmarked = found.origin().is_none();
        match &mut found.kind {
            ValueKind::Table(table) if table.is_empty() && unmarked => {
                *found = Value::new(Some(&layer.origin), ValueKind::Table(Map::new()));
            }
            ValueKind::Table(table) => mark_empty_tables(table, layer, below),
            _ => {}
        }
    }
}

fn cluster_names(layers: &[Layer]) -> Vec<String> {
    let tables = layers
        .iter()
        .filter_map(|layer| layer.values.get("clusters"));
    tables
        .filter_map(|clusters| match &clusters.kind {
            ValueKind::Table(clusters) => Some(clusters.keys().cloned()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// One underscore too few is easily written and silently without effect.
fn warn_of_near_misses(variables: &[(String, String)]) {
    let known = decode::known_keys();
    for (name, _) in variables {
        if let Some(meant) = meant(&name.to_uppercase(), &known) {
            tracing::warn!("the environment variable {name} has no effect; did you mean {meant}?");
        }
    }
}

/// The variable that one with a single underscore after `KAFKA` should be.
fn meant(variable: &str, known: &[&str]) -> Option<String> {
    let rest = variable.strip_prefix("KAFKA_")?;
    if rest.starts_with('_') {
        return None;
    }
    let fits = known.iter().filter_map(|key| {
        let length = key.len();
        let key = key.to_uppercase();
        let below = rest.strip_prefix(&key)?;
        let is_table = TABLES.contains(&key.to_lowercase().as_str());
        let variable = match below.trim_start_matches('_') {
            "" if below.is_empty() => Some(format!("{PREFIX}{key}")),
            // `KAFKA_RETRY_DELAY`, `KAFKA_CONSUMER_CONFIG__FETCH_MIN_BYTES`
            below_key if is_table && below.starts_with('_') && !below_key.is_empty() => {
                Some(format!("{PREFIX}{key}__{below_key}"))
            }
            _ => None,
        };
        Some((length, variable?))
    });
    // `retry` is a table, and `retry_consumer_config` begins with it.
    let longest = fits.max_by_key(|(length, _)| *length);
    longest.map(|(_, variable)| variable)
}
