//! Everything one side of a consumer needs, checked before any consumer starts.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;
use tokio::runtime::Handle;

use super::budget::Budget;
use super::lanes::{Keep, Lanes};
use super::poll::Limits;
use super::rebalance::PollContext;
use super::routes::{Role, Routes};
use super::shared::Shared;
use super::status::Counters;
use crate::consumer::{ConsumerSpec, Ordering};
use crate::kafka::{ErrorHandler, Kafka, KafkaError};
use crate::retry::{Mover, RetryPolicy, TopicNames};
use crate::settings::ClientKind;
use crate::topic::TopicName;

/// Everything a consumer needs, checked before any consumer starts.
pub(super) struct Plan {
    name: Arc<str>,
    kafka: Kafka,
    spec: ConsumerSpec,
    config: ClientConfig,
    role: Role,
    /// Of topics and consumers without their own.
    policy: RetryPolicy,
    names: TopicNames,
    mover: Mover,
    ordering: Ordering,
    concurrency: usize,
    error_handler: Arc<dyn ErrorHandler>,
    counters: Arc<Counters>,
    drain_timeout: Duration,
    polling_frequency: Duration,
    commit_interval: Duration,
    shutdown_timeout: Duration,
    max_in_flight: usize,
    max_in_flight_bytes: usize,
    max_uncommitted: usize,
}

impl Plan {
    /// Of one side of a consumer.
    pub(super) fn new(
        kafka: &Kafka,
        spec: &ConsumerSpec,
        role: Role,
        counters: Arc<Counters>,
    ) -> Result<Self, KafkaError> {
        let cluster = spec.cluster.as_deref();
        let settings = kafka.settings().cluster(cluster)?;
        let names = settings.topic_names();
        let kind = match role {
            Role::Source => ClientKind::Consumer,
            Role::Retry => ClientKind::RetryConsumer,
        };
        let mut config = kafka.client_config(cluster, kind, &spec.config)?;
        match role {
            Role::Source => config.set("group.id", &spec.group_id),
            Role::Retry => config
                .set("group.id", names.retry_group(&spec.group_id))
                // Whatever the consumer says for its own topics: what was moved
                // before this group first committed must not be skipped.
                .set("auto.offset.reset", "earliest"),
        };
        let max_poll = config
            .get("max.poll.interval.ms")
            .and_then(|millis| millis.parse().ok())
            .map_or(Duration::from_secs(300), Duration::from_millis);
        let routes = Routes::of(spec, role, &settings.retry, names.clone());
        let ordering = match role {
            // Each message waits for its own time.
            Role::Retry => Ordering::None,
            Role::Source if routes.preserve_order() => Ordering::Key,
            Role::Source => spec.ordering.unwrap_or(settings.ordering),
        };
        Ok(Self {
            name: counters.name().into(),
            mover: Mover::new(kafka, cluster)?,
            role,
            policy: settings.retry.clone(),
            names,
            ordering,
            concurrency: spec.concurrency.unwrap_or(settings.concurrency).get(),
            error_handler: kafka.error_handler(&settings.error_handler)?,
            // The rebalance must be over before the group gives this member up.
            drain_timeout: settings.shutdown_timeout.min(max_poll / 2),
            polling_frequency: settings.polling_frequency,
            commit_interval: settings.commit_interval,
            shutdown_timeout: settings.shutdown_timeout,
            max_in_flight: settings.max_in_flight.get(),
            max_in_flight_bytes: settings.max_in_flight_bytes,
            max_uncommitted: settings.max_uncommitted.get(),
            kafka: kafka.clone(),
            spec: spec.clone(),
            config,
            counters,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The consumer group.
    pub(super) fn group(&self) -> &str {
        self.counters.group_id()
    }

    pub(super) fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    pub(super) fn cluster(&self) -> Option<&str> {
        self.spec.cluster.as_deref()
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn mover(&self) -> &Mover {
        &self.mover
    }

    /// Whether a failed message may move to a retry topic.
    pub(super) fn uses_retry_topics(&self) -> bool {
        self.routes().uses_retry_topics()
    }

    /// Whether this side consumes that topic.
    pub(super) fn takes(&self, topic: &str) -> bool {
        self.routes().matches(topic)
    }

    /// The topics that messages of each topic may move to, as far as the names
    /// are known beforehand.
    pub(super) fn retry_topics(&self) -> Vec<(String, Vec<TopicName>)> {
        let group = &self.spec.group_id;
        let topics = self.spec.topics.iter().filter_map(|topic| {
            let source = topic.name();
            let levels = self.spec.policy(topic, &self.policy).levels();
            if levels == 0 || source.starts_with('^') {
                return None;
            }
            let retry = (1..=levels).map(|level| self.names.retry(group, source, level));
            let all = retry.chain([self.names.dead_letter(group, source)]);
            // What is no name is told when a message is to go there.
            Some((source.to_owned(), all.filter_map(Result::ok).collect()))
        });
        topics.collect()
    }

    pub(super) fn routes(&self) -> Routes {
        Routes::of(&self.spec, self.role, &self.policy, self.names.clone())
    }

    pub(super) fn config(&self) -> &ClientConfig {
        &self.config
    }

    pub(super) fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout
    }

    pub(super) fn context(&self, runtime: Handle) -> PollContext {
        let shared = Shared::new(
            Arc::clone(&self.name),
            self.mover.clone(),
            runtime,
            Budget::new(self.max_in_flight, self.max_in_flight_bytes),
            Lanes::new(
                self.ordering,
                self.concurrency,
                Keep {
                    messages: self.max_in_flight,
                    bytes: self.max_in_flight_bytes,
                },
            ),
            Arc::clone(&self.counters),
            self.kafka.clone(),
        );
        PollContext::new(
            Arc::new(shared),
            self.routes(),
            Arc::clone(&self.error_handler),
            self.drain_timeout,
        )
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            polling_frequency: self.polling_frequency,
            commit_interval: self.commit_interval,
            shutdown_timeout: self.shutdown_timeout,
            max_in_flight: self.max_in_flight,
            max_in_flight_bytes: self.max_in_flight_bytes,
            max_uncommitted: self.max_uncommitted,
        }
    }
}
