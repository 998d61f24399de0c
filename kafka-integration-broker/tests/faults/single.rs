//! Faults of single requests.

use std::time::Duration;

use kafka_integration_broker::{ApiKey, EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::{ApiVersionsRequest, InitProducerIdRequest, MetadataRequest};
use tokio::time::timeout;

use crate::client::{Client, PATIENCE};
use crate::requests::{create, end_of, fetch, fetched, produce, produce_as, produced};

const REFUSED: ErrorCode = ErrorCode::NotLeaderOrFollower;
const CODE: i16 = 6;

async fn start() -> (EmbeddedBroker, Client) {
    let broker = EmbeddedBroker::builder().start().await.unwrap();
    let mut client = Client::connect(broker.address(), "shop").await;
    create(&mut client, &["a", "b"]).await;
    (broker, client)
}

#[tokio::test]
async fn a_refused_topic_leaves_the_others_of_its_request_alone() {
    let (broker, mut client) = start().await;
    let on = broker.faults().on(ApiKey::Produce).topic("a");
    let fault = on.skip(1).times(2).error(REFUSED).unwrap();
    let both = produce(&["a", "b"]);
    let expected = [
        [("a", 0, 0), ("b", 0, 0)],
        [("a", CODE, -1), ("b", 0, 1)],
        [("a", CODE, -1), ("b", 0, 2)],
        [("a", 0, 1), ("b", 0, 3)],
    ];
    for expected in expected {
        let answer = client.ask(9, &both).await.unwrap();
        assert_eq!(produced(&answer), expected);
    }
    assert_eq!(fault.hits(), 2);
    broker.stop().await;
}

#[tokio::test]
async fn a_refused_topic_is_known_by_its_id_too() {
    let (broker, mut client) = start().await;
    let request = MetadataRequest::default().with_topics(None);
    let metadata = client.ask(12, &request).await.unwrap();
    let id = metadata.topics[0].topic_id;
    let fault = broker.faults().on(ApiKey::Produce).topic("a");
    fault.error(REFUSED).unwrap();
    let mut request = produce(&["", ""]);
    request.topic_data[0].topic_id = id;
    request.topic_data[1].topic_id = metadata.topics[1].topic_id;
    let answer = client.ask(13, &request).await.unwrap();
    for topic in &answer.responses {
        let expected = if topic.topic_id == id { CODE } else { 0 };
        assert_eq!(topic.partition_responses[0].error_code, expected);
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_session_that_names_nothing_any_more_finds_the_refused_topic() {
    let (broker, mut client) = start().await;
    client.ask(9, &produce(&["a", "b"])).await.unwrap();
    let begun = client.ask(12, &fetch(0, 0, &["a", "b"])).await.unwrap();
    assert_eq!(fetched(&begun), [("a", 0, true), ("b", 0, true)]);
    let session = begun.session_id;
    let on = || broker.faults().on(ApiKey::Fetch).topic("b");
    let fault = on().times(1).error(REFUSED).unwrap();
    let answer = client.ask(12, &fetch(session, 1, &[])).await.unwrap();
    assert_eq!(fetched(&answer), [("a", 0, true), ("b", CODE, false)]);
    assert_eq!(fault.hits(), 1);
    let answer = client.ask(12, &fetch(session, 2, &[])).await.unwrap();
    assert_eq!(fetched(&answer), [("a", 0, true), ("b", 0, true)]);

    let fault = on().times(1).error(ErrorCode::FetchSessionIdNotFound);
    let answer = client.ask(12, &fetch(session, 3, &[])).await.unwrap();
    assert_eq!(answer.error_code, 70);
    assert_eq!(fault.unwrap().hits(), 1);

    on().disconnect().unwrap();
    let answer = client.ask(12, &fetch(session, 3, &[])).await;
    assert!(answer.is_err(), "{answer:?}");
    broker.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_a_request_that_had_its_effect() {
    let (broker, mut client) = start().await;
    let identity = InitProducerIdRequest::default().with_transactional_id(None);
    let identity = client.ask(4, &identity).await.unwrap();
    assert_eq!(identity.error_code, 0);
    let request = produce_as(identity.producer_id.0, 0, &["a"]);
    let fault = broker.faults().on(ApiKey::Produce).times(1).lose_answer();
    let fault = fault.unwrap();
    let lost = client.ask(9, &request).await;
    assert!(lost.is_err(), "{lost:?}");
    timeout(PATIENCE, fault.hit(1)).await.unwrap();

    let mut client = Client::connect(broker.address(), "shop").await;
    assert_eq!(end_of(&mut client, "a").await, 1);
    // What a producer does then: the same batch again.
    let again = client.ask(9, &request).await.unwrap();
    assert_eq!(produced(&again), [("a", 0, 0)]);
    assert_eq!(end_of(&mut client, "a").await, 1);
    broker.stop().await;
}

#[tokio::test]
async fn a_disconnected_request_has_no_effect_and_other_clients_none_of_it() {
    let (broker, mut client) = start().await;
    let mut other = Client::connect(broker.address(), "other").await;
    let cut = broker.faults().on_any().client_id("shop").disconnect();
    let lost = client.ask(9, &produce(&["a"])).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(end_of(&mut other, "a").await, 0);
    cut.unwrap().lift();
    let mut client = Client::connect(broker.address(), "shop").await;
    let answer = client.ask(9, &produce(&["a"])).await.unwrap();
    assert_eq!(produced(&answer), [("a", 0, 0)]);
    broker.stop().await;
}

#[tokio::test]
async fn a_delayed_request_waits_and_goes_on_when_the_fault_is_lifted() {
    let (broker, mut client) = start().await;
    let hour = Duration::from_secs(3600);
    let held = broker.faults().on(ApiKey::Produce).delay(hour).unwrap();
    let request = produce(&["a"]);
    client.send(9, &request).await;
    timeout(PATIENCE, held.hit(1)).await.unwrap();
    assert!(client.is_silent().await);
    let mut other = Client::connect(broker.address(), "other").await;
    assert_eq!(end_of(&mut other, "a").await, 0);
    held.lift();
    let answer = client.receive::<kafka_protocol::messages::ProduceRequest>(9);
    assert_eq!(produced(&answer.await.unwrap()), [("a", 0, 0)]);

    let short = Duration::from_millis(50);
    let on = broker.faults().on(ApiKey::Produce);
    on.times(1).delay(short).unwrap();
    let began = std::time::Instant::now();
    client.ask(9, &request).await.unwrap();
    assert!(began.elapsed() >= short);
    broker.stop().await;
}

#[tokio::test]
async fn silence_lasts_until_it_is_lifted_or_the_client_goes() {
    let builder = EmbeddedBroker::builder().max_connections(2);
    let broker = builder.start().await.unwrap();
    let address = broker.address();
    let on = || broker.faults().on(ApiKey::ApiVersions).client_id("shop");
    let fault = on().times(2).silence().unwrap();
    let request = ApiVersionsRequest::default();
    let mut first = Client::connect(address, "shop").await;
    let mut second = Client::connect(address, "shop").await;
    first.send(0, &request).await;
    second.send(0, &request).await;
    timeout(PATIENCE, fault.hit(2)).await.unwrap();
    // What follows on the connection isn't answered either.
    first.send(0, &request).await;
    assert!(first.is_silent().await);

    // Who goes away leaves a place.
    drop(second);
    let answered = async {
        let mut third = Client::connect(address, "shop").await;
        while third.ask(0, &request).await.is_err() {
            third = Client::connect(address, "shop").await;
        }
    };
    timeout(PATIENCE, answered).await.unwrap();

    // Though it has struck as often as it may.
    assert!(first.is_silent().await);
    broker.faults().clear();
    first.closed().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_silenced_produce_leaves_a_place() {
    let builder = EmbeddedBroker::builder().max_connections(1);
    let broker = builder.start().await.unwrap();
    let address = broker.address();
    let mut client = Client::connect(address, "shop").await;
    create(&mut client, &["a"]).await;
    let fault = broker.faults().on(ApiKey::Produce).silence().unwrap();
    // Appends don't wait for the answers before them: both are out.
    client.send(9, &produce(&["a"])).await;
    client.send(9, &produce(&["a"])).await;
    timeout(PATIENCE, fault.hit(1)).await.unwrap();
    assert!(client.is_silent().await);
    drop(client);
    let request = ApiVersionsRequest::default();
    let answered = async {
        let mut next = Client::connect(address, "next").await;
        while next.ask(0, &request).await.is_err() {
            next = Client::connect(address, "next").await;
        }
        assert_eq!(end_of(&mut next, "a").await, 0);
    };
    timeout(PATIENCE, answered).await.unwrap();
    assert_eq!(fault.hits(), 1);
    broker.stop().await;
}

#[tokio::test]
async fn an_unsupported_version_is_answered_in_the_oldest_form() {
    let broker = EmbeddedBroker::builder().start().await.unwrap();
    let on = broker.faults().on(ApiKey::ApiVersions).times(1);
    on.error(ErrorCode::UnsupportedVersion).unwrap();
    let mut client = Client::connect(broker.address(), "shop").await;
    let named = kafka_protocol::protocol::StrBytes::from_static_str("test");
    let request = ApiVersionsRequest::default()
        .with_client_software_name(named.clone())
        .with_client_software_version(named);
    client.send(3, &request).await;
    let answer = client.receive::<ApiVersionsRequest>(0).await.unwrap();
    assert_eq!(answer.error_code, 35);
    assert!(!answer.api_keys.is_empty());
    let answer = client.ask(3, &request).await.unwrap();
    assert_eq!(answer.error_code, 0);
    broker.stop().await;
}

#[tokio::test]
async fn metadata_of_all_topics_has_the_error_with_its_topic() {
    let (broker, mut client) = start().await;
    let on = broker.faults().on(ApiKey::Metadata).topic("a");
    on.error(ErrorCode::LeaderNotAvailable).unwrap();
    let all = MetadataRequest::default().with_topics(None);
    let answer = client.ask(12, &all).await.unwrap();
    assert_eq!(answer.brokers.len(), 1);
    let mut topics: Vec<_> = (answer.topics.iter())
        .map(|topic| (topic.name.as_ref().unwrap().as_str(), topic.error_code))
        .collect();
    topics.sort_unstable();
    assert_eq!(topics, [("a", 5), ("b", 0)]);
    broker.stop().await;
}

#[tokio::test]
async fn a_refused_login_ends_its_connection() {
    let builder = EmbeddedBroker::builder().user("ann", "secret");
    let broker = builder.start().await.unwrap();
    let on = broker.faults().on(ApiKey::SaslHandshake).times(1);
    on.error(ErrorCode::UnsupportedSaslMechanism).unwrap();
    let request = kafka_protocol::messages::SaslHandshakeRequest::default()
        .with_mechanism(kafka_protocol::protocol::StrBytes::from_static_str("PLAIN"));
    let mut client = Client::connect(broker.address(), "shop").await;
    let answer = client.ask(1, &request).await.unwrap();
    assert_eq!(answer.error_code, 33);
    client.closed().await;
    let mut client = Client::connect(broker.address(), "shop").await;
    assert_eq!(client.ask(1, &request).await.unwrap().error_code, 0);
    broker.stop().await;
}

#[tokio::test]
async fn a_fault_sees_only_what_those_before_it_left() {
    let (broker, mut client) = start().await;
    let on = || broker.faults().on(ApiKey::Produce).topic("a");
    let refused = on().times(2).error(REFUSED).unwrap();
    let lost = on().times(1).lose_answer().unwrap();
    for _ in 0..2 {
        let answer = client.ask(9, &produce(&["a"])).await.unwrap();
        assert_eq!(produced(&answer), [("a", CODE, -1)]);
    }
    assert_eq!((refused.hits(), lost.hits()), (2, 0));
    let third = client.ask(9, &produce(&["a"])).await;
    assert!(third.is_err(), "{third:?}");
    assert_eq!((refused.hits(), lost.hits()), (2, 1));
    broker.stop().await;
}
