//! Reads typed values out of a table, and remembers what was wrong, what was
//! asked for (the known keys) and where each value came from.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use config::{Map, Value, ValueKind};

use super::error::{Hint, SettingsProblem};
use super::nearest::nearest;
use super::properties::ClientProperties;
use super::source::{self, is_variable, property_key};
use super::{duration, property_names, size};
use crate::consumer::Ordering;

const TABLE: &str = "a table";

/// What a load has found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) problems: Vec<SettingsProblem>,
    /// By key, where it is set.
    pub(crate) origins: BTreeMap<String, String>,
}

impl Report {
    /// Whether that key is set to something it must not be.
    pub(crate) fn is_invalid(&self, wanted: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| matches!(problem, SettingsProblem::Invalid { key, .. } if key == wanted))
    }
}

pub(crate) enum FlagOrTable {
    Flag(bool),
    Table(Map<String, Value>),
}

pub(crate) struct Reader<'a> {
    prefix: String,
    values: Map<String, Value>,
    known: Vec<&'static str>,
    /// Names that are no keys here, and the keys that are.
    instead: Vec<(&'static str, &'static str)>,
    pub(crate) report: &'a mut Report,
}

impl<'a> Reader<'a> {
    /// Of the table at that path: nothing, or text that ends in a dot.
    pub(crate) fn new(prefix: &str, values: Map<String, Value>, report: &'a mut Report) -> Self {
        Self {
            prefix: prefix.to_owned(),
            values,
            known: Vec::new(),
            instead: Vec::new(),
            report,
        }
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        self.text_like(key, "text that is not empty", |_| true)
    }

    /// Text that is not empty and passes `valid`.
    pub(crate) fn text_like(
        &mut self,
        key: &'static str,
        expected: &'static str,
        valid: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.read(key, expected, |value, _| match &value.kind {
            ValueKind::String(text) => Some(text.trim())
                .filter(|text| !text.is_empty() && valid(text))
                .map(str::to_owned),
            _ => None,
        })
    }

    pub(crate) fn duration(&mut self, key: &'static str, least: Duration) -> Option<Duration> {
        let expected = if least.is_zero() {
            duration::EXPECTED.to_owned()
        } else {
            format!(
                "{}, at least {}",
                duration::EXPECTED,
                duration::format(least)
            )
        };
        self.read(key, expected, |value, _| match &value.kind {
            ValueKind::String(text) => duration::parse(text).filter(|value| *value >= least),
            _ => None,
        })
    }

    pub(crate) fn count(&mut self, key: &'static str) -> Option<NonZeroUsize> {
        self.read(key, "a whole number of at least 1", |value, variable| {
            match &value.kind {
                ValueKind::I64(number) => usize::try_from(*number).ok(),
                ValueKind::String(text) if variable => text.trim().parse().ok(),
                _ => None,
            }
            .and_then(NonZeroUsize::new)
        })
    }

    pub(crate) fn whole<T>(
        &mut self,
        key: &'static str,
        expected: &'static str,
        valid: impl FnOnce(i64) -> Option<T>,
    ) -> Option<T> {
        self.read(key, expected, |value, variable| {
            match &value.kind {
                ValueKind::I64(number) => Some(*number),
                ValueKind::String(text) if variable => text.trim().parse().ok(),
                _ => None,
            }
            .and_then(valid)
        })
    }

    /// Texts: a list in files, with commas between in a variable.
    pub(crate) fn list(
        &mut self,
        key: &'static str,
        expected: &'static str,
    ) -> Option<Vec<String>> {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        self.read(key, expected, |value, variable| match &value.kind {
            ValueKind::Array(values) => values
                .iter()
                .map(|value| match &value.kind {
                    ValueKind::String(single) => text(single),
                    _ => None,
                })
                .collect(),
            ValueKind::String(all) if variable && all.trim().is_empty() => Some(Vec::new()),
            ValueKind::String(all) if variable => all.split(',').map(text).collect(),
            _ => None,
        })
    }

    pub(crate) fn size(&mut self, key: &'static str) -> Option<usize> {
        self.read(key, size::EXPECTED, |value, _| match &value.kind {
            ValueKind::I64(number) => usize::try_from(*number).ok().filter(|n| *n > 0),
            ValueKind::String(text) => size::parse(text),
            _ => None,
        })
    }

