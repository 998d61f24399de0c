//! Stamps are processed in batches: by size, or when they are due.

mod support;

use std::time::{Duration, SystemTime};

use serde_json::Value;
use support::{App, Setup, Store, on_apache_kafka, unique, wait_for};

on_each_database!(
    two_stamps_go_together_at_once,
    one_stamp_goes_when_it_is_due_and_not_before,
    a_kill_loses_no_stamp_that_waits,
    forms_that_are_no_stamp_are_refused,
    the_same_on_apache_kafka,
);

/// How late a stamp may be on a busy machine.
const LATE: Duration = Duration::from_secs(5);

const CREATE: &str = "/datasender/create_stamp/";

/// Where a test runs, and what begins the names of its objects: on brokers that
/// others use too, nobody else's do.
struct Scene<'a> {
    store: &'a Store,
    brokers: Option<&'a str>,
    prefix: String,
}

impl<'a> Scene<'a> {
    fn embedded(store: &'a Store) -> Self {
        Self {
            store,
            brokers: None,
            prefix: "cid-".to_owned(),
        }
    }

    fn setup(&self, arguments: &[&str]) -> Setup<'a> {
        Setup::new(self.store, arguments)
            .env("KAFKA__CONSUMER_CONFIG__SESSION_TIMEOUT_MS", "6000")
            .on(self.brokers)
    }

    fn dev(&self) -> App {
        self.setup(&["dev", "--port", "0"]).serve()
    }

    fn create(&self, app: &App, name: &str, time_tolerance: u64) -> Value {
        let object_cid = format!("{}{name}", self.prefix);
        let form = format!("object_cid={object_cid}&time_tolerance={time_tolerance}");
        let answer = app.post_form(CREATE, &form);
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.body["object_cid"], object_cid);
        assert_eq!(answer.body["time_tolerance"], time_tolerance);
        answer.body
    }

    /// The stamps of this test that were processed.
    fn stamps(&self, app: &App) -> Vec<Value> {
        let answer = app.get("/stamps");
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut stamps: Vec<Value> = serde_json::from_value(answer.body).expect("a list");
        let object_cid =
            |stamp: &Value| stamp["object_cid"].as_str().unwrap_or_default().to_owned();
        stamps.retain(|stamp| object_cid(stamp).starts_with(&self.prefix));
        stamps.sort_by_key(object_cid);
        stamps
    }

    /// Waits until so many were processed.
    fn wait_until_processed(&self, app: &mut App, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} stamps"), || {
            app.assert_running();
            Some(self.stamps(app)).filter(|stamps| stamps.len() >= count)
        })
    }
}

fn time(stamp: &Value, field: &str) -> SystemTime {
    let text = stamp[field].as_str().expect("a time");
    humantime::parse_rfc3339(text).expect("a time by RFC 3339")
}

/// Ends it in order: what it has processed does not come again.
fn end(mut app: App) {
    app.signal("TERM");
    assert_eq!(app.wait().code(), Some(0), "{}", app.printed());
}

/// After which time the stamp was processed.
fn waited(stamp: &Value) -> Duration {
    let waited = time(stamp, "processed_at").duration_since(time(stamp, "created"));
    waited.expect("processed after it was created")
}

fn assert_one_batch(stamps: &[Value]) {
    assert_eq!(stamps.len(), 2, "{stamps:?}");
    assert_eq!(stamps[0]["batch_id"], stamps[1]["batch_id"], "{stamps:?}");
    assert_eq!(stamps[0]["processed_at"], stamps[1]["processed_at"]);
}

fn two_stamps_go_together_at_once(store: &Store) {
    two_at_once(&Scene::embedded(store));
}

fn two_at_once(scene: &Scene<'_>) {
    let mut app = scene.dev();
    scene.create(&app, "1", 3_600);
    scene.create(&app, "2", 3_600);
    assert_one_batch(&scene.wait_until_processed(&mut app, 2));
    end(app);
}

fn one_stamp_goes_when_it_is_due_and_not_before(store: &Store) {
    one_when_due(&Scene::embedded(store));
}

