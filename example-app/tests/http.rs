//! The web server's answers.

mod support;

use serde_json::json;
use support::{Answer, App, Setup, Store};

on_each_database!(
    an_order_is_accepted_and_gets_an_id,
    an_unknown_customer_was_billed_nothing,
    health_is_ok_while_the_database_answers,
    bad_orders_are_refused_and_leave_nothing,
    requests_that_are_not_for_us_are_refused_in_json,
);

fn dev(store: &Store) -> App {
    Setup::new(store, &["dev", "--port", "0"]).serve()
}

fn an_order_is_accepted_and_gets_an_id(store: &Store) {
    let app = dev(store);
    let order = json!({"customer": " ann ", "sku": "tea", "quantity": 2, "unit_price_cents": 450});
    let first = app.post("/orders", order.to_string());
    assert_eq!(first.status, 201, "{first:?}");
    let id = first.body["order_id"].as_i64().expect("an id");
    assert_eq!(
        first.body,
        json!({"order_id": id, "customer": "ann", "sku": "tea", "quantity": 2,
               "unit_price_cents": 450, "total_cents": 900})
    );
    let second = app.post("/orders", order.to_string());
    assert!(second.body["order_id"].as_i64().expect("an id") > id);
    assert_eq!(store.count("orders"), 2);
}

fn an_unknown_customer_was_billed_nothing(store: &Store) {
    let answer = dev(store).get("/customers/J%C3%BCrgen%20%2F%20Co");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({"customer": "Jürgen / Co", "orders": 0, "total_cents": 0})
    );
}

fn health_is_ok_while_the_database_answers(store: &Store) {
    let answer = dev(store).get("/health");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["status"], "ok");
}

fn assert_refused(answer: &Answer, status: i32, field: Option<&str>, input: &str) {
    assert_eq!(answer.status, status, "{input}: {answer:?}");
    let error = answer.body["error"].as_str().unwrap_or_default();
    assert!(!error.is_empty(), "{input}: {answer:?}");
    for rust in ["struct", "i64", "OrderRequest"] {
        assert!(!error.contains(rust), "{input}: {answer:?}");
    }
    assert_eq!(answer.body["field"].as_str(), field, "{input}: {answer:?}");
}

fn bad_orders_are_refused_and_leave_nothing(store: &Store) {
    let app = dev(store);
    let good = json!({"customer": "ann", "sku": "tea", "quantity": 2, "unit_price_cents": 450});
    let with = |field: &str, value: serde_json::Value| {
        let mut order = good.clone();
        order[field] = value;
        order.to_string()
    };
    let without = |field: &str| {
        let mut order = good.clone();
        order.as_object_mut().expect("an object").remove(field);
        order.to_string()
    };
    let long = "x".repeat(201);
    for (field, body) in [
        ("customer", with("customer", json!(""))),
        ("customer", with("customer", json!("  "))),
        ("customer", with("customer", json!(7))),
        ("customer", with("customer", json!(null))),
        ("customer", with("customer", json!(long))),
        ("customer", with("customer", json!("a\u{0}b"))),
        ("customer", without("customer")),
        ("sku", with("sku", json!(" \t"))),
        ("sku", with("sku", json!(["tea"]))),
        ("sku", without("sku")),
        ("quantity", with("quantity", json!(0))),
        ("quantity", with("quantity", json!(-1))),
        ("quantity", with("quantity", json!(1.5))),
        ("quantity", with("quantity", json!("2"))),
        ("quantity", with("quantity", json!(u64::MAX))),
        ("quantity", without("quantity")),
        ("unit_price_cents", with("unit_price_cents", json!(-1))),
        ("unit_price_cents", with("unit_price_cents", json!(true))),
        ("unit_price_cents", without("unit_price_cents")),
        ("total_cents", with("quantity", json!(i64::MAX))),
        ("colour", with("colour", json!("green"))),
    ] {
        assert_refused(&app.post("/orders", body.clone()), 422, Some(field), &body);
    }
    for body in ["", "{", "tea", "{\"customer\":\"ann\",", "{} {}", "\u{0}"] {
        let answer = app.post("/orders", body);
        assert!([400, 422].contains(&answer.status), "{body}: {answer:?}");
        assert!(answer.body["error"].is_string(), "{body}: {answer:?}");
    }
    let in_order = r#"["ann", "tea", 2, 450]"#;
    for body in ["[]", "7", "null", in_order] {
        assert_refused(&app.post("/orders", body), 422, None, body);
    }
    assert_refused(
        &app.post("/orders", b"\xff\xfe".to_vec()),
        400,
        None,
        "not UTF-8",
    );
    let large = with("sku", json!("x".repeat(20_000)));
    assert_refused(&app.post("/orders", large), 413, None, "a large body");
    assert_eq!(store.count("orders"), 0);
    // Still in its right mind.
    assert_eq!(app.post("/orders", good.to_string()).status, 201);
}

fn requests_that_are_not_for_us_are_refused_in_json(store: &Store) {
    let app = dev(store);
    let url = |path: &str| format!("{}{path}", app.url);
    let send = |request: minreq::Request| Answer::of(&request.send().expect("an answer"));
    assert_refused(&app.get("/"), 404, None, "/");
    assert_refused(&app.get("/customers/"), 404, None, "/customers/");
    assert_refused(&app.get("/orders"), 405, None, "GET /orders");
    let delete = send(minreq::delete(url("/customers/ann")));
    assert_refused(&delete, 405, None, "DELETE");
    assert_refused(
        &app.get("/customers/%FF"),
        400,
        None,
        "a path that is not UTF-8",
    );
    assert_refused(&app.get("/customers/%00"), 422, Some("customer"), "a zero");
    let text = send(minreq::post(url("/orders")).with_body("customer=ann"));
    assert_refused(&text, 415, None, "no content type");
    let form = minreq::post(url("/orders"))
        .with_header("content-type", "application/x-www-form-urlencoded")
        .with_body("customer=ann");
    assert_refused(&send(form), 415, None, "a form");
}
