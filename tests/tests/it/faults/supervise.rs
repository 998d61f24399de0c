//! A consumer that fails, next to one that does not.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kafka_integration::prelude::*;
use kafka_integration::runner::{
    ClientError, ConsumerStatus, ErrorAction, ErrorHandler, RunError, StatusHandle,
};
use kafka_integration::settings::Settings;
use kafka_integration_tests::{Event, TestBroker};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::sync::oneshot;

use crate::support::{Scene, event, produce};

/// Consumed by `Sound` and by the one that fails, from a topic each.
struct Events {
    topic: String,
}

#[derive(Default)]
struct Notes {
    handler: Duration,
    /// Topic and number of what was handled.
    finished: Mutex<BTreeSet<(String, u64)>>,
    started: Mutex<BTreeSet<(String, u64)>>,
}

impl Notes {
    fn count(&self, which: &Mutex<BTreeSet<(String, u64)>>, topic: &str) -> usize {
        let noted = which.lock().expect("no handler panics");
        noted.iter().filter(|(of, _)| of == topic).count()
    }
}

impl Topic for Events {
    type Key = String;
    type Value = Event;
    type Codec = Json;

    fn name(&self) -> &str {
        &self.topic
    }
}

impl Consume for Events {
    async fn consume(&self, message: Message<Self>, cx: &Context) -> Result<(), ConsumeError> {
        let notes = cx.state::<Notes>()?;
        let note = |set: &Mutex<BTreeSet<(String, u64)>>| {
            let entry = (self.topic.clone(), message.value().id);
            set.lock().expect("no handler panics").insert(entry);
        };
        note(&notes.started);
        tokio::time::sleep(notes.handler).await;
        note(&notes.finished);
        Ok(())
    }
}

/// Has a consumer started anew whatever happened to it.
struct GoOn;

impl ErrorHandler for GoOn {
    fn handle(&self, _: &ClientError) -> ErrorAction {
        ErrorAction::Continue
    }
}

/// Two consumers in one process: `Sound`, and `Failing` with that
/// configuration.
struct Process {
    kafka: Kafka,
    status: StatusHandle,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), RunError>>,
}

impl Process {
    fn start(
        sound: &Scene,
        failing: &Scene,
        config: &[(&str, &str)],
        error_handler: &str,
        handler: Duration,
    ) -> Self {
        let mut settings = Settings::with_bootstrap_servers(&sound.bootstrap);
        settings.cluster.error_handler = error_handler.to_owned();
        let kafka = Kafka::builder()
            .settings(settings)
            .error_handler("go-on", GoOn)
            .state(Notes {
                handler,
                ..Notes::default()
            })
            .build()
            .expect("settings that hold");
        let spec = |name: &str, scene: &Scene| {
            let topic = scene.topic.clone();
            ConsumerSpec::new(name, scene.group.clone()).topic(Events { topic })
        };
        let mut failing = spec("Failing", failing);
        for (name, value) in config {
            failing = failing.config(*name, *value);
        }
        let mut registry = Registry::new();
        registry.add(spec("Sound", sound)).add(failing);
        let runner = Runner::new(kafka.clone(), registry);
        let status = runner.status();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(runner.run(async move {
            let _ = stopped.await;
        }));
        Self {
            kafka,
            status,
            stop,
            ended,
        }
    }

    fn status(&self, name: &str) -> ConsumerStatus {
        let mut consumers = self.status.consumers().into_iter();
        let found = consumers.find(|consumer| consumer.name == name);
        found.expect("it is registered")
    }

    fn notes(&self) -> &Notes {
        self.kafka.state().expect("given above")
    }

    fn finished(&self, scene: &Scene) -> usize {
        let notes = self.notes();
        notes.count(&notes.finished, &scene.topic)
    }

