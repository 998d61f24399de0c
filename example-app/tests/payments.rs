//! Orders are paid, tried again, or put aside.

mod support;

use serde_json::{Value, json};
use support::{App, Setup, Store, wait_for};

on_each_database!(
    an_order_is_paid_once_in_as_many_attempts_as_it_takes,
    a_declined_order_is_a_dead_letter,
    a_dead_letter_without_a_topic_shows_until_it_has_one,
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

/// What is in the dead-letter topic, once something is.
fn dead_letters(store: &Store) -> Vec<Value> {
    let arguments = "--from beginning --timeout 1s --json".split(' ');
    let arguments: Vec<_> = ["kafka-tail", DEAD_LETTERS]
        .into_iter()
        .chain(arguments)
        .collect();
    wait_for("a dead letter", || {
        let (_, printed) = Setup::new(store, &arguments).run();
        let letters = printed
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        Some(letters.collect::<Vec<_>>()).filter(|letters| !letters.is_empty())
    })
}

fn an_order_is_paid_once_in_as_many_attempts_as_it_takes(store: &Store) {
    let app = Setup::new(store, &["dev", "--port", "0"]).serve();
    let flaky = place(&app, "flaky-fred");
    let ann = place(&app, "ann");
    wait_until_paid(&app, ann, "ann", 1);
    wait_until_paid(&app, flaky, "flaky-fred", 3);
    assert_eq!(store.count("payments"), 2);
    let answer = app.get("/payments/0");
    assert_eq!(answer.status, 404, "{answer:?}");
    let answer = app.get("/payments/tea");
    assert_eq!(answer.status, 422, "{answer:?}");
}

fn a_declined_order_is_a_dead_letter(store: &Store) {
    let app = Setup::new(store, &["dev", "--port", "0"]).serve();
    let declined = place(&app, "declined-dora");
    let letters = dead_letters(store);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let text = letters[0].to_string();
    assert!(text.contains("app::payments::Declined"), "{text}");
    assert!(text.contains("terminal"), "{text}");
    assert!(text.contains("declined-dora"), "{text}");
    // It stands in nobody's way, and is no trouble of the process.
    let ann = place(&app, "ann");
    wait_until_paid(&app, ann, "ann", 1);
    assert_eq!(app.get(&format!("/payments/{declined}")).status, 404);
    assert_eq!(app.get("/health").body["status"], "ok");
}

fn a_dead_letter_without_a_topic_shows_until_it_has_one(store: &Store) {
    let app = Setup::new(store, &["dev", "--port", "0"])
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
    assert_eq!(dead_letters(store).len(), 1);
}