    pub(crate) fn float(
        &mut self,
        key: &'static str,
        expected: &'static str,
        valid: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        self.read(key, expected, |value, variable| {
            match &value.kind {
                ValueKind::Float(number) => Some(*number),
                // Whole numbers of a size that makes sense here are exact.
                ValueKind::I64(number) => Some(*number as f64),
                ValueKind::String(text) if variable => text.trim().parse().ok(),
                _ => None,
            }
            .filter(|number| number.is_finite() && valid(*number))
        })
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", |value, variable| match &value.kind {
            ValueKind::Boolean(flag) => Some(*flag),
            ValueKind::String(text) if variable => text.trim().to_lowercase().parse().ok(),
            _ => None,
        })
    }

    /// Something that is on or off, or on with keys of its own.
    pub(crate) fn flag_or_table(&mut self, key: &'static str) -> Option<FlagOrTable> {
        self.read(key, "true, false or a table", |value, variable| {
            let flag = match &value.kind {
                ValueKind::Table(table) => return Some(FlagOrTable::Table(table.clone())),
                ValueKind::Boolean(flag) => Some(*flag),
                ValueKind::String(text) if variable => text.trim().to_lowercase().parse().ok(),
                _ => None,
            };
            flag.map(FlagOrTable::Flag)
        })
    }

    pub(crate) fn port(&mut self, key: &'static str) -> Option<u16> {
        self.read(key, "a port, 0 to 65535", |value, variable| {
            match &value.kind {
                ValueKind::I64(number) => u16::try_from(*number).ok(),
                ValueKind::String(text) if variable => text.trim().parse().ok(),
                _ => None,
            }
        })
    }

    pub(crate) fn ordering(&mut self, key: &'static str) -> Option<Ordering> {
        let expected = "\"partition\", \"key\" or \"none\"";
        self.read(key, expected, |value, _| match &value.kind {
            ValueKind::String(text) => match text.trim().to_lowercase().as_str() {
                "partition" => Some(Ordering::Partition),
                "key" => Some(Ordering::Key),
                "none" => Some(Ordering::None),
                _ => None,
            },
            _ => None,
        })
    }

    pub(crate) fn properties(&mut self, key: &'static str) -> ClientProperties {
        let table = format!("{}{key}", self.prefix);
        let mut properties = ClientProperties::new();
        for (name, value) in sorted(self.table(key)) {
            let origin = origin_of(&value);
            let path = property_key(&table, &name);
            match scalar(&value) {
                Some(text) => {
                    properties.set(name, text);
                    self.report.origins.insert(path, origin);
                }
                None => self.report.problems.push(SettingsProblem::Invalid {
                    key: path,
                    origin,
                    expected: "text, a number or a boolean".to_owned(),
                    found: kind(&value).to_owned(),
                }),
            }
        }
        properties
    }

    pub(crate) fn table(&mut self, key: &'static str) -> Map<String, Value> {
        self.read(key, TABLE, |value, _| match &value.kind {
            ValueKind::Table(table) => Some(table.clone()),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// The path of a table in this one.
    pub(crate) fn below(&self, key: &str) -> String {
        format!("{}{key}.", self.prefix)
    }

    /// The whole path of a key.
    pub(crate) fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The keys that were asked for.
    pub(crate) fn into_known(self) -> Vec<&'static str> {
        self.known
    }

    /// There is no such key, and people look for it: what it is called here.
    pub(crate) fn instead(&mut self, name: &'static str, keys: &'static str) {
        self.instead.push((name, keys));
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(self) {
        for (name, value) in sorted(self.values) {
            let instead = self.instead.iter().find(|(other, _)| *other == name);
            let hint = match (instead, client_property(&name, &value)) {
                (Some((_, keys)), _) => Hint::Instead(keys),
                (None, Some(property)) => Hint::ClientProperty(property),
                (None, None) => nearest(&name, self.known.iter().copied()),
            };
            self.report.problems.push(SettingsProblem::UnknownKey {
                hint,
                key: format!("{}{name}", self.prefix),
                origin: origin_of(&value),
            });
        }
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        expected: impl Into<String>,
        convert: impl FnOnce(&Value, bool) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        let value = self.values.remove(key)?;
        let origin = origin_of(&value);
        let path = format!("{}{key}", self.prefix);
        let converted = convert(&value, is_variable(&origin));
        if converted.is_none() {
            let expected = expected.into();
            self.report.problems.push(SettingsProblem::Invalid {
                key: path.clone(),
                origin: origin.clone(),
                found: found(&value, &expected),
                expected,
            });
        }
        self.report.origins.insert(path, origin);
        converted
    }
}

/// The tables of the `config` crate have no order; messages do.
pub(crate) fn sorted(table: Map<String, Value>) -> BTreeMap<String, Value> {
    table.into_iter().collect()
}

/// Where a value is set; of a table, where the first value below it is.
pub(crate) fn origin_of(value: &Value) -> String {
    if let ValueKind::Table(table) = &value.kind
        && let Some((_, first)) = table.iter().min_by_key(|(name, _)| name.as_str())
    {
        return origin_of(first);
    }
    value.origin().unwrap_or_default().to_owned()
}

fn scalar(value: &Value) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => Some(text.clone()),
        ValueKind::I64(number) => Some(number.to_string()),
        ValueKind::Float(number) => Some(number.to_string()),
        ValueKind::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match &value.kind {
        ValueKind::String(_) => "text",
        ValueKind::Boolean(_) => "a boolean",
        ValueKind::Float(_) => "a number",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
        ValueKind::Nil => "nothing",
        _ => "a whole number",
    }
}

fn found(value: &Value, expected: &str) -> String {
    match (&value.kind, scalar(value)) {
        // What stands where a table of client properties should may be secret.
        _ if expected == TABLE => kind(value).to_owned(),
        (ValueKind::String(_), Some(text)) => format!("the text {text:?}"),
        (_, Some(text)) => format!("{} ({text})", kind(value)),
        (_, None) => kind(value).to_owned(),
    }
}

/// The client property that an unknown key is, if it is one.
fn client_property(name: &str, value: &Value) -> Option<String> {
    let mut flat = Map::new();
    let table = Map::from_iter([(name.to_owned(), value.clone())]);
    source::flatten(table, "", &mut flat, &mut Vec::new());
    flat.into_keys()
        .map(|name| source::property_name(&name))
        .find(|name| property_names::KNOWN.contains(&name.as_str()))
}