    /// Stops it; it must end well.
    async fn stop(self) {
        let _ = self.stop.send(());
        let ended = within("its end", self.ended).await;
        ended.expect("it does not panic").expect("it ends well");
    }
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(40), future)
        .await
        .unwrap_or_else(|_| panic!("still missing: {what}"))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    within(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

fn scenes(bootstrap: &str, test: &str) -> (std::sync::Arc<Scene>, std::sync::Arc<Scene>) {
    (
        Scene::new(bootstrap, &format!("{test}-sound"), 2),
        Scene::new(bootstrap, &format!("{test}-failing"), 2),
    )
}

fn produce_range(scene: &Scene, ids: std::ops::Range<u64>) {
    produce(scene, ids.map(|id| (None, event(id, 20))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_start_does_not_stop_the_other() {
    for broker in TestBroker::each("one_that_cannot_start_does_not_stop_the_other") {
        let bootstrap = broker.address();
        let (sound, failing) = scenes(bootstrap, "cannot-start");
        produce_range(&sound, 0..500);
        // Each alone is fine, together librdkafka refuses them.
        let contradiction = [
            ("session.timeout.ms", "20000"),
            ("max.poll.interval.ms", "10000"),
        ];
        let process = Process::start(&sound, &failing, &contradiction, "log", Duration::ZERO);
        until("the messages of the other", || {
            process.finished(&sound) == 500
        })
        .await;
        let began = Instant::now();
        until("three attempts", || process.status("Failing").restarts >= 3).await;
        println!("three attempts after another {:?}", began.elapsed());
        // 1 s, 2 s: the third is not tried at once.
        assert!(process.status("Failing").restarts < 5, "it backs off");
        produce_range(&sound, 500..600);
        until("what was produced meanwhile", || {
            process.finished(&sound) == 600
        })
        .await;
        assert_eq!(process.status("Sound").restarts, 0);
        process.stop().await;
        assert_eq!(sound.uncommitted(), None);
    }
}

/// A second member with the same `group.instance.id`: the broker fences the
/// first, whose client can't go on.
fn fence(scene: &Scene) -> BaseConsumer {
    let usurper: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &scene.bootstrap)
        .set("group.id", &scene.group)
        .set("group.instance.id", "one")
        .set("session.timeout.ms", "6000")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a client");
    usurper.subscribe(&[&scene.topic]).expect("a subscription");
    usurper
}

const STATIC: [(&str, &str); 2] = [("group.instance.id", "one"), ("session.timeout.ms", "6000")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_fatal_error_one_is_started_anew_beside_the_other() {
    let test = "after_a_fatal_error_one_is_started_anew_beside_the_other";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let (sound, failing) = scenes(bootstrap, "anew");
        for scene in [&sound, &failing] {
            produce_range(scene, 0..200);
        }
        let process = Process::start(&sound, &failing, &STATIC, "go-on", Duration::ZERO);
        until("the first messages", || {
            process.finished(&sound) == 200 && process.finished(&failing) == 200
        })
        .await;
        let usurper = fence(&failing);
        until("the restart", || {
            usurper.poll(Duration::from_millis(10));
            process.status("Failing").restarts > 0
        })
        .await;
        for scene in [&sound, &failing] {
            produce_range(scene, 200..400);
        }
        until("the next messages of both", || {
            process.finished(&sound) == 400 && process.finished(&failing) == 400
        })
        .await;
        assert_eq!(process.status("Sound").restarts, 0);
        drop(usurper);
        process.stop().await;
        for scene in [&sound, &failing] {
            assert_eq!(scene.uncommitted(), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fatal_error_ends_the_process_once_the_other_has_drained() {
    let test = "a_fatal_error_ends_the_process_once_the_other_has_drained";
    for broker in TestBroker::each(test) {
        let bootstrap = broker.address();
        let (sound, failing) = scenes(bootstrap, "fatal");
        let handler = Duration::from_millis(500);
        let process = Process::start(&sound, &failing, &STATIC, "log", handler);
        until("both in their groups", || {
            process.status("Sound").partitions == 2 && process.status("Failing").partitions == 2
        })
        .await;
        // Far more than can be handled until the end: something is in flight.
        produce_range(&sound, 0..200);
        let usurper = fence(&failing);
        until("the end", || {
            usurper.poll(Duration::from_millis(10));
            process.ended.is_finished()
        })
        .await;
        let (started, finished) = {
            let notes = process.notes();
            let topic = &sound.topic;
            (
                notes.count(&notes.started, topic),
                notes.count(&notes.finished, topic),
            )
        };
        println!("{started} started, {finished} finished");
        assert!(started > 0, "nothing was in flight");
        assert_eq!(started, finished, "what runs is finished first");
        let committed: i64 = sound.committed().values().sum();
        assert_eq!(committed, finished as i64, "and committed");
        match process.ended.await.expect("it does not panic") {
            Err(RunError::Failed(errors)) => {
                println!("{errors:?}");
                assert_eq!(errors.len(), 1);
                assert_eq!(errors[0].consumer, "Failing");
                assert!(errors[0].fatal);
            }
            other => panic!("it must fail: {other:?}"),
        }
    }
}
