//! The run with mixed failures: the consuming process is killed ten times, the
//! broker once, and in the end every message is handled or a dead letter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_integration::message::{Header, Headers};
use kafka_integration::retry::Trail;
use kafka_integration_tests::{Event, Fate};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::BaseRecord;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::support::{
    Audit, KillableBroker, Ledger, LogReader, Logged, Member, Random, RawProducer, Scene, event,
    json, read_log, until,
};

pub(super) const KEYS: u64 = 500;
const PARTITIONS: i32 = 6;
const KILLS: u64 = 10;
/// The broker is killed before this one.
const BROKER_KILL: u64 = 5;
const MAX_IN_FLIGHT: u64 = 512;
/// Of what is in flight when something is killed, and what is finished and not
/// committed, each message may be handled again, or move again.
const MOST_AGAIN: u64 = (KILLS + 1) * (2 * MAX_IN_FLIGHT + 1_024);
pub(super) const MAX_RETRIES: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(90);

/// Where a message stood first.
type Place = (i32, i64);

/// What a run does.
pub(super) struct Run {
    pub(super) name: &'static str,
    pub(super) events: u64,
    /// How many retry topics the policy has.
    pub(super) levels: u32,
    /// How many processes consume at a time.
    pub(super) members: u64,
    /// Of the harness.
    pub(super) arguments: &'static [&'static str],
}

/// What it leaves.
pub(super) struct Outcome {
    pub(super) ledger: Ledger,
    /// What was produced.
    source: BTreeMap<Place, Logged>,
    /// What moved to retry topics and to the dead-letter topic.
    moved: Vec<Logged>,
    dead: Vec<Logged>,
    scene: Arc<Scene>,
}

/// The event that a key's so-manieth message is about.
pub(super) fn event_of(key: &str, sequence: u64) -> u64 {
    let key: u64 = key["key-".len()..].parse().expect("a key of the run");
    sequence * KEYS + key
}

impl Run {
    pub(super) fn on(&self, broker: &mut KillableBroker) -> Outcome {
        let scene = Scene::new(broker.address(), self.name, PARTITIONS);
        let begun = Instant::now();
        produce(&scene, (0..self.events).map(|id| event(id, KEYS)));
        let retries: Vec<String> = (1..=self.levels).map(|n| scene.retry_topic(n)).collect();
        let moved = [retries.clone(), vec![scene.dead_letter_topic()]].concat();
        let audit = Audit::with_moved(&scene, moved);
        let dead = (0..self.events)
            .filter(|id| Fate::of(*id).is_dead())
            .count() as u64;
        let alive = self.events - dead;

        let mut random = Random::new();
        let mut members: Vec<Member> = (0..self.members).map(|_| self.start(&scene)).collect();
        let stretch = alive / (KILLS + 2);
        for kill in 0..KILLS {
            let goal = stretch * (kill + 1) + random.below(stretch / 2);
            progress(&audit, goal);
            if kill == BROKER_KILL {
                broker.kill();
                std::thread::sleep(Duration::from_millis(500));
                broker.restart();
                progress(&audit, goal + stretch / 4);
            }
            let member = &mut members[(kill % self.members) as usize];
            member.kill();
            println!("{}: kill {kill} at {}", self.name, audit.finished());
            *member = self.start(&scene);
        }
        assert!(
            audit.finished() < alive,
            "the last kill hit an idle process"
        );
        progress(&audit, alive);
        let mut letters = LogReader::new(&scene.bootstrap, [scene.dead_letter_topic()]);
        let mut places = BTreeSet::new();
        until(PATIENCE, || {
            let fresh = letters.read().unwrap_or_default();
            places.extend(fresh.iter().map(|letter| place(&trail(letter))));
            let missing = dead - places.len() as u64;
            (missing > 0).then(|| format!("{missing} of {dead} dead letters"))
        });
        until(PATIENCE, || scene.uncommitted());
        until(PATIENCE, || unfinished_retries(&scene, &retries));
        for member in &mut members {
            member.stop(Duration::from_secs(15));
        }
        println!("{}: {:?}", self.name, begun.elapsed());
        Outcome {
            ledger: audit.finish(),
            source: read_log(&scene.bootstrap, [scene.topic.clone()])
                .into_iter()
                .map(|record| ((record.partition, record.offset), record))
                .collect(),
            moved: read_log(&scene.bootstrap, retries),
            dead: read_log(&scene.bootstrap, [scene.dead_letter_topic()]),
            scene,
        }
    }

