use kafka_integration::message::Timestamp;
use kafka_integration::retry::Trail;
use kafka_integration_tests::TestBroker;
use serde_json::Value;

use super::scene::{Scene, told};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn listed_shown_and_planned() {
    for broker in TestBroker::each("listed_shown_and_planned") {
        let scene = Scene::on(&broker, "listed").await;
        scene.bury((4..24).map(|number| (number, "shop::Declined")));
        scene.bury([(2, "shop::Timeout")]);

        let listed = scene.command(&["kafka-dlt", "list", "--json"]).output();
        let (listed, code) = told(listed.expect("it runs"));
        assert_eq!(code, 0, "{listed}");
        let listed = json(&listed);
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(listed[0]["topic"], scene.dead);
        assert_eq!(listed[0]["open"], 21);
        assert_eq!(listed[0]["oldest_ms"], 1_700_000_002_000_i64);
        let classes = serde_json::json!({"shop::Declined": 20, "shop::Timeout": 1});
        assert_eq!(listed[0]["classes"], classes);
        let table = scene.command(&["kafka-dlt", "list", "--all"]).output();
        let (table, code) = told(table.expect("it runs"));
        // Elsewhere other tests leave topics behind, broken ones too.
        assert!(broker.is_kafka() || code == 0, "{table}");
        let line = table.lines().find(|line| line.starts_with(&scene.dead));
        let line = line.unwrap_or_else(|| panic!("{table}"));
        assert!(
            line.contains("shop::Declined: 20, shop::Timeout: 1"),
            "{line}"
        );

        // In partition 2: 6, 10, 14, 18, 22, and then 2.
        let (shown, code) = scene.dlt("show", &["2:5"]);
        assert_eq!(code, 0, "{shown}");
        for part in [
            &format!("{}[2]@5", scene.dead),
            &format!("{}[2]@2", scene.source),
            "shop::Timeout",
            "number 2",
            "exhausted",
            "attempts       3",
            "2023-11-14T22:13:22.000Z",
            "open",
            "retry.attempt=hex:ff00",
            "number=(null)",
            "key-2",
            "\"number\": 2",
        ] {
            assert!(shown.contains(part), "`{part}` in {shown}");
        }
        let (first, code) = scene.dlt("show", &["--first", "--json"]);
        assert_eq!(code, 0, "{first}");
        let first = json(&first);
        assert_eq!(
            (&first["partition"], &first["offset"]),
            (&0.into(), &0.into())
        );
        assert_eq!(first["trail"]["original"]["topic"], scene.source);
        assert_eq!(first["headers"][1]["value_encoding"], "hex");
        assert!(first["outcome"].is_null());
        let (none, code) = scene.dlt("show", &["2:6"]);
        assert!(code == 1 && none.contains("offset 6"), "{code} {none}");
        let (none, code) = scene.dlt("show", &["9:0"]);
        assert!(
            code == 2 && none.contains("no partition 9"),
            "{code} {none}"
        );

        let (plan, code) = scene.dlt("redrive", &["--class", "Declined", "--offsets", "..2"]);
        assert_eq!(code, 0, "{plan}");
        for part in [
            &format!("8 dead letters of {} would be redriven", scene.dead),
            &format!("to {}: 8", scene.source),
            "and 3 more",
            "--execute",
        ] {
            assert!(plan.contains(part), "`{part}` in {plan}");
        }
        let (plan, _) = scene.dlt("redrive", &["--json"]);
        assert_eq!(json(&plan)["letters"], 21);
        assert!(scene.back().is_empty(), "nothing was moved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redriven_and_discarded_are_told_apart() {
    for broker in TestBroker::each("redriven_and_discarded_are_told_apart") {
        let scene = Scene::on(&broker, "settled").await;
        scene.bury((0..8).map(|number| (number, "shop::Declined")));
        scene.bury((8..12).map(|number| (number, "shop::Expired")));

        let (refused, code) = scene.dlt("discard", &["--execute"]);
        assert!(code == 2 && refused.contains("--yes"), "{code} {refused}");
        let (plan, code) = scene.dlt("discard", &["--class", "Expired"]);
        assert!(
            code == 0 && plan.contains("4 dead letters"),
            "{code} {plan}"
        );
        let discard = ["--class", "Expired", "--execute", "--yes", "--json"];
        let (done, code) = scene.dlt("discard", &discard);
        assert_eq!(code, 0, "{done}");
        assert_eq!(json(&done)["discarded"], 4);
        let (done, code) = scene.dlt("redrive", &["--execute", "--json"]);
        assert_eq!(code, 0, "{done}");
        assert_eq!(json(&done)["redriven"], 8);
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..8));

        let listed = scene.command(&["kafka-dlt", "list", "--json"]).output();
        let (listed, _) = told(listed.expect("it runs"));
        let listed = json(&listed);
        let counts = ["open", "redriven", "discarded"].map(|name| listed[0][name].as_u64());
        assert_eq!(counts, [Some(0), Some(8), Some(4)]);
        // In partition 0: 0, 4, 8.
        let (shown, _) = scene.dlt("show", &["0:1"]);
        assert!(shown.contains("redriven 20"), "{shown}");
        let (shown, _) = scene.dlt("show", &["0:2", "--json"]);
        let outcome = json(&shown)["outcome"].clone();
        assert_eq!(outcome["action"], "discard");
        assert!(outcome["by"].as_str().is_some_and(|by| by.contains('@')));
        let (none, code) = scene.dlt("show", &["--first"]);
        assert!(code == 1 && none.contains("no open dead letter"), "{none}");
        let (again, code) = scene.dlt("redrive", &["--execute"]);
        assert!(code == 0 && again.contains("0 dead letters"), "{again}");
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..8));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_2_and_failure_is_1() {
    let broker = TestBroker::embedded();
    let scene = Scene::on(&broker, "usage").await;
    let run = |arguments: &[&str]| {
        let all = [&["kafka-dlt"], arguments].concat();
        told(scene.command(&all).output().expect("it runs"))
    };
    let gone = "billing.gone.dlt";
    let journal = format!("{}.journal", scene.dead);
    for (arguments, code, named) in [
        (&["redrive", &scene.source][..], 2, "GROUP.TOPIC.dlt"),
        (&["redrive", &journal], 2, "GROUP.TOPIC.dlt"),
        (&["redrive", gone], 1, gone),
        (
            &["redrive", &scene.dead, "--offsets", "9..3"],
            2,
            "100..200",
        ),
        (&["redrive", &scene.dead, "--since", "soon"], 2, "2h"),
        (&["redrive", &scene.dead, "--reason", "bad"], 2, "terminal"),
        (&["redrive", &scene.dead, "--to", "^a"], 2, "pattern"),
        (&["show", &scene.dead], 2, "--first"),
        (
            &["show", &scene.dead],
            2,
            "show [OPTIONS] <TOPIC> <PARTITION:OFFSET|--first>",
        ),
        (&["show", &scene.dead, "7"], 2, "2:1500"),
        (
            &["redrive", &scene.dead, "--partition", "77"],
            2,
            "no partition 77",
        ),
        (
            &["redrive", &scene.dead, "--partition", "77", "--execute"],
            2,
            "no partition 77",
        ),
        (
            &["discard", &scene.dead, "--partition", "4"],
            2,
            "no partition 4",
        ),
        (&["show", &scene.dead, "--first"], 1, "no open"),
        (&["discard", &scene.dead, "--yes"], 2, "--execute"),
        (&["list", "--cluster", "eu"], 2, "eu"),
    ] {
        let (said, exit) = run(arguments);
        assert_eq!(exit, code, "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
    for action in ["list", "show", "redrive", "discard"] {
        let (help, code) = run(&[action, "--help"]);
        assert!(code == 0 && help.contains("Examples:"), "{help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_possible_is_no_success_and_not_offered() {
    let broker = TestBroker::embedded();
    let scene = Scene::on(&broker, "impossible").await;
    scene.bury((0..4).map(|number| (number, "shop::Declined")));
    let (plan, code) = scene.dlt("redrive", &["--to", "gone"]);
    assert_eq!(code, 1, "{plan}");
    assert!(plan.contains("to gone: 4; NOT POSSIBLE"), "{plan}");
    assert!(!plan.contains("--execute"), "{plan}");
    let (plan, code) = scene.dlt("redrive", &["--to", "gone", "--json"]);
    assert!(code == 1 && plan.contains("\"problem\""), "{code} {plan}");
    let producer = super::scene::producer(&scene.address);
    super::scene::send(&producer, &scene.dead, &super::scene::original(3));
    let flushed = rdkafka::producer::Producer::flush(&producer, super::scene::PATIENCE);
    flushed.expect("it is acknowledged");
    let (plan, code) = scene.dlt("redrive", &[]);
    assert_eq!(code, 1, "{plan}");
    assert!(plan.contains("NOT POSSIBLE without --to"), "{plan}");
    assert!(!plan.contains("--execute"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_no_calendar_has_are_shown_as_numbers() {
    let broker = TestBroker::embedded();
    let scene = Scene::on(&broker, "hostile").await;
    // Microseconds, and the last there is.
    let times = [1_700_000_000_000_000, i64::MAX].map(Timestamp::from_millis);
    scene.bury_with((0..).zip(times).map(|(number, time)| {
        let trail = Trail {
            first_failure: time,
            last_failure: time,
            ..scene.trail(number, "shop::Declined")
        };
        (number, trail)
    }));
    for (action, arguments) in [
        ("show", &["--first"][..]),
        ("show", &["--first", "--json"]),
        ("redrive", &[]),
        ("redrive", &["--json"]),
    ] {
        let (said, code) = scene.dlt(action, arguments);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("1700000000000000"), "{said}");
    }
    let (shown, code) = scene.dlt("show", &["1:0"]);
    assert!(
        code == 0 && shown.contains("9223372036854775807"),
        "{code} {shown}"
    );
    let listed = scene.command(&["kafka-dlt", "list"]).output();
    let (listed, code) = told(listed.expect("it runs"));
    assert!(
        code == 0 && listed.contains("1700000000000000"),
        "{code} {listed}"
    );
    let (done, code) = scene.dlt("redrive", &["--execute"]);
    assert!(
        code == 0 && done.contains("2 dead letters"),
        "{code} {done}"
    );
}
