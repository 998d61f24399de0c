//! One layer of settings: a TOML text or the environment, in the form that
//! all layers share, so that the `config` crate can lay one over the other.
//! In that form a client property is one key (`fetch.min.bytes`), however it
//! was written.

use config::{ConfigError, FileFormat, Format, Map, Source, Value, ValueKind};

use super::error::SettingsProblem;
use super::property_names;

/// The tables that hold client properties.
pub(crate) const PROPERTY_TABLES: [&str; 4] = [
    "global_config",
    "producer_config",
    "consumer_config",
    "retry_consumer_config",
];

/// What the origin of a value from the environment begins with.
const VARIABLE: &str = "environment variable ";

/// What the variables begin with.
pub(crate) const PREFIX: &str = "KAFKA__";

/// Whether a value of that origin is text for want of another type.
pub(crate) fn is_variable(origin: &str) -> bool {
    origin.starts_with(VARIABLE)
}

/// The variable that sets a key.
pub(crate) fn variable(key: &str) -> String {
    let levels = key.to_uppercase().replace('.', "__").replace('-', "_");
    format!("{PREFIX}{levels}")
}

#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) origin: String,
    pub(crate) values: Map<String, Value>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

impl Layer {
    /// Reads TOML; `origin` is the file's name.
    pub(crate) fn from_toml(origin: &str, text: &str, problems: &mut Vec<SettingsProblem>) -> Self {
        let origin = origin.to_owned();
        let mut values = match FileFormat::Toml.parse(Some(&origin), text) {
            Ok(values) => values,
            Err(error) => {
                problems.push(syntax(&origin, &error.to_string()));
                Map::new()
            }
        };
        flatten_tables(&mut values, "", &origin, problems);
        if let Some(clusters) = values.get_mut("clusters")
            && let ValueKind::Table(clusters) = &mut clusters.kind
        {
            for (name, cluster) in clusters {
                if let ValueKind::Table(cluster) = &mut cluster.kind {
                    flatten_tables(cluster, &format!("clusters.{name}."), &origin, problems);
                }
            }
        }
        Self { origin, values }
    }

    /// Reads the variables that begin with `KAFKA__`. A cluster's name is
    /// matched with those of the files, as variables know neither case nor `-`.
    pub(crate) fn from_environment(
        variables: &[(String, String)],
        clusters: &[String],
        problems: &mut Vec<SettingsProblem>,
    ) -> Self {
        let mut values = Map::new();
        let mut variables: Vec<_> = variables.iter().collect();
        // In order of name, so that what wins does not depend on the shell.
        variables.sort();
        for (name, text) in variables {
            let upper = name.to_uppercase();
            let Some(rest) = upper.strip_prefix(PREFIX) else {
                continue;
            };
            let origin = format!("{VARIABLE}{name}");
            let path = path_of(&rest.to_lowercase(), clusters);
            insert(&mut values, &path, 0, &origin, text, problems);
        }
        Self {
            origin: VARIABLE.to_owned(),
            values,
        }
    }
}

fn path_of(rest: &str, clusters: &[String]) -> Vec<String> {
    let mut levels: Vec<String> = rest.split("__").map(str::to_owned).collect();
    let mut start = 0;
    if levels.len() > 1 && levels[0] == "clusters" {
        let same = |name: &&String| name.to_lowercase().replace('-', "_") == levels[1];
        if let Some(name) = clusters.iter().find(same) {
            levels[1] = name.clone();
        }
        start = 2;
    }
    let in_properties = levels
        .get(start)
        .is_some_and(|table| PROPERTY_TABLES.contains(&table.as_str()));
    if in_properties && levels.len() > start + 1 {
        let property = levels.split_off(start + 1).join(".");
        levels.push(property_name(&property));
    }
    levels
}

/// One underscore stands for a dot, except in the few names that have one.
pub(crate) fn property_name(text: &str) -> String {
    if property_names::KNOWN.contains(&text) {
        text.to_owned()
    } else {
        text.replace('_', ".")
    }
}

/// Puts a text at a path, of which the first `depth` levels lead to the table.
fn insert(
    table: &mut Map<String, Value>,
    path: &[String],
    depth: usize,
    origin: &String,
    text: &str,
    problems: &mut Vec<SettingsProblem>,
) {
    let Some(key) = path.get(depth) else { return };
    if depth + 1 == path.len() {
        table.insert(key.clone(), Value::new(Some(origin), text));
        return;
    }
    let child = table
        .entry(key.clone())
        .or_insert_with(|| Value::new(Some(origin), Map::<String, Value>::new()));
    match &mut child.kind {
        ValueKind::Table(child) => insert(child, path, depth + 1, origin, text, problems),
        _ => {
            problems.push(SettingsProblem::Invalid {
                key: path[..=depth].join("."),
                origin: child.origin().unwrap_or_default().to_owned(),
                expected: format!("a table, since {origin} sets a key below it"),
                found: "text".to_owned(),
            });
            table.remove(key);
        }
    }
}

fn flatten_tables(
    values: &mut Map<String, Value>,
    prefix: &str,
    origin: &str,
    problems: &mut Vec<SettingsProblem>,
) {
    for name in PROPERTY_TABLES {
        let Some(value) = values.get_mut(name) else {
            continue;
        };
        if let ValueKind::Table(nested) = &mut value.kind {
            let mut flat = Map::new();
            let mut twice = Vec::new();
            flatten(std::mem::take(nested), "", &mut flat, &mut twice);
            for property in twice {
                let key = property_key(&format!("{prefix}{name}"), &property);
                problems.push(SettingsProblem::Conflict {
                    first: key.clone(),
                    first_origin: origin.to_owned(),
                    second: format!("{prefix}{name}.{property}"),
                    second_origin: origin.to_owned(),
                });
            }
            *nested = flat;
        }
    }
}

/// Turns nested tables into names with dots: TOML reads `fetch.min.bytes = 1`
/// as three levels.
pub(crate) fn flatten(
    nested: Map<String, Value>,
    prefix: &str,
    flat: &mut Map<String, Value>,
    twice: &mut Vec<String>,
) {
    for (name, value) in nested {
        let name = format!("{prefix}{name}");
        match value.kind {
            ValueKind::Table(below) => flatten(below, &format!("{name}."), flat, twice),
            _ => {
                if flat.insert(name.clone(), value).is_some() {
                    twice.push(name);
                }
            }
        }
    }
}

/// How a client property is written in a message.
pub(crate) fn property_key(table: &str, property: &str) -> String {
    format!("{table}.{property:?}")
}

/// Takes line and reason out of the parser's message and leaves the source
/// line it quotes behind, which may hold a secret.
fn syntax(origin: &str, message: &str) -> SettingsProblem {
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let numbers: Vec<usize> = first
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let quoted = first.contains("at line");
    let reason = if quoted {
        // The quoted source is marked with `|`, the message follows it.
        let message: Vec<_> = lines.filter(|line| !line.contains('|')).collect();
        message.join(", ")
    } else {
        first.to_owned()
    };
    SettingsProblem::Syntax {
        origin: origin.to_owned(),
        line: numbers.first().copied().filter(|_| quoted),
        column: numbers.get(1).copied().filter(|_| quoted),
        reason,
    }
}
