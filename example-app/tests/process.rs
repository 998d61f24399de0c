//! How the process starts, refuses to start, and ends.

mod support;

use std::net::TcpListener;

use serde_json::json;
use support::{Setup, Store, wait_for};

/// An address where no broker is.
const NOWHERE: &str = "127.0.0.1:1";

on_each_database!(
    an_order_that_kafka_does_not_take_is_taken_back,
    serve_asks_for_migrations_and_migrate_runs_them_once,
    a_signal_ends_it_with_exit_code_0,
);

fn order() -> String {
    json!({"customer": "ann", "sku": "tea", "quantity": 2, "unit_price_cents": 450}).to_string()
}

fn an_order_that_kafka_does_not_take_is_taken_back(store: &Store) {
    assert_eq!(Setup::new(store, &["migrate"]).run().0, Some(0));
    let app = Setup::new(store, &["serve", "--port", "0"])
        .env("KAFKA__BOOTSTRAP_SERVERS", NOWHERE)
        .env("KAFKA__PRODUCER_CONFIG__MESSAGE_TIMEOUT_MS", "500")
        .serve();
    let answer = app.post("/orders", order());
    assert_eq!(answer.status, 503, "{answer:?}");
    let error = answer.body["error"].as_str().expect("an error");
    assert!(error.contains("not placed"), "{error}");
    assert_eq!(store.count("orders"), 0);
    assert_eq!(
        app.get("/health").status,
        200,
        "orders fail, the process does not"
    );
}

fn serve_asks_for_migrations_and_migrate_runs_them_once(store: &Store) {
    let serve =
        Setup::new(store, &["serve", "--port", "0"]).env("KAFKA__BOOTSTRAP_SERVERS", NOWHERE);
    let (code, printed) = serve.run();
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("app migrate"), "{printed}");

    let migrate = Setup::new(store, &["migrate"]);
    let (code, printed) = migrate.run();
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("migration"), "{printed}");
    let (code, printed) = migrate.run();
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("up to date"), "{printed}");
    assert_eq!(serve.serve().get("/health").status, 200);
}

fn a_signal_ends_it_with_exit_code_0(store: &Store) {
    for signal in ["TERM", "INT"] {
        let mut app = Setup::new(store, &["dev", "--port", "0"]).serve();
        assert_eq!(app.post("/orders", order()).status, 201);
        app.signal(signal);
        assert_eq!(
            app.wait().code(),
            Some(0),
            "after SIG{signal}: {}",
            app.printed()
        );
    }
}

#[test]
fn a_second_signal_ends_it_whatever_is_open() {
    let store = Store::sqlite();
    assert_eq!(Setup::new(&store, &["migrate"]).run().0, Some(0));
    let mut app = Setup::new(&store, &["serve", "--port", "0"])
        .env("KAFKA__BOOTSTRAP_SERVERS", NOWHERE)
        .env("KAFKA__PRODUCER_CONFIG__MESSAGE_TIMEOUT_MS", "600000")
        .serve();
    // An order that waits for its acknowledgement.
    let request = minreq::post(format!("{}/orders", app.url))
        .with_header("content-type", "application/json")
        .with_body(order());
    std::thread::spawn(move || request.send());
    wait_for("the order's row", || {
        (store.count("orders") == 1).then_some(())
    });

    app.signal("TERM");
    wait_for("the first signal's notice", || {
        app.assert_running();
        app.printed().contains("a second signal").then_some(())
    });
    app.signal("INT");
    assert_eq!(app.wait().code(), Some(130), "{}", app.printed());
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let (code, printed) = Setup::new(&Store::sqlite(), &["dev", "--port", &port]).run();
    assert_eq!(code, Some(1), "{printed}");
    assert!(
        printed.contains(&format!("127.0.0.1 port {port}")),
        "{printed}"
    );
    assert!(printed.contains("--port"), "{printed}");
}

#[test]
fn a_database_url_that_names_no_database_is_exit_code_2() {
    for (url, named) in [
        ("mysql://localhost/shop", "`mysql://`"),
        ("", "is empty"),
        (":memory:", "`:memory:`"),
    ] {
        let store = Store::sqlite();
        let (code, printed) = Setup::new(&store, &["dev", "--port", "0"])
            .env("DATABASE_URL", url)
            .run();
        assert_eq!(code, Some(2), "{printed}");
        assert!(printed.contains("DATABASE_URL"), "{printed}");
        assert!(printed.contains(named), "{printed}");
    }
}

