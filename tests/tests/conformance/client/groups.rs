//! The three group protocols, with members that come and go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;

use super::config;
use crate::support::Target;
use crate::support::offsets::fetch_offsets;
use crate::support::topics::Topic;

cases!(
    the_eager_protocol,
    the_cooperative_protocol,
    the_consumer_protocol,
    a_member_that_does_not_poll_is_replaced,
    static_members_come_back_without_a_rebalance,
);

const PARTITIONS: i32 = 4;

/// What all members read: by partition, offsets in the order they came.
type Journal = Arc<Mutex<BTreeMap<i32, Vec<i64>>>>;

/// A member with a thread of its own.
struct Member {
    stop: Arc<AtomicBool>,
    assigned: Arc<Mutex<Vec<i32>>>,
    thread: Option<JoinHandle<()>>,
}

impl Member {
    fn start(config: &ClientConfig, topic: &str, journal: &Journal) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let assigned = Arc::new(Mutex::new(Vec::new()));
        let (topic, journal) = (topic.to_owned(), Arc::clone(journal));
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let thread = std::thread::spawn({
            let (stop, assigned) = (Arc::clone(&stop), Arc::clone(&assigned));
            move || {
                consumer.subscribe(&[&topic]).expect("a subscription");
                while !stop.load(Ordering::Relaxed) {
                    let message = consumer.poll(Duration::from_millis(20));
                    let list = consumer.assignment().expect("an assignment");
                    let list = list.elements().iter().map(|e| e.partition()).collect();
                    *assigned.lock().unwrap_or_else(PoisonError::into_inner) = list;
                    let Some(Ok(message)) = message else { continue };
                    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
                    let read = journal.entry(message.partition()).or_default();
                    read.push(message.offset());
                    drop(journal);
                    // One that comes too late is read again by the next owner.
                    let _ = consumer.commit_message(&message, CommitMode::Sync);
                }
            }
        });
        Self {
            stop,
            assigned,
            thread: Some(thread),
        }
    }

    fn assigned(&self) -> Vec<i32> {
        let assigned = self.assigned.lock();
        assigned.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves the group.
    async fn leave(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("a thread");
        super::blocking(move || thread.join().expect("the member ends well")).await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Waits until the members share all partitions, each with some.
async fn shared(members: &[Member]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let shares: Vec<_> = members.iter().map(Member::assigned).collect();
        let mut all = shares.concat();
        all.sort_unstable();
        let fair = shares.iter().all(|share| !share.is_empty());
        if fair && all == (0..PARTITIONS).collect::<Vec<_>>() {
            return;
        }
        assert!(Instant::now() < deadline, "not shared: {shares:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Appends to each partition and waits until all is read.
async fn exchange(target: &Target, topic: &Topic, journal: &Journal, end: &mut i64) {
    for partition in 0..PARTITIONS {
        let values = vec!["x"; 50];
        target.append(topic, partition, values).await;
    }
    *end += 50;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let read = journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let missing: Vec<_> = (0..PARTITIONS)
            .filter(|partition| {
                let read = read.get(partition).map_or(&[][..], Vec::as_slice);
                !(0..*end).all(|offset| read.contains(&offset))
            })
            .collect();
        if missing.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "partitions {missing:?} up to {end}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn members_come_and_go(target: &Target, case: &str, settings: &[(&str, &str)]) {
    let topic = target.topic_with(case, PARTITIONS, &[]).await;
    let group = target.group(case).await;
    let mut config = config(target);
    config
        .set("group.id", &group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let journal = Journal::default();
    let mut end = 0;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(Member::start(&config, &topic.name, &journal));
        shared(&members).await;
        exchange(target, &topic, &journal, &mut end).await;
    }
    for _ in 0..2 {
        members.remove(0).leave().await;
        shared(&members).await;
        exchange(target, &topic, &journal, &mut end).await;
    }
    members.remove(0).leave().await;

    // In the order of the log, and nothing again but what a rebalance repeats.
    let read = journal
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for (partition, offsets) in read {
        let mut next = 0;
        for offset in offsets {
            assert!(
                offset <= next,
                "partition {partition}: {offset} before {next}"
            );
            next = next.max(offset + 1);
        }
        assert_eq!(next, end);
    }
    let asked: Vec<_> = (0..PARTITIONS).collect();
    let request = fetch_offsets(&group, Some(&[(&topic, &asked)]));
    let answer = target.call(8, request).await;
    for partition in &answer.groups[0].topics[0].partitions {
        assert_eq!(partition.committed_offset, end);
    }
}

/// As short as the test service lets sessions be.
const SHORT: [(&str, &str); 2] = [
    ("session.timeout.ms", "3000"),
    ("heartbeat.interval.ms", "200"),
];

async fn the_eager_protocol(target: &Target) {
    members_come_and_go(target, "client-eager", &SHORT).await;
}

async fn the_cooperative_protocol(target: &Target) {
    let cooperative = ("partition.assignment.strategy", "cooperative-sticky");
    let settings = [SHORT[0], SHORT[1], cooperative];
    members_come_and_go(target, "client-cooperative", &settings).await;
}

async fn the_consumer_protocol(target: &Target) {
    let settings = [("group.protocol", "consumer")];
    members_come_and_go(target, "client-consumer", &settings).await;
}

async fn a_member_that_does_not_poll_is_replaced(target: &Target) {
    let topic = target.topic_with("client-stuck", PARTITIONS, &[]).await;
    let group = target.group("client-stuck").await;
    let mut config = config(target);
    config
        .set("group.id", &group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "2000")
        .set("heartbeat.interval.ms", "200");
    let mut stuck = config.clone();
    stuck.set("max.poll.interval.ms", "2000");
    let stuck: BaseConsumer = stuck.create().expect("a consumer");
    stuck.subscribe(&[&topic.name]).expect("a subscription");
    let stuck = super::blocking(move || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while stuck.assignment().expect("an assignment").count() == 0 {
            assert!(Instant::now() < deadline, "no assignment");
            stuck.poll(Duration::from_millis(50));
        }
        stuck
    })
    .await;
    let journal = Journal::default();
    let members = [Member::start(&config, &topic.name, &journal)];
    shared(&members).await;
    let mut end = 0;
    exchange(target, &topic, &journal, &mut end).await;
    let [member] = members;
    member.leave().await;
    super::blocking(move || drop(stuck)).await;
}

async fn static_members_come_back_without_a_rebalance(target: &Target) {
    let topic = target.topic_with("client-static", PARTITIONS, &[]).await;
    let group = target.group("client-static").await;
    let mut config = config(target);
    config
        .set("group.id", &group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "20000");
    let instance = |name: &str| {
        let mut config = config.clone();
        config.set("group.instance.id", name);
        config
    };
    let journal = Journal::default();
    let mut end = 0;
    let mut members = Vec::new();
    for name in ["one", "two"] {
        members.push(Member::start(&instance(name), &topic.name, &journal));
        shared(&members).await;
    }
    exchange(target, &topic, &journal, &mut end).await;
    for name in ["one", "two"] {
        let kept = members[1].assigned();
        let share = members[0].assigned();
        members.remove(0).leave().await;
        assert_eq!(members[0].assigned(), kept);
        members.push(Member::start(&instance(name), &topic.name, &journal));
        shared(&members).await;
        assert_eq!(members[0].assigned(), kept);
        assert_eq!(members[1].assigned(), share, "its own again");
        exchange(target, &topic, &journal, &mut end).await;
    }
}
