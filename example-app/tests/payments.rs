//! Orders are paid, tried again, or put aside.

mod support;

use serde_json::{Value, json};
use support::{App, Setup, Store, on_apache_kafka, unique, wait_for};

on_each_database!(
    an_order_is_paid_once_in_as_many_attempts_as_it_takes,
    a_declined_order_is_a_dead_letter,
    a_dead_letter_without_a_topic_shows_until_it_has_one,
    and_all_that_on_apache_kafka,
);

const DEAD_LETTERS: &str = "payments.shop.orders.dlt";

fn place(app: &App, customer: &str) -> i64 {
    let order = json!({"customer": customer, "sku": "tea", "quantity": 2,
                       "unit_price_cents": 450});
    let answer = app.post("/orders", order.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["order_id"].as_i64().expect("an id")
}

fn wait_until_paid(app: &App, order_id: i64, customer: &str, attempts: i64) {
    let paid = json!({"order_id": order_id, "customer": customer, "total_cents": 900,
                      "attempts": attempts});
    wait_for(&format!("{paid}"), || {
        (app.get(&format!("/payments/{order_id}")).body == paid).then_some(())
    });
}

fn dev<'a>(store: &'a Store, brokers: Option<&str>) -> Setup<'a> {
    Setup::new(store, &["dev", "--port", "0"])
        .env("KAFKA__CONSUMER_CONFIG__SESSION_TIMEOUT_MS", "6000")
        .on(brokers)
}

/// The dead letters of that customer, once there are some.
fn dead_letters(store: &Store, brokers: Option<&str>, customer: &str) -> Vec<Value> {
    let arguments = "--from beginning --timeout 1s --json".split(' ');
    let tail = ["kafka-tail", DEAD_LETTERS].into_iter();
    let tail = tail.chain(arguments).collect::<Vec<_>>();
    wait_for("a dead letter", || {
        let (_, printed) = Setup::new(store, &tail).on(brokers).run();
        let letters = printed
            .lines()
            .filter(|line| line.contains(customer))
            .filter_map(|line| serde_json::from_str(line).ok());
        Some(letters.collect::<Vec<_>>()).filter(|letters| !letters.is_empty())
    })
}

fn an_order_is_paid_once_in_as_many_attempts_as_it_takes(store: &Store) {
    let app = dev(store, None).serve();
    pay(&app, "");
    assert_eq!(store.count("payments"), 2);
    let answer = app.get("/payments/0");
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = app.get("/payments/tea");
    assert_eq!(answer.status, 422, "{answer:?}");
}

fn pay(app: &App, suffix: &str) {
    let customers = [("flaky-fred", 3), ("ann", 1)];
    let placed = customers.map(|(name, attempts)| {
        let customer = format!("{name}{suffix}");
        (place(app, &customer), customer, attempts)
    });
    for (order_id, customer, attempts) in placed {
        wait_until_paid(app, order_id, &customer, attempts);
    }
}

fn a_declined_order_is_a_dead_letter(store: &Store) {
    decline(store, &dev(store, None).serve(), None, "declined-dora");
}

fn decline(store: &Store, app: &App, brokers: Option<&str>, customer: &str) {
    let declined = place(app, customer);
    let letters = dead_letters(store, brokers, customer);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let text = letters[0].to_string();
    assert!(text.contains("app::payments::Declined"), "{text}");
    assert!(text.contains("terminal"), "{text}");
    // It stands in nobody's way, and is no trouble of the process.
    let ann = place(app, "ann");
    wait_until_paid(app, ann, "ann", 1);
    assert_eq!(app.get(&format!("/payments/{declined}")).status, 404);
    assert_eq!(app.get("/health").body["status"], "ok");
}

fn and_all_that_on_apache_kafka(store: &Store) {
    on_apache_kafka("payments", |brokers| {
        let (code, printed) = Setup::new(store, &["migrate"]).run();
        assert_eq!(code, Some(0), "{printed}");
        // Nobody else's orders on a topic that others use too.
        let run = unique();
        store.start_order_ids_at(run);
        let app = dev(store, Some(brokers)).serve();
        pay(&app, &format!("-{run}"));
        decline(store, &app, Some(brokers), &format!("declined-{run}"));
    });
}

fn a_dead_letter_without_a_topic_shows_until_it_has_one(store: &Store) {
    let app = dev(store, None)
        .env("KAFKA__CREATE_RETRY_TOPICS", "false")
        .serve();
    assert_eq!(app.get("/health").body["consumers"], "ok");
    place(&app, "declined-dora");
    let health = wait_for("the message that stands still", || {
        let health = app.get("/health");
        (health.body["status"] == "degraded").then_some(health)
    });
    assert_eq!(health.status, 200, "{health:?}");
    assert_eq!(health.body["consumers"], "stopped", "{health:?}");
    let stopped = &health.body["stopped"][0];
    assert_eq!(stopped["consumer"], "PaymentConsumer", "{health:?}");
    assert_eq!(stopped["topic"], "shop.orders", "{health:?}");
    assert_eq!(stopped["offset"], 0, "{health:?}");
    assert_eq!(stopped["target"], DEAD_LETTERS, "{health:?}");
    let reason = stopped["reason"].as_str().expect("a reason");
    assert!(reason.contains(DEAD_LETTERS), "{reason}");

    let create = ["kafka-topics", "create", DEAD_LETTERS, "--partitions", "4"];
    let (code, printed) = Setup::new(store, &create).run();
    assert_eq!(code, Some(0), "{printed}");
    wait_for("the message on its way", || {
        let health = app.get("/health").body;
        (health == json!({"status": "ok", "database": "ok", "consumers": "ok"})).then_some(())
    });
    assert_eq!(dead_letters(store, None, "declined-dora").len(), 1);
}