#[test]
fn a_malformed_database_url_is_exit_code_2_and_no_piece_of_it_is_printed() {
    for url in [
        "postgres://ann:s3?cret@127.0.0.1:1/shop",
        "postgres://ann:s3/cret@127.0.0.1:1/shop",
        "postgres://ann:s3%cret@127.0.0.1:1/shop",
        "postgres://127.0.0.1:1/shop?password=s3&cret=1",
        "postgres://127.0.0.1:1/shop?sslmode=s3cret",
        "host=127.0.0.1 port=1 password=s3cret",
        "postgres:ann:s3cret@127.0.0.1:1/shop",
    ] {
        for arguments in [&["migrate"][..], &["kafka-consume"]] {
            let store = Store::sqlite();
            let (code, printed) = Setup::new(&store, arguments)
                .env("DATABASE_URL", url)
                .env("KAFKA__BOOTSTRAP_SERVERS", NOWHERE)
                .run();
            assert_eq!(code, Some(2), "{url}: {printed}");
            assert!(printed.contains("DATABASE_URL"), "{url}: {printed}");
            assert!(!printed.contains("s3"), "{url}: {printed}");
            assert!(!printed.contains("cret"), "{url}: {printed}");
            let mut files = std::fs::read_dir(store.folder.path()).expect("a folder");
            assert!(files.next().is_none(), "{url} became a file");
        }
    }
}

#[test]
fn a_database_that_does_not_open_is_named_without_its_password() {
    let store = Store::sqlite();
    let text = store.folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "This is no database, but it is long enough to look like one. ".repeat(99),
    )
    .expect("a file");
    let text = text.to_str().expect("UTF-8");
    for (url, named) in [
        ("missing/folder/shop.sqlite", "missing/folder/shop.sqlite"),
        (text, text),
        (
            "postgres://ann:s3cret@127.0.0.1:1/shop",
            "postgres://ann@127.0.0.1:1/shop",
        ),
    ] {
        let (code, printed) = Setup::new(&store, &["migrate"])
            .env("DATABASE_URL", url)
            .run();
        assert_eq!(code, Some(1), "{printed}");
        assert!(printed.contains(named), "{printed}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}

#[test]
fn wrong_settings_are_exit_code_2_before_the_database_is_touched() {
    for command in ["dev", "serve"] {
        for (name, value, named) in [
            ("KAFKA__CONCURENCY", "4", "concurrency"),
            ("KAFKA__CONSUMER_CONFIG__FETCH_MIN_BITES", "1", "fetch.min"),
        ] {
            let store = Store::sqlite();
            let (code, printed) = Setup::new(&store, &[command, "--port", "0"])
                .env("KAFKA__BOOTSTRAP_SERVERS", NOWHERE)
                .env(name, value)
                .run();
            assert_eq!(code, Some(2), "{command}: {printed}");
            assert!(printed.contains(named), "{command}: {printed}");
            let mut files = std::fs::read_dir(store.folder.path()).expect("a folder");
            assert!(files.next().is_none(), "{command} made the database");
        }
    }
}

#[test]
fn dev_keeps_the_brokers_data_until_it_is_to_start_fresh() {
    let store = Store::sqlite();
    let topics = || {
        let (code, printed) = Setup::new(&store, &["kafka-topics", "list"]).run();
        assert_eq!(code, Some(0), "{printed}");
        printed
    };
    let dev = |arguments: &[&str]| {
        let arguments = [&["dev", "--port", "0"][..], arguments].concat();
        let mut app = Setup::new(&store, &arguments).serve();
        assert!(app.printed().contains("broker at 127.0.0.1:"));
        // While it runs, other commands find its broker.
        let seen = topics();
        app.signal("TERM");
        assert_eq!(app.wait().code(), Some(0), "{}", app.printed());
        seen
    };
    let noted = ["kafka-produce", "notes", "--value", "kept"];
    let (code, printed) = Setup::new(&store, &noted).run();
    assert_eq!(code, Some(0), "{printed}");
    assert!(dev(&[]).contains("notes"));
    assert!(topics().contains("notes"), "it is kept after the end");
    assert!(!dev(&["--fresh"]).contains("notes"));
    let ignored = std::fs::read_to_string(store.folder.path().join(".kafka/.gitignore"));
    assert_eq!(ignored.expect("no version control sees it"), "*\n");
}

#[test]
fn a_broker_that_runs_is_not_emptied() {
    let store = Store::sqlite();
    let app = Setup::new(&store, &["dev", "--port", "0"]).serve();
    let (code, printed) = Setup::new(&store, &["dev", "--port", "0", "--fresh"]).run();
    assert_eq!(code, Some(1), "{printed}");
    let told = app.printed();
    let (_, address) = told.split_once("broker at ").expect("it tells");
    let address = address.lines().next().expect("a line");
    assert!(printed.contains(address), "{printed}");
}

#[test]
fn the_database_is_a_file_in_the_working_directory_unless_named() {
    let store = Store::sqlite();
    let (code, printed) = Setup::new(&store, &["migrate"])
        .without("DATABASE_URL")
        .run();
    assert_eq!(code, Some(0), "{printed}");
    assert!(store.folder.path().join("shop.sqlite").is_file());
}
