use kafka_integration::retry::dead::Watch;
use kafka_integration_tests::TestBroker;

use super::scene::{PATIENCE, Scene, told};

/// So many, and a ninth more that are not meant.
const LETTERS: i64 = 10_000;
const ALL: i64 = 11_111;

/// Kills it that often, each time when so many more are in the target, whether
/// their transaction is committed or not.
const KILLS: usize = 4;
const BETWEEN_KILLS: i64 = 1_500;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_redriven_with_kills_in_the_middle_arrive_exactly_once() {
    for broker in TestBroker::each("ten_thousand_redriven_with_kills_in_the_middle") {
        let scene = Scene::on(&broker, "killed").await;
        // A tenth of another class, which is not meant.
        let class = |number| match number % 10 {
            3 => "shop::Expired",
            _ => "shop::Declined",
        };
        scene.bury((0..ALL).map(|number| (number, class(number))));
        let meant: Vec<_> = (0..ALL)
            .filter(|number| class(*number) == "shop::Declined")
            .collect();
        assert_eq!(meant.len() as i64, LETTERS);
        let letters = scene.letters().await;
        let redrive = ["kafka-dlt", "redrive", &scene.dead, "--class", "Declined"];
        let execute = [&redrive[..], &["--execute"]].concat();

        for _ in 0..KILLS {
            let mut child = scene
                .command(&[&execute[..], &["--rate", "2000"]].concat())
                .spawn()
                .expect("it starts");
            let until = std::time::Instant::now() + PATIENCE;
            let enough = scene.ends() + BETWEEN_KILLS;
            while scene.ends() < enough {
                let ended = child.try_wait().expect("a child");
                assert!(ended.is_none(), "it ended at {}", scene.ends());
                assert!(std::time::Instant::now() < until, "{}", scene.ends());
            }
            child.kill().expect("SIGKILL");
            child.wait().expect("it is dead");
        }
        let output = scene.command(&execute).output().expect("it runs");
        let (said, code) = told(output);
        assert_eq!(code, 0, "{said}");

        assert_eq!(scene.back_as_they_were(), meant);
        let summary = letters.summary(&Watch::new()).await;
        let summary = summary.expect("it can be read");
        assert_eq!(summary.redriven, meant.len() as u64);
        let left: Vec<_> = summary.classes.iter().collect();
        assert_eq!(left, [("shop::Expired", summary.open)]);
        let aborted = scene.ends() - LETTERS;
        eprintln!("{KILLS} kills, {aborted} offsets of aborted records and ends of transactions");
    }
}
