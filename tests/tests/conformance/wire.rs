//! Frames, versions and what is not understood.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};
use kafka_protocol::protocol::Decodable;

use crate::support::Target;
use crate::support::codes::*;
use crate::support::shapes::text;

cases!(
    every_version_of_api_versions_is_answered,
    a_newer_api_versions_is_answered_as_version_0,
    a_client_without_a_name_is_refused,
    an_unknown_version_closes_the_connection,
    an_unknown_key_closes_the_connection,
    garbage_closes_the_connection,
    an_absurd_size_closes_the_connection,
    unknown_tagged_fields_are_ignored,
    a_client_id_may_be_null,
    the_broker_answers_under_the_address_it_tells,
    the_offered_versions_are_kafkas,
);

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("raw"))
        .with_client_software_version(text("1.0"))
}

async fn every_version_of_api_versions_is_answered(target: &Target) {
    let mut connection = target.connect().await;
    for version in 0..=4 {
        let request = if version >= 3 {
            api_versions()
        } else {
            ApiVersionsRequest::default()
        };
        let answer = connection.call(version, request).await;
        assert_eq!(answer.error_code, NONE, "version {version}");
        assert!(answer.api_keys.len() > 30);
        if version >= 3 {
            assert!(answer.finalized_features_epoch >= 0);
        }
        if version == 3 {
            let minima = answer.supported_features.iter().map(|f| f.min_version);
            assert!(minima.min().unwrap_or(1) >= 1, "old clients cannot read 0");
        }
    }
}

async fn a_newer_api_versions_is_answered_as_version_0(target: &Target) {
    let mut connection = target.connect().await;
    let correlation = connection.send_body(18, 99, 2, b"anything at all").await;
    let mut frame = connection.frame().await.expect("an answer");
    let (head, body) = frame.split_at(4);
    assert_eq!(head, correlation.to_be_bytes());
    assert!(!body.is_empty());
    let mut body = frame.split_off(4);
    let answer = ApiVersionsResponse::decode(&mut body, 0).expect("version 0");
    assert!(body.is_empty());
    assert_eq!(answer.error_code, UNSUPPORTED_VERSION);
    let keys: Vec<_> = answer.api_keys.iter().map(|api| api.api_key).collect();
    assert_eq!(keys, [18], "the range of ApiVersions only");
    assert_eq!(answer.api_keys[0].max_version, 4);
    // The connection goes on.
    let mut again = target.connect().await;
    again.send_body(18, 5, 2, b"").await;
    again.frame().await.expect("an answer");
}

async fn a_client_without_a_name_is_refused(target: &Target) {
    for (name, error) in [
        ("", INVALID_REQUEST),
        ("a b", INVALID_REQUEST),
        ("a-b.c", NONE),
    ] {
        let request = api_versions().with_client_software_name(text(name));
        let answer = target.call(3, request).await;
        assert_eq!(answer.error_code, error, "{name:?}");
    }
}

async fn an_unknown_version_closes_the_connection(target: &Target) {
    for (key, version) in [(3, 99), (3, -1), (0, 99), (1, 3), (8, 0)] {
        let mut connection = target.connect().await;
        connection.send_body(key, version, 1, &[0; 16]).await;
        let answer = connection.frame().await;
        assert!(answer.is_none(), "API {key} version {version}");
    }
}

async fn an_unknown_key_closes_the_connection(target: &Target) {
    for key in [999, -1, 4] {
        let mut connection = target.connect().await;
        connection.send_body(key, 0, 1, &[0; 16]).await;
        assert!(connection.frame().await.is_none(), "API {key}");
    }
}

async fn garbage_closes_the_connection(target: &Target) {
    for frame in [&b""[..], b"\0", b"\0\x03\0\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        let mut connection = target.connect().await;
        connection.send_frame(frame).await;
        assert!(connection.frame().await.is_none(), "{frame:?}");
    }
    // A body that claims more topics than are there.
    let mut connection = target.connect().await;
    connection
        .send_body(3, 1, 1, &[0x7f, 0xff, 0xff, 0xff])
        .await;
    assert!(connection.frame().await.is_none());
}

async fn an_absurd_size_closes_the_connection(target: &Target) {
    for size in [-1_i32, i32::MAX, 104_857_601] {
        let mut connection = target.connect().await;
        connection.send_bytes(&size.to_be_bytes()).await;
        assert!(connection.frame().await.is_none(), "size {size}");
    }
}

async fn unknown_tagged_fields_are_ignored(target: &Target) {
    let mut request = MetadataRequest::default().with_topics(Some(Vec::new()));
    request
        .unknown_tagged_fields
        .insert(77, bytes::Bytes::from_static(b"new"));
    let answer = target.call(12, request).await;
    assert_eq!(answer.brokers.len(), 1);
    assert!(answer.unknown_tagged_fields.is_empty());
}

async fn a_client_id_may_be_null(target: &Target) {
    let mut connection = target.connect().await.client_id(None);
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    connection.call(12, request).await;
}

async fn the_broker_answers_under_the_address_it_tells(target: &Target) {
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    let answer = target.call(12, request.clone()).await;
    let broker = &answer.brokers[0];
    assert_eq!(answer.controller_id, broker.node_id);
    let address = format!("{}:{}", &*broker.host, broker.port);
    let mut connection = kafka_integration_tests::raw::Connection::open(&address).await;
    let again = connection.call(12, request).await;
    assert_eq!(again.cluster_id, answer.cluster_id);
    assert!(answer.cluster_id.is_some_and(|id| !id.is_empty()));
}

async fn the_offered_versions_are_kafkas(target: &Target) {
    // What clients use; the lowest and the highest version Apache Kafka offers.
    let kafkas = [
        (0, 0, 13),
        (1, 4, 18),
        (2, 1, 10),
        (3, 0, 13),
        (8, 2, 9),
        (9, 1, 9),
        (10, 0, 6),
        (11, 0, 9),
        (12, 0, 4),
        (13, 0, 5),
        (14, 0, 5),
        (15, 0, 6),
        (16, 0, 5),
        (17, 0, 1),
        (18, 0, 4),
        (19, 2, 7),
        (20, 1, 6),
        (21, 0, 2),
        (22, 0, 5),
        (23, 2, 4),
        (24, 0, 5),
        (25, 0, 4),
        (26, 0, 5),
        (28, 0, 5),
        (32, 1, 4),
        (33, 0, 2),
        (36, 0, 2),
        (37, 0, 3),
        (42, 0, 2),
        (44, 0, 1),
        (47, 0, 0),
        (60, 0, 2),
        (61, 0, 0),
        (65, 0, 0),
        (66, 0, 2),
        (68, 0, 1),
        (69, 0, 1),
        (75, 0, 0),
    ];
    // The embedded broker leaves out what followers, share groups and brokers
    // among themselves use.
    let left_out = |key| match key {
        1 | 10 => 1,
        24 => 2,
        _ => 0,
    };
    let answer = target.call(3, api_versions()).await;
    for (key, min, max) in kafkas {
        let api = answer.api_keys.iter().find(|api| api.api_key == key);
        let api = api.unwrap_or_else(|| panic!("API {key} is not offered"));
        assert_eq!(api.min_version, min, "API {key}");
        let left_out = if target.is_embedded() {
            left_out(key)
        } else {
            0
        };
        assert_eq!(api.max_version, max - left_out, "API {key}");
    }
}
