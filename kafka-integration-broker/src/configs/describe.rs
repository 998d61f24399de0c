//! Settings as DescribeConfigs shows them.

use super::broker_config::{BrokerConfig, Source};
use super::broker_settings::BROKER;
use super::topic_settings::TOPIC;
use super::value::{Kind, Rule, check};
use super::{Overrides, Scope, broker_settings, topic_settings};

/// One setting, and where its value comes from.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) name: &'static str,
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
    pub(crate) read_only: bool,
    pub(crate) kind: Kind,
    pub(crate) doc: &'static str,
    /// Every value there is, the one in force first.
    pub(crate) synonyms: Vec<Synonym>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: Source,
}

/// All settings of a topic, by name.
pub(crate) fn describe_topic(overrides: &Overrides, broker: &BrokerConfig) -> Vec<Described> {
    let one = |setting: &'static topic_settings::TopicSetting| {
        let own = overrides.get(setting.name).map(|value| Synonym {
            name: setting.name,
            value: shown(setting.kind, value),
            source: Source::Topic,
        });
        let inherited = setting
            .broker
            .into_iter()
            .flat_map(|name| synonyms(broker, name, setting.kind));
        let synonyms: Vec<Synonym> = own.into_iter().chain(inherited).collect();
        let (value, source) = match synonyms.first() {
            Some(first) => (first.value.clone(), first.source),
            None => (setting.default.to_owned(), Source::Default),
        };
        Described {
            name: setting.name,
            value: Some(value),
            source,
            read_only: false,
            kind: setting.kind,
            doc: setting.doc,
            synonyms,
        }
    };
    TOPIC.iter().map(one).collect()
}

/// All settings of the broker, by name; for the cluster only what is set on it.
pub(crate) fn describe_broker(broker: &BrokerConfig, scope: Scope) -> Vec<Described> {
    let of_topics = TOPIC.iter().filter_map(|setting| {
        let (name, kind) = (setting.broker?, setting.kind);
        Some((name, kind, false, setting.doc))
    });
    let own = BROKER
        .iter()
        .map(|setting: &broker_settings::BrokerSetting| {
            (setting.name, setting.kind, !setting.dynamic, setting.doc)
        });
    let mut all: Vec<Described> = of_topics
        .chain(own)
        .filter_map(|(name, kind, read_only, doc)| {
            let mut synonyms: Vec<Synonym> = synonyms(broker, name, kind).collect();
            if scope == Scope::Cluster {
                synonyms.retain(|synonym| synonym.source == Source::Cluster);
                synonyms.first()?;
            }
            let first = synonyms.first();
            Some(Described {
                name,
                value: first.map(|first| first.value.clone()),
                source: first.map_or(Source::Default, |first| first.source),
                read_only,
                kind,
                doc,
                synonyms,
            })
        })
        .collect();
    all.sort_by_key(|setting| setting.name);
    all
}

fn synonyms(
    broker: &BrokerConfig,
    name: &'static str,
    kind: Kind,
) -> impl Iterator<Item = Synonym> {
    let values = broker.values(name).into_iter();
    values.map(move |(source, value)| Synonym {
        name,
        value: shown(kind, value),
        source,
    })
}

fn shown(kind: Kind, value: &str) -> String {
    check(kind, Rule::Any, value).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(all: &'a [Described], name: &str) -> &'a Described {
        all.iter().find(|one| one.name == name).expect(name)
    }

    #[test]
    fn the_nearest_value_counts_and_stands_first() {
        let broker = BrokerConfig::default();
        let set = |pairs: &[(&str, &str)]| -> Overrides {
            let owned = pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
            owned.collect()
        };
        let none = describe_topic(&set(&[]), &broker);
        assert!(none.is_sorted_by_key(|one| one.name));
        let retention = find(&none, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("604800000"));
        assert_eq!(retention.source, Source::Default);
        assert!(retention.synonyms.is_empty());

        let (broker, _) = broker.with(Scope::Cluster, set(&[("log.retention.ms", "5")]));
        let (broker, _) = broker.with(Scope::Node, set(&[("log.retention.ms", "4")]));
        let inherited = describe_topic(&set(&[]), &broker);
        assert_eq!(find(&inherited, "retention.ms").value.as_deref(), Some("4"));
        assert_eq!(broker.for_topic("retention.ms"), Some("4"));
        let own = describe_topic(&set(&[("retention.ms", " 3")]), &broker);
        let own = find(&own, "retention.ms");
        let sources: Vec<Source> = own.synonyms.iter().map(|one| one.source).collect();
        assert_eq!(sources, [Source::Topic, Source::Node, Source::Cluster]);
        assert_eq!(own.value.as_deref(), Some("3"));

        let cluster = describe_broker(&broker, Scope::Cluster);
        assert_eq!(cluster.len(), 1);
        assert_eq!(cluster[0].value.as_deref(), Some("5"));
    }
}
