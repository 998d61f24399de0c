//! The management commands as processes: signals, exit codes, pipes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kafka_integration_tests::TestBroker;

/// No test waits longer than this for what it expects.
const PATIENCE: Duration = Duration::from_secs(60);

struct Shop {
    address: String,
    topic: String,
    group: String,
    work: Duration,
    _broker: Option<TestBroker>,
}

impl Shop {
    fn new(address: String, broker: Option<TestBroker>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unique = now.expect("after 1970").as_nanos();
        Self {
            address,
            topic: format!("orders-{unique}"),
            group: format!("billing-{unique}"),
            work: Duration::ZERO,
            _broker: broker,
        }
    }

    /// On the embedded broker, and on Apache Kafka where there is one.
    fn everywhere(test: &str) -> Vec<Self> {
        let brokers = TestBroker::each(test).into_iter();
        brokers.map(Self::on).collect()
    }

    fn on(broker: TestBroker) -> Self {
        Self::new(broker.address().to_owned(), Some(broker))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .args(arguments)
            // No file of the directory that the test runs in is read.
            .env("KAFKA_CONFIG_DIR", env!("CARGO_TARGET_TMPDIR"))
            .env("KAFKA__BOOTSTRAP_SERVERS", &self.address)
            .env("SHOP_TOPIC", &self.topic)
            .env("SHOP_GROUP", &self.group)
            .env("SHOP_WORK_MS", self.work.as_millis().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// Produces numbers, one on a line, to partition 0.
    fn produce(&self, count: usize) {
        let topic = self.topic.as_str();
        let produce = ["kafka-produce", topic, "--file", "-", "--format", "jsonl"];
        let mut child = self
            .command(&[&produce[..], &["--partition", "0"]].concat())
            .stdin(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        for number in 0..count {
            writeln!(input, "{number}").expect("it reads");
        }
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", text(&output.stderr));
        let told = text(&output.stdout);
        assert!(
            told.starts_with(&format!("produced {count} message")),
            "{told}"
        );
    }

    fn committed(&self) -> Option<i64> {
        let output = self.run(&["kafka-lag", "Billing", "--json"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let lag: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let partitions = lag[0]["partitions"].as_array().expect("a list").clone();
        let first = partitions
            .iter()
            .find(|partition| partition["partition"] == 0);
        first.and_then(|partition| partition["committed"].as_i64())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A process whose standard error is read line by line. It is killed when the
/// test fails.
struct Running {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).spawn().expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (line, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for next in stderr.lines().map_while(Result::ok) {
                if line.send(next).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    fn wait_for(&mut self, word: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    let found = line.contains(word);
                    self.seen.push(line);
                    if found {
                        return;
                    }
                }
                Err(error) => panic!("`{word}`: {error}; seen: {:#?}", self.seen),
            }
        }
    }

    fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        let sent = Command::new("kill")
            .args([format!("-{signal}"), pid.to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    fn exit_code(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code().expect("an exit code, not a signal");
            }
            assert!(Instant::now() < until, "it does not end: {:#?}", self.seen);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

#[test]
fn the_first_signal_finishes_what_is_in_flight_and_commits_it() {
    for mut shop in Shop::everywhere("the_first_signal_finishes_what_is_in_flight") {
        shop.produce(3);
        shop.work = Duration::from_millis(1_500);
        let mut consume = Running::start(shop.command(&["kafka-consume"]));
        consume.wait_for("started offset=0");
        consume.signal(SIGTERM);
        consume.wait_for("stopping");
        consume.wait_for("finished offset=0");
        assert_eq!(consume.exit_code(), 0);
        assert_eq!(shop.committed(), Some(1));
    }
}

#[test]
fn the_second_signal_ends_it_at_once_and_nothing_unfinished_is_committed() {
    for mut shop in Shop::everywhere("the_second_signal_ends_it_at_once") {
        shop.produce(1);
        shop.work = Duration::from_secs(600);
        let mut consume = Running::start(shop.command(&["kafka-consume", "Billing"]));
        consume.wait_for("started offset=0");
        consume.signal(SIGTERM);
        consume.wait_for("stopping");
        consume.signal(SIGINT);
        consume.wait_for("stopped at once");
        assert_eq!(consume.exit_code(), 130);
        // At most where the group started.
        assert_eq!(shop.committed().unwrap_or(0), 0);
    }
}

#[test]
fn a_tail_without_messages_ends_when_its_reader_does() {
    let shop = Shop::on(TestBroker::embedded());
    shop.produce(1);
    let tail = ["kafka-tail", &shop.topic, "--from", "beginning"];
    let mut child = shop.command(&tail).spawn().expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("the message");
    drop(output);
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

#[test]
fn the_same_signal_twice_at_once_is_one() {
    let mut shop = Shop::on(TestBroker::embedded());
    shop.produce(1);
    shop.work = Duration::from_millis(1_500);
    let mut consume = Running::start(shop.command(&["kafka-consume", "Billing"]));
    consume.wait_for("started offset=0");
    consume.signal(SIGTERM);
    consume.signal(SIGTERM);
    consume.wait_for("finished offset=0");
    assert_eq!(consume.exit_code(), 0);
    assert_eq!(shop.committed(), Some(1));
}

#[test]
fn without_a_terminal_the_status_is_lines_of_the_log() {
    for shop in Shop::everywhere("without_a_terminal_the_status_is_lines_of_the_log") {
        shop.produce(5);
        let consume = ["kafka-consume", "--status-interval", "200ms"];
        let mut consume = Running::start(shop.command(&consume));
        consume.wait_for("processed=5");
        let line = consume.seen.last().expect("the line").clone();
        for field in ["consumer=\"Billing\"", "rate=", "in_flight=", "partitions="] {
            assert!(line.contains(field), "{field}: {line}");
        }
        consume.signal(SIGINT);
        assert_eq!(consume.exit_code(), 0);
    }
}

#[test]
fn a_tail_ends_with_0_on_ctrl_c_and_has_printed_what_came() {
    for shop in Shop::everywhere("a_tail_ends_with_0_on_ctrl_c") {
        shop.produce(1);
        let tail = ["kafka-tail", &shop.topic, "--from", "beginning"];
        let mut child = shop.command(&tail).spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        assert!(line.ends_with("| 0\n"), "{line}");
        let mut tail = Running::start_with(child);
        tail.signal(SIGINT);
        assert_eq!(tail.exit_code(), 0);
    }
}

impl Running {
    fn start_with(child: Child) -> Self {
        let (_, lines) = std::sync::mpsc::channel();
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
    for shop in Shop::everywhere("a_reader_that_closes_the_pipe_is_no_failure") {
        shop.produce(20_000);
        let tail = ["kafka-tail", &shop.topic, "--from", "beginning", "--json"];
        let mut child = shop.command(&tail).spawn().expect("it starts");
        let mut output = child.stdout.take().expect("a pipe");
        let mut first = [0; 10];
        output.read_exact(&mut first).expect("a message");
        drop(output);
        let ended = child.wait_with_output().expect("it ends");
        let told = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{told}");
        assert!(
            !told.contains("panicked") && !told.contains("error"),
            "{told}"
        );
    }
}

#[test]
fn bad_settings_end_it_with_2_before_anything_connects() {
    let shop = Shop::new("127.0.0.1:1".into(), None);
    for command in [
        &["kafka-consume"][..],
        &["kafka-produce", "orders", "--value", "x"],
        &["kafka-tail", "orders"],
        &["kafka-topics", "list"],
        &["kafka-lag"],
        &["kafka-dlt", "list"],
        &["kafka-check"],
    ] {
        let mut command = shop.command(command);
        let output = command.env("KAFKA__CONCURENCY", "2").output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        // kafka-check tells it among its checks.
        let told = (text(&output.stderr) + &text(&output.stdout)).to_lowercase();
        assert!(
            told.contains("concurency") && told.contains("`concurrency`"),
            "{told}"
        );
    }
}

#[test]
fn usage_that_clap_refuses_ends_with_2() {
    let shop = Shop::new("127.0.0.1:1".into(), None);
    assert_eq!(
        shop.run(&["kafka-produce", "orders"]).status.code(),
        Some(2)
    );
    assert_eq!(
        shop.run(&["kafka-consume", "Biling"]).status.code(),
        Some(2)
    );
}

/// The same without an address: the embedded broker of a directory.
fn in_directory(mut command: Command, directory: &Path) -> Command {
    command
        .env_remove("KAFKA__BOOTSTRAP_SERVERS")
        .env("KAFKA__EMBEDDED_BROKER__DATA_DIR", directory);
    command
}

/// The lines of a process's standard output, as they come.
fn lines(child: &mut Child) -> impl FnMut() -> String + use<> {
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let (line, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for next in output.lines().map_while(Result::ok) {
            if line.send(next).is_err() {
                return;
            }
        }
    });
    move || lines.recv_timeout(PATIENCE).expect("a line")
}

#[test]
fn the_broker_of_a_killed_process_goes_on_in_another_one() {
    let shop = Shop::new(String::new(), None);
    let directory = tempfile::tempdir().expect("a directory");
    let command = |arguments: &[&str]| in_directory(shop.command(arguments), directory.path());
    let produce = |value: &str| {
        let produced = command(&["kafka-produce", &shop.topic, "--value", value]).output();
        let produced = produced.expect("it runs");
        assert!(produced.status.success(), "{}", text(&produced.stderr));
    };
    // One alone, whose broker ends with it.
    produce("first");
    let mut owner = Running::start(command(&["kafka-consume"]));
    owner.wait_for("the embedded broker runs in this process");
    let mut tail = command(&["kafka-tail", &shop.topic, "--from", "beginning"])
        .spawn()
        .expect("it starts");
    let mut line = lines(&mut tail);
    assert!(line().ends_with("| first"));
    let address = std::fs::read_to_string(directory.path().join("broker.address"));
    let address = address.expect("it is told").trim().to_owned();
    owner.child.kill().expect("it runs");
    owner.child.wait().expect("it ends");
    let until = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < until, "nobody goes on at {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
    produce("second");
    assert!(line().ends_with("| second"));
    let mut tail = Running::start_with(tail);
    tail.signal(SIGINT);
    assert_eq!(tail.exit_code(), 0);
    assert!(!directory.path().join("broker.address").exists());
}

#[test]
fn a_broker_on_its_own_is_found_and_ends_with_0() {
    let shop = Shop::new(String::new(), None);
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let command = |arguments: &[&str]| in_directory(shop.command(arguments), &data);
    let mut broker = command(&["kafka-broker", "--port", "0", "--json"])
        .spawn()
        .expect("it starts");
    let told = lines(&mut broker)();
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let address = told["bootstrap_servers"].as_str().expect("an address");
    assert_eq!(told["data_dir"].as_str(), data.to_str());

    let checked = command(&["kafka-check"]).output().expect("it runs");
    let checked = text(&checked.stdout);
    assert!(checked.contains(address), "{checked}");
    let port = address.rsplit(':').next().expect("a port");
    for (arguments, code, named) in [
        (&["--port", "0"][..], 1, address),
        (&["--port", port, "--memory"], 1, address),
        (&["--memory", "--data-dir", "x"], 2, "--data-dir"),
        (&["--advertised", "devbox"], 2, "HOST:PORT"),
    ] {
        let refused = command(&[&["kafka-broker"], arguments].concat()).output();
        let refused = refused.expect("it runs");
        let told = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(named), "{arguments:?}: {told}");
    }
    let mut production = command(&["kafka-broker", "--memory"]);
    production.env("KAFKA_PROFILE", "production");
    production.env("KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1");
    production.env_remove("KAFKA__EMBEDDED_BROKER__DATA_DIR");
    let refused = production.output().expect("it runs");
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));

    let mut broker = Running::start_with(broker);
    broker.signal(SIGTERM);
    assert_eq!(broker.exit_code(), 0);
    assert!(!data.join("broker.address").exists());
}

#[test]
fn a_directory_whose_process_says_no_address_is_a_failure_that_says_so() {
    let shop = Shop::new(String::new(), None);
    let directory = tempfile::tempdir().expect("a directory");
    let lock = std::fs::File::create(directory.path().join("broker.lock")).expect("a file");
    lock.try_lock().expect("nobody else has it");
    let listed = in_directory(shop.command(&["kafka-topics", "list"]), directory.path()).output();
    let listed = listed.expect("it runs");
    let told = text(&listed.stderr);
    assert_eq!(listed.status.code(), Some(1), "{told}");
    assert!(told.contains("broker.address"), "{told}");
    assert!(
        told.contains(&directory.path().display().to_string()),
        "{told}"
    );
}