    fn start(&self, scene: &Scene) -> Member {
        let retries = MAX_RETRIES.to_string();
        let max_in_flight = MAX_IN_FLIGHT.to_string();
        let mut arguments = vec!["--fates", "--ordering", "key", "--concurrency", "32"];
        arguments.extend(["--handler-ms", "2", "--max-in-flight", &max_in_flight]);
        arguments.extend(["--max-retries", &retries]);
        arguments.extend(["--config", "session.timeout.ms=1000"]);
        arguments.extend(["--config", "heartbeat.interval.ms=200"]);
        arguments.extend(["--config", "reconnect.backoff.max.ms=500"]);
        arguments.extend(self.arguments);
        scene.start(&arguments)
    }
}

impl Outcome {
    /// Nothing is lost, nothing has changed, and each record says where it
    /// comes from and why.
    pub(super) fn check(&self) {
        let dead: BTreeSet<Place> = self
            .dead
            .iter()
            .map(|letter| place(&trail(letter)))
            .collect();
        let mut handled = 0;
        for (place, record) in &self.source {
            let (id, fate) = fate(record);
            assert_eq!(dead.contains(place), fate.is_dead(), "{fate:?}: {record:?}");
            assert_eq!(
                self.ledger.is_finished(id),
                !fate.is_dead(),
                "{fate:?}: {record:?}"
            );
            handled += u64::from(!fate.is_dead());
        }
        assert_eq!(dead.len() as u64 + handled, self.source.len() as u64);
        for letter in &self.dead {
            self.check_dead(letter);
        }
        for record in &self.moved {
            self.check_retry(record);
        }
        let again = self.ledger.duplicates();
        assert!(again <= MOST_AGAIN, "{again} were handled again");
        println!(
            "{handled} handled, {} dead, {} hops; {} handled again, {} letters twice",
            dead.len(),
            self.moved.len(),
            again,
            self.dead.len() - dead.len(),
        );
    }

    fn check_dead(&self, letter: &Logged) {
        let trail = trail(letter);
        let (id, fate) = fate(self.check_kept(letter, &trail));
        let (class, reason, attempts) = match fate {
            Fate::Terminal => ("Terminal", "terminal", 1),
            Fate::Hopeless => ("Hopeless", "exhausted", MAX_RETRIES + 1),
            Fate::Undecodable => ("undecodable", "undecodable", 1),
            Fate::Fine | Fate::Transient(_) => panic!("{fate:?}: {letter:?}"),
        };
        assert_eq!(trail.error.class, class, "{letter:?}");
        assert_eq!(trail.reason, reason, "{letter:?}");
        assert_eq!(trail.attempts, attempts, "{letter:?}");
        assert_eq!(trail.due, None, "{letter:?}");
        if fate != Fate::Undecodable {
            let text = format!("event {id} fails");
            assert!(trail.error.text.contains(&text), "{letter:?}");
        }
    }

    fn check_retry(&self, record: &Logged) {
        let trail = trail(record);
        let (_, fate) = fate(self.check_kept(record, &trail));
        let class = match fate {
            Fate::Hopeless => "Hopeless",
            Fate::Transient(times) => {
                assert!(trail.attempts <= times, "{record:?}");
                "Transient"
            }
            _ => panic!("{fate:?}: {record:?}"),
        };
        assert_eq!(trail.error.class, class, "{record:?}");
        assert_eq!(trail.reason, "retry", "{record:?}");
        // A retry topic for each attempt, as the delays differ.
        let level = self.scene.retry_topic(trail.attempts);
        assert_eq!(record.topic, level, "{record:?}");
        assert!(trail.due > Some(trail.last_failure), "{record:?}");
    }

