//! Orders go in over HTTP and come out billed.

mod support;

use serde_json::{Value, json};
use support::{App, Setup, Store, on_apache_kafka, unique, wait_for};

on_each_database!(
    dev_bills_what_it_sells,
    dev_tells_what_to_try,
    no_order_is_lost_when_consumers_are_killed,
    nor_on_apache_kafka,
);

fn place(app: &App, customer: &str, unit_price_cents: i64) {
    let order = json!({"customer": customer, "sku": "tea", "quantity": 1,
                       "unit_price_cents": unit_price_cents});
    let answer = app.post("/orders", order.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Waits until the customer was billed that much.
fn wait_until_billed(app: &App, customer: &str, orders: usize, total_cents: i64) {
    let expected: Value =
        json!({"customer": customer, "orders": orders, "total_cents": total_cents});
    wait_for(&format!("{expected}"), || {
        (app.get(&format!("/customers/{customer}")).body == expected).then_some(())
    });
}

fn dev_bills_what_it_sells(store: &Store) {
    let app = Setup::new(store, &["dev", "--port", "0"]).serve();
    // Sums that tell which orders are missing.
    for n in 0..20 {
        place(&app, "ann", 1 << n);
        place(&app, "bob", 3);
    }
    wait_until_billed(&app, "ann", 20, (1 << 20) - 1);
    wait_until_billed(&app, "bob", 20, 60);
    assert_eq!(store.count("billed_orders"), 40);
}

fn dev_tells_what_to_try(store: &Store) {
    let app = Setup::new(store, &["dev", "--port", "0"]).serve();
    let hints = wait_for("the curl lines", || {
        let printed = app.printed();
        printed.contains("Ctrl-C").then_some(printed)
    });
    assert!(
        hints.contains(&format!("curl -s {}/orders", app.url)),
        "{hints}"
    );
    assert!(
        hints.contains(&format!("curl -s {}/customers/ann", app.url)),
        "{hints}"
    );
    assert!(!hints.contains("no partitions"), "{hints}");
    // What the reader is told to send is a good order.
    let (_, rest) = hints.split_once("-d '").expect("a body");
    let (body, _) = rest.split_once('\'').expect("its end");
    assert_eq!(app.post("/orders", body).status, 201);
    wait_until_billed(&app, "ann", 1, 900);
}

/// Web server and consumers as processes of their own, on the embedded broker
/// that they share, which the one that is killed may be running.
fn no_order_is_lost_when_consumers_are_killed(store: &Store) {
    consumers_are_killed(store, None);
}

fn nor_on_apache_kafka(store: &Store) {
    on_apache_kafka("consumers killed", |brokers| {
        consumers_are_killed(store, Some(brokers));
    });
}

fn consumers_are_killed(store: &Store, brokers: Option<&str>) {
    let customer = format!("ann-{}", unique());
    let start = |arguments: &[&str]| {
        Setup::new(store, arguments)
            .env("KAFKA__CONSUMER_CONFIG__SESSION_TIMEOUT_MS", "6000")
            .on(brokers)
    };
    assert_eq!(start(&["migrate"]).run().0, Some(0));
    store.start_order_ids_at(unique());
    let web = start(&["serve", "--port", "0"]).serve();
    // Sums that tell which orders are missing: order n costs 2^n.
    let account = format!("/customers/{customer}");
    let mut placed = 0;
    let mut place_some = || {
        for _ in 0..5 {
            place(&web, &customer, 1 << placed);
            placed += 1;
        }
        placed
    };
    for _ in 0..2 {
        // While nobody consumes, so that the next process has something to do.
        place_some();
        let billed = || web.get(&account).body["orders"].as_u64().expect("a number");
        let before = billed();
        let mut consumers = start(&["kafka-consume"]).start();
        wait_for("the first bills of this process", || {
            consumers.assert_running();
            (billed() > before).then_some(())
        });
        place_some();
        // Wherever it is by now.
        consumers.signal("KILL");
    }
    let placed = place_some();
    let mut consumers = start(&["kafka-consume"]).start();
    wait_until_billed(&web, &customer, placed, (1 << placed) - 1);
    consumers.signal("TERM");
    let status = consumers.wait();
    assert_eq!(status.code(), Some(0), "{}", consumers.printed());
}
