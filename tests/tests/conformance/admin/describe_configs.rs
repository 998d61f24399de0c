use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::text;

cases!(
    a_topics_settings_are_described,
    only_the_keys_asked_for_are_described,
    null_and_no_keys_are_all,
    synonyms_are_told_when_asked_for,
    documentation_is_told_when_asked_for,
    every_version_describes,
    the_brokers_settings_are_described,
    unknown_resources_are_refused,
);

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn describe(kind: i8, name: &str, keys: Option<&[&'static str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().copied().map(text).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(keys);
    DescribeConfigsRequest::default().with_resources(vec![resource])
}

async fn described(target: &Target, request: DescribeConfigsRequest) -> DescribeConfigsResult {
    target.call(4, request).await.results.remove(0)
}

fn find<'a>(result: &'a DescribeConfigsResult, key: &str) -> &'a DescribeConfigsResourceResult {
    let config = result.configs.iter().find(|config| &*config.name == key);
    config.unwrap_or_else(|| panic!("{key} is described"))
}

fn value(config: &DescribeConfigsResourceResult) -> &str {
    config.value.as_deref().unwrap_or_default()
}

async fn a_topics_settings_are_described(target: &Target) {
    let configs = [("retention.ms", "7654321"), ("cleanup.policy", "compact")];
    let topic = target.topic_with("describe", 1, &configs).await;
    let result = described(target, describe(TOPIC, &topic.name, None)).await;
    assert_eq!((result.error_code, result.resource_type), (NONE, TOPIC));
    assert_eq!(&*result.resource_name, topic.name);
    // Name, value, source, type.
    for (key, expected, source, kind) in [
        ("retention.ms", "7654321", 1, 5),
        ("cleanup.policy", "compact", 1, 7),
        ("retention.bytes", "-1", 5, 5),
        ("max.message.bytes", "1048588", 5, 3),
        ("compression.type", "producer", 5, 2),
        ("message.timestamp.type", "CreateTime", 5, 2),
        ("segment.bytes", "1073741824", 5, 3),
        ("delete.retention.ms", "86400000", 5, 5),
        ("min.cleanable.dirty.ratio", "0.5", 5, 6),
        ("message.timestamp.after.max.ms", "3600000", 5, 5),
        ("unclean.leader.election.enable", "false", 5, 1),
    ] {
        let config = find(&result, key);
        let seen = (value(config), config.config_source, config.config_type);
        assert_eq!(seen, (expected, source, kind), "{key}");
        assert!(!config.read_only && !config.is_sensitive);
        assert!(config.synonyms.is_empty() && config.documentation.is_none());
    }
}

async fn only_the_keys_asked_for_are_described(target: &Target) {
    let topic = target.topic("describe-keys").await;
    let keys = ["retention.ms", "no.such.key", "segment.bytes"];
    let result = described(target, describe(TOPIC, &topic.name, Some(&keys))).await;
    assert_eq!(result.error_code, NONE);
    let mut names: Vec<_> = result.configs.iter().map(|c| c.name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["retention.ms", "segment.bytes"]);
}

async fn null_and_no_keys_are_all(target: &Target) {
    let topic = target.topic("describe-all").await;
    let all = described(target, describe(TOPIC, &topic.name, None)).await;
    let none = described(target, describe(TOPIC, &topic.name, Some(&[]))).await;
    assert!(all.configs.len() > 20);
    assert_eq!(none.configs.len(), all.configs.len());
}

async fn synonyms_are_told_when_asked_for(target: &Target) {
    let configs = [("retention.ms", "7654321")];
    let topic = target.topic_with("synonyms", 1, &configs).await;
    let keys = ["retention.ms", "max.message.bytes"];
    let request = describe(TOPIC, &topic.name, Some(&keys)).with_include_synonyms(true);
    let result = described(target, request).await;
    let synonyms = |key| {
        let synonyms = find(&result, key).synonyms.iter();
        synonyms
            .map(|s| {
                (
                    s.name.to_string(),
                    s.value.as_deref().map(str::to_owned),
                    s.source,
                )
            })
            .collect::<Vec<_>>()
    };
    let set = ("retention.ms".into(), Some("7654321".into()), 1);
    assert_eq!(synonyms("retention.ms")[0], set, "the winner first");
    let default = ("message.max.bytes".into(), Some("1048588".into()), 5);
    assert_eq!(synonyms("max.message.bytes"), [default]);
}

async fn documentation_is_told_when_asked_for(target: &Target) {
    let topic = target.topic("documentation").await;
    let request = describe(TOPIC, &topic.name, None).with_include_documentation(true);
    let result = described(target, request).await;
    let documentation = find(&result, "retention.ms").documentation.clone();
    assert!(documentation.is_some_and(|text| !text.is_empty()));
}

async fn every_version_describes(target: &Target) {
    let topic = target.topic("describe-versions").await;
    for version in 1..=4 {
        let response = target
            .call(version, describe(TOPIC, &topic.name, None))
            .await;
        let result = &response.results[0];
        assert_eq!(result.error_code, NONE, "version {version}");
        assert_eq!(find(result, "cleanup.policy").config_source, 5);
    }
}

async fn the_brokers_settings_are_described(target: &Target) {
    let node = target.node().await.to_string();
    let result = described(target, describe(BROKER, &node, None)).await;
    assert_eq!((result.error_code, result.resource_type), (NONE, BROKER));
    let config = find(&result, "num.partitions");
    assert!(value(config).parse::<i32>().is_ok_and(|number| number >= 1));
    let config = find(&result, "auto.create.topics.enable");
    assert_eq!((value(config), config.config_type), ("true", 1));
    let sensitive = result.configs.iter().filter(|config| config.is_sensitive);
    assert!(sensitive.clone().all(|config| config.value.is_none()));
    // The cluster's default for all brokers is empty as long as nobody sets it.
    let result = described(target, describe(BROKER, "", None)).await;
    assert_eq!(result.error_code, NONE);
}

async fn unknown_resources_are_refused(target: &Target) {
    let missing = target.unique("missing");
    for (kind, name, error) in [
        (TOPIC, &*missing, UNKNOWN_TOPIC_OR_PARTITION),
        (TOPIC, "a b", INVALID_TOPIC_EXCEPTION),
        (BROKER, "4711", INVALID_REQUEST),
        (BROKER, "one", INVALID_REQUEST),
        (77, "x", INVALID_REQUEST),
        (0, "x", INVALID_REQUEST),
    ] {
        let result = described(target, describe(kind, name, None)).await;
        assert_eq!(result.error_code, error, "{kind} {name}");
        assert!(result.error_message.is_some());
        assert!(result.configs.is_empty());
    }
}