    /// A moved record is as it was, but for its trail; what it was.
    fn check_kept(&self, record: &Logged, trail: &Trail) -> &Logged {
        let original = &self.source[&place(trail)];
        assert_eq!(record.key, original.key);
        assert_eq!(record.payload, original.payload);
        assert_eq!(Trail::strip(&record.headers), original.headers);
        assert_eq!(record.timestamp, original.timestamp);
        assert_eq!(record.partition, original.partition);
        assert_eq!(trail.original.topic, original.topic);
        let timestamp = trail.original.timestamp.map(|at| at.as_millis());
        assert_eq!(timestamp, original.timestamp);
        assert_eq!(trail.group, self.scene.group);
        assert!(trail.first_failure <= trail.last_failure, "{trail:?}");
        original
    }
}

fn progress(audit: &Audit, goal: u64) {
    until(PATIENCE, || {
        let finished = audit.finished();
        (finished < goal).then(|| format!("{finished} of {goal} finished"))
    });
}

fn trail(record: &Logged) -> Trail {
    Trail::of(&record.headers).unwrap_or_else(|| panic!("no trail: {record:?}"))
}

fn place(trail: &Trail) -> Place {
    (trail.original.partition, trail.original.offset)
}

/// A produced record's event, which its first header names, and what is to
/// become of it.
fn fate(record: &Logged) -> (u64, Fate) {
    let first = record.headers.iter().next().expect("its headers");
    let id = std::str::from_utf8(first.value.as_deref().unwrap_or_default());
    let id = id.expect("a number").parse().expect("a number");
    (id, Fate::of(id))
}

/// What of the retry topics their group has not committed.
fn unfinished_retries(scene: &Scene, topics: &[String]) -> Option<String> {
    if topics.is_empty() {
        return None;
    }
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &scene.bootstrap)
        .set("group.id", scene.retry_group())
        .create()
        .expect("a client of the group");
    let mut list = TopicPartitionList::new();
    for topic in topics {
        list.add_partition_range(topic, 0, scene.partitions - 1);
    }
    let timeout = Duration::from_secs(10);
    let committed = client.committed_offsets(list, timeout).expect("an answer");
    committed.elements().iter().find_map(|element| {
        let (topic, partition) = (element.topic(), element.partition());
        let ends = client.fetch_watermarks(topic, partition, timeout);
        let (_, end) = ends.expect("an answer");
        let done = end == 0 || element.offset() == Offset::Offset(end);
        (!done).then(|| format!("{topic} [{partition}]: {:?} of {end}", element.offset()))
    })
}

/// With headers that are easily lost, and the times of another day.
fn produce(scene: &Scene, events: impl IntoIterator<Item = Event>) {
    let an_hour_ago = kafka_integration::message::Timestamp::now().as_millis() - 3_600_000;
    let mut producer = RawProducer::new(&scene.bootstrap, &scene.topic);
    for event in events {
        let payload = match Fate::of(event.id) {
            Fate::Undecodable => [b"\xff\x00{ not json ".as_slice(), &json(&event)].concat(),
            _ => json(&event),
        };
        let record = BaseRecord::to(&scene.topic)
            .key(&*event.key)
            .payload(&*payload)
            .timestamp(an_hour_ago + event.id as i64)
            .headers(headers(event.id));
        producer.send_record(record);
    }
    producer.flush();
}

fn headers(id: u64) -> OwnedHeaders {
    let mut headers = Headers::new();
    headers.insert("trace", id.to_string());
    headers.push(Header {
        name: "null".to_owned(),
        value: None,
    });
    headers.insert("trace", "again");
    headers.insert("empty", "");
    headers.iter().fold(OwnedHeaders::new(), |all, header| {
        all.insert(rdkafka::message::Header {
            key: &header.name,
            value: header.value.as_deref(),
        })
    })
}
