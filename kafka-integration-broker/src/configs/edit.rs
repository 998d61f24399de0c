//! Changing what is set.

use std::collections::BTreeMap;

use super::broker_settings::broker_setting;
use super::topic_settings::{behind, topic_setting};
use super::value::{Kind, Rule, check, elements};

/// What is set on something, as it was written.
pub(crate) type Overrides = BTreeMap<String, String>;

/// What settings are set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Topic,
    /// All brokers there might be.
    Cluster,
    /// The one broker there is.
    Node,
}

/// A change of overrides.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    /// These are all there are.
    Replace(Overrides),
    /// The others stay.
    Each(Vec<Operation>),
}

/// A change of one override.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) action: Action,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Set(String),
    Delete,
    /// Adds the elements of a list that are not in it.
    Append(String),
    Subtract(String),
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ConfigProblem {
    /// Otherwise it is the request that is wrong.
    pub(crate) is_config: bool,
    pub(crate) message: String,
}

impl ConfigProblem {
    fn config(message: String) -> Self {
        Self {
            is_config: true,
            message,
        }
    }

    fn request(message: String) -> Self {
        Self {
            is_config: false,
            message,
        }
    }
}

impl Edit {
    /// What is set after the change of what is set now, if all of it may be.
    pub(crate) fn apply(
        self,
        current: &Overrides,
        scope: Scope,
    ) -> Result<Overrides, ConfigProblem> {
        let (changed, named) = match self {
            Self::Replace(overrides) => {
                let named: Vec<String> = overrides.keys().cloned().collect();
                (overrides, named)
            }
            Self::Each(operations) => {
                let mut overrides = current.clone();
                let mut named = Vec::new();
                for operation in operations {
                    named.push(operation.name.clone());
                    operation.apply(&mut overrides, scope)?;
                }
                (overrides, named)
            }
        };
        match scope {
            Scope::Topic => check_topic(&changed)?,
            Scope::Cluster | Scope::Node => check_broker(&changed, &named)?,
        }
        Ok(changed)
    }
}

impl Operation {
    fn apply(self, overrides: &mut Overrides, scope: Scope) -> Result<(), ConfigProblem> {
        let Self { name, action } = self;
        let (word, value, adds) = match action {
            Action::Set(value) => {
                overrides.insert(name, value);
                return Ok(());
            }
            Action::Delete => {
                overrides.remove(&name);
                return Ok(());
            }
            Action::Append(value) => ("APPEND", value, true),
            Action::Subtract(value) => ("SUBTRACT", value, false),
        };
        let default = match scope {
            Scope::Topic => topic_setting(&name),
            Scope::Cluster | Scope::Node => behind(&name),
        }
        .filter(|setting| setting.kind == Kind::List)
        .map(|setting| setting.default);
        let Some(default) = default else {
            return Err(ConfigProblem::config(format!(
                "Can't {word} to key {name} because its type is not LIST."
            )));
        };
        let before = overrides.get(&name).map_or(default, String::as_str);
        let mut list: Vec<&str> = elements(before).collect();
        for element in elements(&value) {
            match list.iter().position(|other| *other == element) {
                Some(at) if !adds => {
                    list.remove(at);
                }
                None if adds => list.push(element),
                _ => {}
            }
        }
        let after = list.join(",");
        overrides.insert(name, after);
        Ok(())
    }
}

/// Whether a topic may have all of these set.
pub(crate) fn check_topic(overrides: &Overrides) -> Result<(), ConfigProblem> {
    for (name, value) in overrides {
        let Some(setting) = topic_setting(name) else {
            return Err(ConfigProblem::config(format!(
                "Unknown topic config name: {name}"
            )));
        };
        value_problem(name, value, setting.kind, setting.rule).map_err(ConfigProblem::config)?;
    }
    let lag = |name: &str| {
        let value = overrides.get(name).map(String::as_str);
        let value = value.or_else(|| topic_setting(name).map(|setting| setting.default));
        value.and_then(|value| value.trim().parse::<i64>().ok())
    };
    let (least, most) = (lag("min.compaction.lag.ms"), lag("max.compaction.lag.ms"));
    match (least, most) {
        (Some(least), Some(most)) if least > most => Err(ConfigProblem::config(format!(
            "conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
        ))),
        _ => Ok(()),
    }
}

