use kafka_integration_tests::TestBroker;

use super::scene::{PATIENCE, Scene, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_between_two_transactions_and_says_what_is_left() {
    for broker in TestBroker::each("a_signal_ends_it_between_two_transactions") {
        let scene = Scene::on(&broker, "signal").await;
        scene.bury((0..500).map(|number| (number, "shop::Declined")));
        let redrive = ["kafka-dlt", "redrive", &scene.dead, "--execute"];
        let slowly = [&redrive[..], &["--rate", "50"]].concat();
        let child = scene.command(&slowly).spawn().expect("it starts");
        let until = std::time::Instant::now() + PATIENCE;
        while scene.read(&scene.source).is_empty() {
            assert!(std::time::Instant::now() < until, "nothing is moved");
        }
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-15", &pid])
            .status();
        assert!(sent.expect("kill runs").success());
        let (said, code) = told(child.wait_with_output().expect("it ends"));
        assert_eq!(code, 143, "{said}");

        let moved = scene.back_as_they_were().len();
        assert!((1..500).contains(&moved), "{moved}");
        for part in [
            format!("{moved} dead letters of {} redriven", scene.dead),
            format!("the other {} are still there", 500 - moved),
        ] {
            assert!(said.contains(&part), "`{part}` in {said}");
        }
        let (said, code) = told(scene.command(&redrive).output().expect("it runs"));
        assert_eq!(code, 0, "{said}");
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..500));
    }
}