fn one_when_due(scene: &Scene<'_>) {
    let mut app = scene.dev();
    // Whatever it has to do first is done before the stamp's time begins.
    scene.create(&app, "first", 0);
    let first = scene.wait_until_processed(&mut app, 1);
    let created = scene.create(&app, "second", 3);
    let stamps = scene.wait_until_processed(&mut app, 2);
    assert_ne!(stamps[1]["batch_id"], first[0]["batch_id"], "{stamps:?}");
    assert_eq!(stamps[1]["created"], created["created"]);
    let tolerance = Duration::from_secs(3);
    let waited = waited(&stamps[1]);
    assert!(waited >= tolerance, "{waited:?} is too early");
    assert!(waited < tolerance + LATE, "{waited:?} is too late");
    end(app);
}

fn a_kill_loses_no_stamp_that_waits(store: &Store) {
    kills(&Scene::embedded(store));
}

/// Web server and consumer are processes of their own; the consumer is killed
/// with a stamp in hand, twice.
fn kills(scene: &Scene<'_>) {
    assert_eq!(scene.setup(&["migrate"]).run().0, Some(0));
    let mut web = scene.setup(&["serve", "--port", "0"]).serve();
    let consume = [
        "kafka-consume",
        "StampConsumer",
        "--status-interval",
        "50ms",
    ];
    let consumer_with_a_stamp = || {
        let mut consumer = scene.setup(&consume).start();
        wait_for("a stamp in its hands", || {
            consumer.assert_running();
            consumer.printed().contains("in_flight=1 ").then_some(())
        });
        consumer
    };
    scene.create(&web, "1", 3_600);
    for _ in 0..2 {
        consumer_with_a_stamp().signal("KILL");
    }
    let consumer = consumer_with_a_stamp();
    assert_eq!(scene.stamps(&web), Vec::<Value>::new(), "it is not due");
    scene.create(&web, "2", 3_600);
    assert_one_batch(&scene.wait_until_processed(&mut web, 2));
    end(consumer);
    assert_eq!(scene.stamps(&web).len(), 2);
}

fn the_same_on_apache_kafka(store: &Store) {
    on_apache_kafka("stamps", |brokers| {
        let scene = || Scene {
            store,
            brokers: Some(brokers),
            prefix: format!("cid-{}-", unique()),
        };
        // Takes with it what a run that was broken off has left.
        one_when_due(&scene());
        two_at_once(&scene());
        kills(&scene());
    });
}

fn forms_that_are_no_stamp_are_refused(store: &Store) {
    let app = Scene::embedded(store).dev();
    let long = format!("object_cid={}&time_tolerance=1", "x".repeat(201));
    for (field, form) in [
        ("object_cid", "time_tolerance=10"),
        ("object_cid", "object_cid=&time_tolerance=10"),
        ("object_cid", "object_cid=a%00b&time_tolerance=10"),
        ("object_cid", "object_cid=1&object_cid=2&time_tolerance=10"),
        ("object_cid", &long),
        ("time_tolerance", "object_cid=1"),
        ("time_tolerance", "object_cid=1&time_tolerance="),
        ("time_tolerance", "object_cid=1&time_tolerance=soon"),
        ("time_tolerance", "object_cid=1&time_tolerance=-1"),
        ("time_tolerance", "object_cid=1&time_tolerance=1.5"),
        (
            "time_tolerance",
            "object_cid=1&time_tolerance=99999999999999999999",
        ),
        ("colour", "object_cid=1&time_tolerance=10&colour=green"),
    ] {
        let answer = app.post_form(CREATE, form);
        assert_eq!(answer.status, 422, "{form}: {answer:?}");
        assert_eq!(answer.body["field"], field, "{form}: {answer:?}");
        assert!(answer.body["error"].is_string(), "{form}: {answer:?}");
    }
    let answer = app.post(CREATE, r#"{"object_cid": "1", "time_tolerance": 10}"#);
    assert_eq!(answer.status, 415, "{answer:?}");
    let large = format!("object_cid={}", "x".repeat(20_000));
    let answer = app.post_form(CREATE, &large);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(app.get(CREATE).status, 405);
    // Text from elsewhere arrives as it was sent.
    let answer = app.post_form(CREATE, "object_cid=Q%26m+%C3%A9&time_tolerance=0");
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["object_cid"], "Q&m é");
}
