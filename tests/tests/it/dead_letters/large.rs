//! Messages that are large, and topics that take less.

use kafka_integration::message::{Headers, Timestamp};
use kafka_integration::retry::dead::{DeadLetterError, Redrive, Watch};
use kafka_integration_tests::TestBroker;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer as _};

use super::scene::{PATIENCE, Record, Scene, original, send};

const MEGABYTE: usize = 1024 * 1024;

/// A topic of one partition that takes batches up to there.
async fn topic(scene: &Scene, name: &str, limit: usize) -> String {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &scene.address)
        .create()
        .expect("an admin client");
    let (name, limit) = (format!("{}-{name}", scene.source), limit.to_string());
    let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let topic = topic.set("max.message.bytes", &limit);
    let results = admin.create_topics([&topic], &AdminOptions::new()).await;
    for result in results.expect("the broker answers") {
        result.expect("the topic is created");
    }
    name
}

/// Bytes that no codec makes smaller.
fn noise(length: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56
    };
    (0..length).map(|_| next() as u8).collect()
}

/// Buries messages of these sizes and gives their values.
fn bury(scene: &Scene, sizes: &[usize]) -> Vec<Vec<u8>> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &scene.address)
        .set("message.max.bytes", "20000000")
        .create()
        .expect("a producer");
    let trail = scene.trail(1, "shop::Declined");
    let headers = trail.append_to(&Headers::new());
    let values: Vec<_> = (1..)
        .zip(sizes)
        .map(|(seed, size)| noise(*size, seed))
        .collect();
    for value in &values {
        let record = Record {
            timestamp: Some(Timestamp::now().as_millis()),
            value: Some(value.clone()),
            headers: headers
                .iter()
                .map(|header| (header.name.clone(), header.value.as_deref().map(Into::into)))
                .collect(),
            ..original(0)
        };
        send(&producer, &scene.dead, &record);
    }
    producer.flush(PATIENCE).expect("they are acknowledged");
    values
}

fn values(scene: &Scene, topic: &str) -> Vec<Vec<u8>> {
    let records = scene.read(topic).into_iter();
    records.filter_map(|record| record.value).collect()
}

/// With a topic of dead letters that takes large ones.
async fn scene(broker: &TestBroker, test: &str) -> Scene {
    let mut scene = Scene::on(broker, test).await;
    scene.dead = topic(&scene, "large.dlt", 10 * MEGABYTE).await;
    scene
}

fn to(target: &str) -> Redrive {
    Redrive {
        to: Some(target.to_owned()),
        ..Redrive::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_topics_take_goes_back_however_large() {
    for broker in TestBroker::each("what_the_topics_take_goes_back") {
        let scene = scene(&broker, "large").await;
        let letters = scene.letters().await;
        let large = topic(&scene, "source", 10 * MEGABYTE).await;
        let buried = bury(&scene, &[10, 5 * MEGABYTE, 10, 3 * MEGABYTE]);
        let done = letters.redrive(&to(&large), &Watch::new()).await;
        assert_eq!(done.expect("they go").letters, 4);
        assert!(values(&scene, &large) == buried);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_takes_less_than_a_batch_gets_smaller_ones() {
    for broker in TestBroker::each("a_topic_that_takes_less_than_a_batch") {
        let scene = scene(&broker, "small").await;
        let letters = scene.letters().await;
        let small = topic(&scene, "source", 4_000).await;
        let buried = bury(&scene, &[1_000; 50]);
        let watch = Watch::new();
        let done = letters.redrive(&to(&small), &watch).await;
        assert_eq!(done.expect("they go").letters, 50);
        assert_eq!(watch.done(), (50, 50));
        assert!(values(&scene, &small) == buried);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_is_too_large_is_named_and_those_before_it_are_moved() {
    for broker in TestBroker::each("the_one_that_is_too_large_is_named") {
        let scene = scene(&broker, "named").await;
        let letters = scene.letters().await;
        let small = topic(&scene, "source", 20_000).await;
        let mut sizes = [100; 60];
        sizes[37] = 30_000;
        let buried = bury(&scene, &sizes);
        let watch = Watch::new();
        let error = letters.redrive(&to(&small), &watch).await;
        let error = error.expect_err("one is too large");
        let DeadLetterError::Refused {
            partition,
            offset,
            target,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((*partition, *offset, target), (0, 37, &small), "{error}");
        assert_eq!(watch.done(), (37, 60));
        assert!(values(&scene, &small) == buried[..37]);
        // The rest goes where it is taken.
        let large = topic(&scene, "large", MEGABYTE).await;
        let done = letters.redrive(&to(&large), &Watch::new()).await;
        assert_eq!(done.expect("they go").letters, 23);
        assert!(values(&scene, &large) == buried[37..]);
    }
}
