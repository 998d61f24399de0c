use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use tempfile::TempDir;

use super::Member;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A topic and a group of a test's own, and where its members leave their
/// journals. Both are deleted at its end.
pub(crate) struct Scene {
    pub(crate) bootstrap: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) partitions: i32,
    directory: TempDir,
    members: AtomicU32,
    /// In the group, but never a member: it asks what is committed.
    observer: BaseConsumer,
}

impl Scene {
    pub(crate) fn new(bootstrap: &str, test: &str, partitions: i32) -> Arc<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let name = format!(
            "it-{test}-{}-{}-{}",
            now.unwrap_or_default().as_secs(),
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed),
        );
        let observer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", &name)
            .set("reconnect.backoff.max.ms", "200")
            .create()
            .expect("a client of the group");
        let scene = Self {
            bootstrap: bootstrap.to_owned(),
            topic: name.clone(),
            group: name,
            partitions,
            directory: TempDir::new().expect("a folder for the journals"),
            members: AtomicU32::new(0),
            observer,
        };
        let created = scene.admin(async |admin, options| {
            let topic = NewTopic::new(&scene.topic, partitions, TopicReplication::Fixed(1));
            admin.create_topics([&topic], options).await
        });
        let created = created.expect("the broker answers");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
        Arc::new(scene)
    }

    /// The folder with the members' journals and logs.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts a consumer process in the group.
    pub(crate) fn start(&self, arguments: &[&str]) -> Member {
        let number = self.members.fetch_add(1, Ordering::Relaxed);
        Member::start(self, number, arguments)
    }

    /// What the group has committed, by partition; a partition without a commit
    /// is left out.
    pub(crate) fn try_committed(&self) -> KafkaResult<BTreeMap<i32, i64>> {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_range(&self.topic, 0, self.partitions - 1);
        let committed = self.observer.committed_offsets(partitions, TIMEOUT)?;
        let offset = |offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        let elements = committed.elements();
        Ok(elements
            .iter()
            .filter_map(|element| Some((element.partition(), offset(element.offset())?)))
            .collect())
    }

    pub(crate) fn committed(&self) -> BTreeMap<i32, i64> {
        self.try_committed().expect("the broker answers")
    }

    /// The topic that failed messages of this one move to, from 1.
    pub(crate) fn retry_topic(&self, level: u32) -> String {
        format!("{}.{}.retry.{level}", self.group, self.topic)
    }

    /// The topic of its dead letters.
    pub(crate) fn dead_letter_topic(&self) -> String {
        format!("{}.{}.dlt", self.group, self.topic)
    }

    /// The group that consumes the retry topics.
    pub(crate) fn retry_group(&self) -> String {
        format!("{}.retry", self.group)
    }

    /// The ends of the partitions that are not empty.
    pub(crate) fn ends(&self) -> BTreeMap<i32, i64> {
        let end = |partition| {
            let observer = &self.observer;
            let (_, end) = observer.fetch_watermarks(&self.topic, partition, TIMEOUT)?;
            Ok((partition, end))
        };
        let ends: KafkaResult<BTreeMap<_, _>> = (0..self.partitions).map(end).collect();
        let mut ends = ends.expect("the broker answers");
        ends.retain(|_, end| *end > 0);
        ends
    }

    /// How many members the group has.
    pub(crate) fn members(&self) -> usize {
        let groups = self.observer.fetch_group_list(Some(&self.group), TIMEOUT);
        let groups = groups.expect("the broker answers");
        groups
            .groups()
            .iter()
            .map(|group| group.members().len())
            .sum()
    }

    /// Every partition is committed to its end. With nothing in flight, that is
    /// where all of it is finished.
    pub(crate) fn uncommitted(&self) -> Option<String> {
        let (committed, ends) = (self.committed(), self.ends());
        (committed != ends).then(|| format!("committed {committed:?} of {ends:?}"))
    }

    /// What members complained about, those that have ended too.
    fn show_warnings(&self) {
        for file in std::fs::read_dir(self.directory()).into_iter().flatten() {
            let path = file.map(|file| file.path()).unwrap_or_default();
            if path.extension().is_some_and(|kind| kind == "log") {
                let log = std::fs::read_to_string(&path).unwrap_or_default();
                let bad = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
                for line in log.lines().filter(bad) {
                    eprintln!("{}: {line}", path.display());
                }
            }
        }
    }

    fn admin<T: Send>(
        &self,
        ask: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T + Send,
    ) -> T {
        // A thread of its own: the caller may be inside a runtime.
        let asking = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let admin = ClientConfig::new()
                .set("bootstrap.servers", &self.bootstrap)
                .create()
                .expect("a client");
            let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
            runtime.block_on(ask(&admin, &options))
        };
        std::thread::scope(|scope| scope.spawn(asking).join().expect("the broker answers"))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_warnings();
        }
        // What can't be deleted is in nobody's way: names are used once.
        let mut topics = vec![self.topic.clone()];
        if let Ok(metadata) = self.observer.fetch_metadata(None, TIMEOUT) {
            let prefix = format!("{}.", self.group);
            let names = metadata.topics().iter().map(|topic| topic.name());
            let moved = names.filter(|name| name.starts_with(&prefix));
            topics.extend(moved.map(str::to_owned));
        }
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let groups = [&*self.group, &self.retry_group()];
        let _ = self.admin(async |admin, options| {
            let _ = admin.delete_groups(&groups, options).await;
            admin.delete_topics(&topics, options).await
        });
    }
}