/// Kafka answers a value that the broker can't take with an error of the
/// request, not of the configuration.
fn check_broker(overrides: &Overrides, named: &[String]) -> Result<(), ConfigProblem> {
    for name in named {
        let dynamic = match (behind(name), broker_setting(name)) {
            (Some(_), _) => true,
            (None, Some(setting)) => setting.dynamic,
            (None, None) => {
                return Err(ConfigProblem::config(format!(
                    "Unknown config name: {name}"
                )));
            }
        };
        if !dynamic {
            return Err(ConfigProblem::request(format!(
                "Cannot update these configs dynamically: {name}"
            )));
        }
    }
    for (name, value) in overrides {
        let (kind, rule) = match (behind(name), broker_setting(name)) {
            (Some(setting), _) => (setting.kind, setting.rule),
            (None, Some(setting)) => (setting.kind, setting.rule),
            (None, None) => continue,
        };
        value_problem(name, value, kind, rule).map_err(ConfigProblem::request)?;
    }
    Ok(())
}

fn value_problem(name: &str, value: &str, kind: Kind, rule: Rule) -> Result<(), String> {
    match check(kind, rule, value) {
        Ok(_) => Ok(()),
        Err(problem) => Err(format!(
            "Invalid value {value} for configuration {name}: {problem}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> Overrides {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn each(name: &str, action: Action) -> Edit {
        Edit::Each(vec![Operation {
            name: name.to_owned(),
            action,
        }])
    }

    #[test]
    fn an_incremental_change_leaves_the_others_and_a_replacement_does_not() {
        let now = set(&[("retention.ms", "1"), ("segment.ms", "5")]);
        let more = each("retention.bytes", Action::Set("7".into()));
        assert_eq!(more.apply(&now, Scope::Topic).expect("taken").len(), 3);
        let less = each("retention.ms", Action::Delete);
        assert_eq!(
            less.apply(&now, Scope::Topic).expect("taken"),
            set(&[("segment.ms", "5")])
        );
        let other = set(&[("retention.bytes", "7")]);
        let replaced = Edit::Replace(other.clone()).apply(&now, Scope::Topic);
        assert_eq!(replaced.expect("taken"), other);
    }

    #[test]
    fn lists_grow_from_their_default() {
        let both = each("cleanup.policy", Action::Append("compact,delete".into()));
        let both = both.apply(&set(&[]), Scope::Topic).expect("taken");
        assert_eq!(both, set(&[("cleanup.policy", "delete,compact")]));
        let one = each("cleanup.policy", Action::Subtract("delete".into()));
        assert_eq!(
            one.apply(&both, Scope::Topic).expect("taken"),
            set(&[("cleanup.policy", "compact")])
        );
        let no_list = each("retention.ms", Action::Append("1".into()));
        assert!(
            no_list
                .apply(&both, Scope::Topic)
                .expect_err("no")
                .is_config
        );
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused() {
        for (name, value) in [
            ("retention.msec", "1"),
            ("retention.ms", "-2"),
            ("min.insync.replicas", "0"),
            ("cleanup.policy", "keep"),
            ("remote.storage.enable", "true"),
        ] {
            let problem = Edit::Replace(set(&[(name, value)])).apply(&set(&[]), Scope::Topic);
            assert!(problem.expect_err(name).is_config);
        }
        let lags = set(&[
            ("min.compaction.lag.ms", "9"),
            ("max.compaction.lag.ms", "8"),
        ]);
        assert!(check_topic(&lags).is_err());
    }

    #[test]
    fn a_setting_of_the_broker_must_be_one_that_can_change() {
        let apply =
            |name, value| Edit::Replace(set(&[(name, value)])).apply(&set(&[]), Scope::Node);
        apply("log.retention.ms", "5000").expect("taken");
        apply("producer.id.expiration.ms", "5000").expect("taken");
        assert!(!apply("num.partitions", "3").expect_err("fixed").is_config);
        assert!(!apply("log.retention.ms", "x").expect_err("bad").is_config);
        assert!(apply("no.such", "3").expect_err("unknown").is_config);
    }
}
