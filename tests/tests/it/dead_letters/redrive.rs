use kafka_integration::message::Timestamp;
use kafka_integration::retry::ErrorClass;
use kafka_integration::retry::dead::{DeadLetterError, DeadLetters, Filter, Redrive, Watch};
use kafka_integration_tests::{PARTITIONS, TestBroker, create_topic};

use super::scene::{Scene, failed, original, producer, send};

fn filtered(filter: Filter) -> Redrive {
    Redrive {
        filter,
        ..Redrive::default()
    }
}

async fn redrive(letters: &DeadLetters, redrive: &Redrive) -> u64 {
    let done = letters.redrive(redrive, &Watch::new()).await;
    let done = done.expect("it is done");
    assert!(!done.stopped);
    done.letters
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_back_as_they_were_and_once() {
    for broker in TestBroker::each("dead_letters_go_back_as_they_were_and_once") {
        let scene = Scene::on(&broker, "back").await;
        scene.bury((0..100).map(|number| (number, "shop::Declined")));
        let letters = scene.letters().await;
        let all = Redrive::default();

        let plan = letters.plan_redrive(&all, &Watch::new()).await;
        let plan = plan.expect("a plan");
        assert_eq!(plan.letters, 100);
        assert_eq!(plan.targets[&scene.source].letters, 100);
        assert_eq!(plan.targets[&scene.source].retimed, 0);
        assert!(scene.back().is_empty(), "a plan moves nothing");

        assert_eq!(redrive(&letters, &all).await, 100);
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..100));
        // Neither the same handle nor another one does it again.
        assert_eq!(redrive(&letters, &all).await, 0);
        assert_eq!(redrive(&scene.letters().await, &all).await, 0);
        scene.bury([(100, "shop::Declined")]);
        assert_eq!(redrive(&letters, &all).await, 1);
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..101));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_means_goes_back_and_nothing_else() {
    for broker in TestBroker::each("what_a_filter_means_goes_back") {
        let scene = Scene::on(&broker, "filter").await;
        let class = |number| match number % 2 {
            0 => "shop::Declined",
            _ => "shop::Timeout",
        };
        scene.bury((0..80).map(|number| (number, class(number))));
        let letters = scene.letters().await;
        let mut expected = Vec::new();
        let mut back = async |filter: Filter, numbers: &[i64]| {
            let count = redrive(&letters, &filtered(filter)).await;
            assert_eq!(count, numbers.len() as u64, "{numbers:?}");
            expected.extend_from_slice(numbers);
            expected.sort_unstable();
            assert_eq!(scene.back_as_they_were(), expected);
        };
        // By time of failure, from the first on and before the last.
        let between = Filter {
            since: Some(failed(10)),
            until: Some(failed(14)),
            ..Filter::default()
        };
        back(between, &[10, 11, 12, 13]).await;
        // By class and key.
        let declined = Filter {
            classes: vec![ErrorClass::named("Declined")],
            key: Some(b"key-4".to_vec()),
            ..Filter::default()
        };
        back(declined, &[4, 14, 34, 44, 64, 74]).await;
        // By place: in partition 1 the numbers 1, 5, 9, … have offsets 0, 1, 2, …
        let place = Filter {
            partition: Some(1),
            from_offset: Some(1),
            to_offset: Some(4),
            ..Filter::default()
        };
        // 13 went before.
        back(place, &[5, 9]).await;
        let first = Filter {
            limit: Some(3),
            ..Filter::default()
        };
        back(first, &[0, 8, 16]).await;
        let nothing = Filter {
            reason: Some("undecodable".to_owned()),
            ..Filter::default()
        };
        back(nothing, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_topic_and_a_topic_that_is_gone() {
    for broker in TestBroker::each("another_topic_and_a_topic_that_is_gone") {
        let scene = Scene::on(&broker, "target").await;
        scene.bury((0..10).map(|number| (number, "shop::Declined")));
        let letters = scene.letters().await;
        let to = |topic: &str| Redrive {
            to: Some(topic.to_owned()),
            ..Redrive::default()
        };
        let gone = format!("{}-gone", scene.source);
        for refused in [&gone, &scene.dead, &letters.journal()] {
            let done = letters.redrive(&to(refused), &Watch::new()).await;
            let error = done.expect_err("no such target");
            assert!(
                matches!(&error, DeadLetterError::Target { target, .. } if target == refused),
                "{error}"
            );
        }
        // One partition, so that the originals' are not there.
        let other = format!("{}-other", scene.source);
        create_topic(&scene.address, &other, 1).await;
        assert_eq!(redrive(&letters, &to(&other)).await, 10);
        assert!(scene.back().is_empty());
        assert_eq!(scene.read(&other).len(), 10);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_somebody_else_needs_a_target() {
    for broker in TestBroker::each("a_record_of_somebody_else_needs_a_target") {
        let scene = Scene::on(&broker, "foreign").await;
        scene.bury((0..2).map(|number| (number, "shop::Declined")));
        let producer = producer(&scene.address);
        send(&producer, &scene.dead, &original(3));
        rdkafka::producer::Producer::flush(&producer, super::scene::PATIENCE).expect("it is sent");
        let letters = scene.letters().await;

        let done = letters.redrive(&Redrive::default(), &Watch::new()).await;
        let error = done.expect_err("it doesn't say where it came from");
        let place = DeadLetterError::NoTarget {
            topic: scene.dead.clone(),
            count: 1,
            partition: 3,
            offset: 0,
        };
        assert_eq!(error.to_string(), place.to_string());
        assert!(scene.back().is_empty(), "nothing was moved");
        let declined = Filter {
            classes: vec![ErrorClass::named("Declined")],
            ..Filter::default()
        };
        assert_eq!(redrive(&letters, &filtered(declined)).await, 2);
        let to = Redrive {
            to: Some(scene.source.clone()),
            ..Redrive::default()
        };
        assert_eq!(redrive(&letters, &to).await, 1);
        let numbers: Vec<_> = scene.back().into_keys().collect();
        assert_eq!(numbers, [0, 1, 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_would_delete_at_once_gets_the_present_time() {
    for broker in TestBroker::each("what_the_target_would_delete_at_once") {
        let scene = Scene::on(&broker, "old").await;
        let mut old = scene.trail(1, "shop::Declined");
        old.original.timestamp = Some(Timestamp::from_millis(1_000_000_000_000));
        let mut record = original(1);
        let headers = old.append_to(&kafka_integration::message::Headers::new());
        let headers = headers.iter();
        record.headers.extend(
            headers.map(|header| (header.name.clone(), header.value.as_deref().map(Into::into))),
        );
        let producer = producer(&scene.address);
        send(&producer, &scene.dead, &record);
        rdkafka::producer::Producer::flush(&producer, super::scene::PATIENCE).expect("it is sent");
        scene.bury([(2, "shop::Declined")]);

        let letters = scene.letters().await;
        let all = Redrive::default();
        let plan = letters.plan_redrive(&all, &Watch::new()).await;
        let plan = plan.expect("a plan");
        assert_eq!(plan.targets[&scene.source].retimed, 1);
        let before = Timestamp::now().as_millis();
        assert_eq!(redrive(&letters, &Redrive::default()).await, 2);
        let back = scene.back();
        assert!(back[&1][0].timestamp.expect("a time") >= before);
        assert_eq!(back[&2], [original(2)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_redrive_goes_on_where_it_ended() {
    for broker in TestBroker::each("a_stopped_redrive_goes_on_where_it_ended") {
        let scene = Scene::on(&broker, "stopped").await;
        scene.bury((0..1_000).map(|number| (number, "shop::Declined")));
        let letters = scene.letters().await;
        let watch = Watch::new();
        let slowly = Redrive {
            rate: std::num::NonZeroU32::new(100),
            ..Redrive::default()
        };
        let running = letters.redrive(&slowly, &watch);
        let stopping = async {
            while watch.done().0 < 200 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            watch.stop();
        };
        let (done, ()) = tokio::join!(running, stopping);
        let done = done.expect("it ended well");
        assert!(
            done.stopped && (200..=400).contains(&done.letters),
            "{done:?}"
        );
        assert_eq!(scene.back_as_they_were().len() as u64, done.letters);
        let rest = redrive(&letters, &Redrive::default()).await;
        assert_eq!(rest, 1_000 - done.letters);
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..1_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_a_time_the_later_one_goes_on_and_nothing_is_doubled() {
    for broker in TestBroker::each("of_two_at_a_time_the_later_one_goes_on") {
        let scene = Scene::on(&broker, "two").await;
        scene.bury((0..1_000).map(|number| (number, "shop::Declined")));
        let (first, second) = (scene.letters().await, scene.letters().await);
        let watch = Watch::new();
        let slowly = Redrive {
            rate: std::num::NonZeroU32::new(100),
            ..Redrive::default()
        };
        let earlier = first.redrive(&slowly, &watch);
        let later = async {
            while watch.done().0 < 200 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            redrive(&second, &Redrive::default()).await
        };
        let (earlier, later) = tokio::join!(earlier, later);
        let error = earlier.expect_err("the later one took over");
        assert!(matches!(error, DeadLetterError::Fenced { .. }), "{error}");
        assert_eq!(watch.done().0 + later, 1_000);
        assert_eq!(scene.back_as_they_were(), Vec::from_iter(0..1_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_is_read_again_and_again() {
    for broker in TestBroker::each("a_partition_is_read_again_and_again") {
        let scene = Scene::on(&broker, "again").await;
        scene.bury([(1, "shop::Declined")]);
        let letters = scene.letters().await;
        // Each reads the one partition that has something for the plan, and
        // again for the work.
        for number in 2..12 {
            scene.bury([(number * i64::from(PARTITIONS) + 1, "shop::Declined")]);
            let one = Filter {
                limit: Some(1),
                ..Filter::default()
            };
            assert_eq!(redrive(&letters, &filtered(one)).await, 1, "{number}");
        }
    }
}
