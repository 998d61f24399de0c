//! Stamps are processed in batches: by size, or when they are due.

mod support;

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use support::{App, Setup, Store, wait_for};

on_each_database!(
    two_stamps_go_together_at_once,
    one_stamp_goes_when_it_is_due_and_not_before,
    a_kill_loses_no_stamp_that_waits,
    forms_that_are_no_stamp_are_refused,
);

/// How late a stamp may be on a busy machine.
const LATE: Duration = Duration::from_secs(5);

const CREATE: &str = "/datasender/create_stamp/";

fn dev(store: &Store) -> App {
    Setup::new(store, &["dev", "--port", "0"]).serve()
}

fn create(app: &App, object_cid: &str, time_tolerance: u64) -> Value {
    let form = format!("object_cid={object_cid}&time_tolerance={time_tolerance}");
    let answer = app.post_form(CREATE, &form);
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.body["object_cid"], object_cid);
    assert_eq!(answer.body["time_tolerance"], time_tolerance);
    answer.body
}

fn stamps(app: &App) -> Vec<Value> {
    let answer = app.get("/stamps");
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_value(answer.body).expect("a list")
}

/// Waits until so many stamps were processed.
fn wait_until_processed(app: &mut App, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} stamps"), || {
        app.assert_running();
        Some(stamps(app)).filter(|stamps| stamps.len() >= count)
    })
}

/// Waits until this process consumes.
fn wait_until_consuming(app: &mut App) {
    let order = json!({"customer": "ann", "sku": "tea", "quantity": 1, "unit_price_cents": 1});
    let billed = |app: &App| app.get("/customers/ann").body["orders"].as_u64();
    let before = billed(app);
    assert_eq!(app.post("/orders", order.to_string()).status, 201);
    wait_for("a bill of this process", || {
        app.assert_running();
        (billed(app) > before).then_some(())
    });
}

fn time(stamp: &Value, field: &str) -> SystemTime {
    let text = stamp[field].as_str().expect("a time");
    humantime::parse_rfc3339(text).expect("a time by RFC 3339")
}

/// After which time the stamp was processed.
fn waited(stamp: &Value) -> Duration {
    let waited = time(stamp, "processed_at").duration_since(time(stamp, "created"));
    waited.expect("processed after it was created")
}

fn two_stamps_go_together_at_once(store: &Store) {
    let mut app = dev(store);
    create(&app, "1", 3_600);
    create(&app, "2", 3_600);
    let stamps = wait_until_processed(&mut app, 2);
    assert_eq!(stamps.len(), 2, "{stamps:?}");
    assert_eq!(stamps[0]["batch_id"], stamps[1]["batch_id"], "{stamps:?}");
    assert_eq!(stamps[0]["processed_at"], stamps[1]["processed_at"]);
    let mut cids: Vec<_> = stamps
        .iter()
        .map(|stamp| stamp["object_cid"].as_str())
        .collect();
    cids.sort();
    assert_eq!(cids, [Some("1"), Some("2")]);
}

fn one_stamp_goes_when_it_is_due_and_not_before(store: &Store) {
    let mut app = dev(store);
    wait_until_consuming(&mut app);
    let created = create(&app, "1", 3);
    let stamps = wait_until_processed(&mut app, 1);
    assert_eq!(stamps[0]["created"], created["created"]);
    let tolerance = Duration::from_secs(3);
    let waited = waited(&stamps[0]);
    assert!(waited >= tolerance, "{waited:?} is too early");
    assert!(waited < tolerance + LATE, "{waited:?} is too late");
}

/// Web server and consumer are processes of their own; the consumer is killed
/// with a stamp in hand, twice.
fn a_kill_loses_no_stamp_that_waits(store: &Store) {
    let start = |arguments: &[&str]| {
        Setup::new(store, arguments).env("KAFKA__CONSUMER_CONFIG__SESSION_TIMEOUT_MS", "6000")
    };
    assert_eq!(start(&["migrate"]).run().0, Some(0));
    let mut web = start(&["serve", "--port", "0"]).serve();
    let consume = [
        "kafka-consume",
        "StampConsumer",
        "--status-interval",
        "50ms",
    ];
    let consumer_with_a_stamp = || {
        let mut consumer = start(&consume).start();
        wait_for("a stamp in its hands", || {
            consumer.assert_running();
            consumer.printed().contains("in_flight=1 ").then_some(())
        });
        consumer
    };
    create(&web, "1", 3_600);
    for _ in 0..2 {
        consumer_with_a_stamp().signal("KILL");
    }
    let mut consumer = consumer_with_a_stamp();
    assert_eq!(stamps(&web), Vec::<Value>::new(), "it is not due");
    create(&web, "2", 3_600);
    let stamps = wait_until_processed(&mut web, 2);
    assert_eq!(stamps[0]["batch_id"], stamps[1]["batch_id"], "{stamps:?}");
    consumer.signal("TERM");
    assert_eq!(consumer.wait().code(), Some(0), "{}", consumer.printed());
    assert_eq!(store.count("stamps"), 2);
}

fn forms_that_are_no_stamp_are_refused(store: &Store) {
    let app = dev(store);
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
