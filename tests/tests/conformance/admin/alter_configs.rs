use kafka_protocol::messages::alter_configs_request as whole;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
};

use crate::support::codes::*;
use crate::support::shapes::text;
use crate::support::topics::Topic;
use crate::support::{Target, eventually};

cases!(
    altering_the_whole_replaces_what_was_set,
    a_setting_is_set_and_deleted,
    lists_are_appended_to_and_subtracted_from,
    bad_changes_are_refused_as_a_whole,
    bad_changes_of_the_whole_are_refused,
    validation_changes_nothing,
    a_resource_twice_is_refused,
    a_changed_setting_takes_effect,
    unknown_resources_are_refused,
);

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

type Change = (&'static str, i8, Option<&'static str>);

fn resource(name: &str, changes: &[Change]) -> incremental::AlterConfigsResource {
    let changes = changes.iter().map(|(key, operation, value)| {
        incremental::AlterableConfig::default()
            .with_name(text(*key))
            .with_config_operation(*operation)
            .with_value(value.map(text))
    });
    incremental::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(name))
        .with_configs(changes.collect())
}

async fn change(target: &Target, topic: &Topic, changes: &[Change]) -> i16 {
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource(&topic.name, changes)]);
    target.call(1, request).await.responses[0].error_code
}

fn replace(name: &str, settings: &[(&'static str, Option<&'static str>)]) -> AlterConfigsRequest {
    let settings = settings.iter().map(|(key, value)| {
        whole::AlterableConfig::default()
            .with_name(text(*key))
            .with_value(value.map(text))
    });
    let resource = whole::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(name))
        .with_configs(settings.collect());
    AlterConfigsRequest::default().with_resources(vec![resource])
}

/// Settings of the topic's own.
async fn own(target: &Target, topic: &Topic) -> Vec<(String, String)> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&*topic.name))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let response = target.call(4, request).await;
    let configs = response.results[0].configs.iter();
    let own = configs.filter(|config| config.config_source == 1);
    let mut own: Vec<_> = own
        .map(|config| {
            let value = config.value.as_deref().unwrap_or_default();
            (config.name.to_string(), value.to_owned())
        })
        .collect();
    own.sort();
    own
}

async fn is_set(target: &Target, topic: &Topic, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    eventually(&format!("{expected:?}"), async || {
        (own(target, topic).await == expected).then_some(())
    })
    .await;
}

async fn altering_the_whole_replaces_what_was_set(target: &Target) {
    let configs = [("retention.ms", "1111111"), ("segment.bytes", "2222222")];
    let topic = target.topic_with("replace", 1, &configs).await;
    for version in 0..=2 {
        let value = ["30001", "30002", "30003"][version as usize];
        let request = replace(&topic.name, &[("max.message.bytes", Some(value))]);
        let response = target.call(version, request).await;
        assert_eq!(response.responses[0].error_code, NONE);
        is_set(target, &topic, &[("max.message.bytes", value)]).await;
    }
    let response = target.call(2, replace(&topic.name, &[])).await;
    assert_eq!(response.responses[0].error_code, NONE);
    is_set(target, &topic, &[]).await;
}

async fn a_setting_is_set_and_deleted(target: &Target) {
    let configs = [("retention.ms", "1111111")];
    let topic = target.topic_with("set-delete", 1, &configs).await;
    let changes = [
        ("retention.ms", DELETE, None),
        ("segment.bytes", SET, Some("2222222")),
    ];
    assert_eq!(change(target, &topic, &changes).await, NONE);
    is_set(target, &topic, &[("segment.bytes", "2222222")]).await;
    let unset = [("retention.ms", DELETE, None)];
    assert_eq!(change(target, &topic, &unset).await, NONE, "deleted twice");
}

async fn lists_are_appended_to_and_subtracted_from(target: &Target) {
    let topic = target.topic("append-subtract").await;
    let append = [("cleanup.policy", APPEND, Some("compact"))];
    assert_eq!(change(target, &topic, &append).await, NONE);
    is_set(target, &topic, &[("cleanup.policy", "delete,compact")]).await;
    assert_eq!(
        change(target, &topic, &append).await,
        NONE,
        "appended twice"
    );
    is_set(target, &topic, &[("cleanup.policy", "delete,compact")]).await;
    let subtract = [("cleanup.policy", SUBTRACT, Some("delete"))];
    assert_eq!(change(target, &topic, &subtract).await, NONE);
    is_set(target, &topic, &[("cleanup.policy", "compact")]).await;
}

async fn bad_changes_are_refused_as_a_whole(target: &Target) {
    let topic = target.topic("bad-changes").await;
    let good = ("segment.bytes", SET, Some("2222222"));
    for (bad, error) in [
        (("no.such.setting", SET, Some("1")), INVALID_CONFIG),
        (("retention.ms", SET, Some("soon")), INVALID_CONFIG),
        (("retention.ms", SET, None), INVALID_REQUEST),
        (("retention.ms", APPEND, Some("5")), INVALID_CONFIG),
        (("retention.ms", SUBTRACT, Some("5")), INVALID_CONFIG),
        (("cleanup.policy", APPEND, Some("burn")), INVALID_CONFIG),
        (("segment.bytes", SET, Some("3333333")), INVALID_REQUEST),
    ] {
        let error_seen = change(target, &topic, &[good, bad]).await;
        assert_eq!(error_seen, error, "{bad:?}");
    }
    assert_eq!(own(target, &topic).await, []);
}

async fn bad_changes_of_the_whole_are_refused(target: &Target) {
    let topic = target.topic("bad-whole").await;
    for (key, value, error) in [
        ("no.such.setting", Some("1"), INVALID_CONFIG),
        ("retention.ms", Some("soon"), INVALID_CONFIG),
        ("retention.ms", None, INVALID_REQUEST),
    ] {
        let response = target.call(2, replace(&topic.name, &[(key, value)])).await;
        assert_eq!(response.responses[0].error_code, error, "{key}={value:?}");
    }
}

async fn validation_changes_nothing(target: &Target) {
    let topic = target.topic("validate-change").await;
    let good = resource(&topic.name, &[("retention.ms", SET, Some("5"))]);
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![good])
        .with_validate_only(true);
    let response = target.call(1, request).await;
    assert_eq!(response.responses[0].error_code, NONE);
    assert_eq!(own(target, &topic).await, []);
}

async fn a_resource_twice_is_refused(target: &Target) {
    let topic = target.topic("resource-twice").await;
    let one = resource(&topic.name, &[("retention.ms", SET, Some("5"))]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![one.clone(), one]);
    let response = target.call(1, request).await;
    assert!(!response.responses.is_empty());
    for result in &response.responses {
        assert_eq!(result.error_code, INVALID_REQUEST);
    }
    assert_eq!(own(target, &topic).await, []);
}

async fn a_changed_setting_takes_effect(target: &Target) {
    let topic = target.topic("takes-effect").await;
    let long = "x".repeat(500);
    target.append(&topic, 0, [&*long]).await;
    let smaller = [("max.message.bytes", SET, Some("200"))];
    assert_eq!(change(target, &topic, &smaller).await, NONE);
    let batch = kafka_integration_tests::raw::Batch::of([&*long]);
    eventually("the batch is too large", async || {
        let answer = target.produce(&topic, 0, &batch).await;
        (answer.error_code == MESSAGE_TOO_LARGE).then_some(())
    })
    .await;
}

async fn unknown_resources_are_refused(target: &Target) {
    let missing = target.unique("missing");
    let changes = [("retention.ms", SET, Some("5"))];
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource(&missing, &changes)]);
    let response = target.call(1, request).await;
    assert_eq!(response.responses[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    let request = replace(&missing, &[("retention.ms", Some("5"))]);
    let response = target.call(2, request).await;
    assert_eq!(response.responses[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}
