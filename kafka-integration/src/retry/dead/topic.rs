use std::num::NonZeroU32;
use std::sync::Arc;

use rdkafka::ClientConfig;

use super::journal;
use super::plan::Plan;
use super::session::{Session, Spans};
use super::settle::Settling;
use super::summary::{Done, Found, Summary};
use super::target::Targets;
use super::writer::Writer;
use super::{DeadLetterError, Filter, Watch};
use crate::admin::{AdminError, Cluster, NewTopic, Place};
use crate::kafka::Kafka;
use crate::producer::moves;
use crate::settings::ClientKind;

/// A dead-letter topic. See the [module](super).
#[derive(Debug)]
pub struct DeadLetters {
    kafka: Kafka,
    cluster: Arc<Cluster>,
    cluster_name: Option<String>,
    topic: String,
}

/// Which dead letters go where.
#[derive(Debug, Clone, Default)]
pub struct Redrive {
    /// Which.
    pub filter: Filter,
    /// Where to; `None` is where each came from.
    pub to: Option<String>,
    /// At most so many a second; `None` is as fast as it goes.
    pub rate: Option<NonZeroU32>,
}

impl DeadLetters {
    /// Finds a dead-letter topic of a cluster of the settings (`None` is the
    /// default one).
    ///
    /// # Errors
    /// When there is no such topic, or no broker answers.
    pub async fn open(
        kafka: &Kafka,
        cluster: Option<&str>,
        topic: &str,
    ) -> Result<Self, DeadLetterError> {
        if journal::is_journal(topic) {
            let topic = topic.to_owned();
            return Err(DeadLetterError::IsJournal { topic });
        }
        let found = Cluster::connect(kafka, cluster).await?;
        found.topic(topic).await?;
        Ok(Self {
            kafka: kafka.clone(),
            cluster: Arc::new(found),
            cluster_name: cluster.map(str::to_owned),
            topic: topic.to_owned(),
        })
    }

    /// Its name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The topic that keeps what became of them. It is made when the first is
    /// redriven or discarded.
    pub fn journal(&self) -> String {
        journal::topic_of(&self.topic)
    }

    /// What the topic holds. Everything in it is read.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn summary(&self, watch: &Watch) -> Result<Summary, DeadLetterError> {
        let seed = self.seed(watch).await?;
        blocking(move || seed.session()?.summary()).await
    }

    /// The record at that place, open or not; `None` when none is there.
    ///
    /// # Errors
    /// When it can't be read, or there is no such partition.
    pub async fn at(&self, partition: i32, offset: i64) -> Result<Option<Found>, DeadLetterError> {
        let seed = self.seed(&Watch::new()).await?;
        blocking(move || {
            let mut session = seed.session()?;
            let letter = session.at(partition, offset)?;
            let found = letter.map(|letter| session.outcome(letter, seed.journal_span));
            found.transpose()
        })
        .await
    }

    /// The first open one that is meant, by partition and offset.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn first(&self, filter: &Filter) -> Result<Option<Found>, DeadLetterError> {
        let seed = self.seed(&Watch::new()).await?;
        let filter = Filter {
            limit: Some(1),
            ..filter.clone()
        };
        blocking(move || {
            let mut first = None;
            seed.session()?.scan(&filter, |letter| {
                first = Some(letter);
                Ok(())
            })?;
            let outcome = None;
            Ok(first.map(|letter| Found { letter, outcome }))
        })
        .await
    }

    /// What [`redrive`](Self::redrive) would do. Nothing is changed.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn plan_redrive(
        &self,
        redrive: &Redrive,
        watch: &Watch,
    ) -> Result<Plan, DeadLetterError> {
        let seed = self.seed(watch).await?;
        let mut targets = self.targets(redrive.to.clone());
        let filter = redrive.filter.clone();
        blocking(move || seed.session()?.plan(&filter, Some(&mut targets))).await
    }

    /// What [`discard`](Self::discard) would do. Nothing is changed.
    ///
    /// # Errors
    /// When it can't be read.
    pub async fn plan_discard(
        &self,
        filter: &Filter,
        watch: &Watch,
    ) -> Result<Plan, DeadLetterError> {
        let seed = self.seed(watch).await?;
        let filter = filter.clone();
        blocking(move || seed.session()?.plan(&filter, None)).await
    }

    /// Produces dead letters again, as the messages they were: key, value bytes
    /// and headers are those of the original, and so are partition and time
    /// where that is possible.
    ///
    /// Each goes exactly once to whoever reads committed records only, however
    /// often this is stopped, killed and called again. Of two at a time, the
    /// later one goes on, and the other ends with
    /// [`DeadLetterError::Fenced`].
    ///
    /// # Errors
    /// When nothing can be moved, or not all. What was moved stays moved; the
    /// same again goes on with the rest.
    pub async fn redrive(&self, redrive: &Redrive, watch: &Watch) -> Result<Done, DeadLetterError> {
        let targets = self.targets(redrive.to.clone());
        self.settle(Some(targets), redrive.clone(), watch).await
    }

    /// Gives dead letters up: they stay in their topic, and count as settled.
    ///
    /// # Errors
    /// As [`redrive`](Self::redrive).
    pub async fn discard(&self, filter: &Filter, watch: &Watch) -> Result<Done, DeadLetterError> {
        let redrive = Redrive {
            filter: filter.clone(),
            ..Redrive::default()
        };
        self.settle(None, redrive, watch).await
    }

    async fn settle(
        &self,
        mut targets: Option<Targets>,
        redrive: Redrive,
        watch: &Watch,
    ) -> Result<Done, DeadLetterError> {
        self.make_journal().await?;
        let (topic, watch) = (self.topic.clone(), watch.clone());
        let config = self.config(ClientKind::Producer, &moves::overrides())?;
        let writer = {
            let topic = topic.clone();
            blocking(move || Writer::open(config, &topic)).await?
        };
        // Earlier writers are fenced, and what they left open is ended: from
        // here on the journal tells all.
        let seed = match self.seed(&watch).await {
            Ok(seed) => seed,
            Err(error) => {
                // Closing it waits for its threads.
                tokio::task::spawn_blocking(move || drop(writer));
                return Err(error);
            }
        };
        let by = self.by();
        blocking(move || {
            let mut session = seed.session()?;
            let plan = session.plan(&redrive.filter, targets.as_mut())?;
            if watch.is_stopped() {
                return Ok(Done {
                    letters: 0,
                    stopped: true,
                });
            }
            plan.check(&topic)?;
            watch.begin_work(plan.letters);
            let settling = Settling {
                topic: &topic,
                writer: &writer,
                targets: targets.as_mut(),
                to: redrive.to,
                by: &by,
                rate: redrive.rate,
                watch: &watch,
                most: usize::MAX,
            };
            settling.run(&mut session, &redrive.filter)
        })
        .await
    }

    fn targets(&self, to: Option<String>) -> Targets {
        let runtime = tokio::runtime::Handle::current();
        Targets::new(Arc::clone(&self.cluster), runtime, &self.topic, to)
    }

    fn config(
        &self,
        kind: ClientKind,
        overrides: &[(String, String)],
    ) -> Result<ClientConfig, DeadLetterError> {
        let cluster = self.cluster_name.as_deref();
        let config = self.kafka.client_config(cluster, kind, overrides);
        Ok(config.map_err(AdminError::from)?)
    }

    /// User and host.
    fn by(&self) -> String {
        let host = gethostname::gethostname();
        let user = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
        format!("{user}@{}", host.to_string_lossy())
    }

    async fn make_journal(&self) -> Result<(), DeadLetterError> {
        let journal = self.journal();
        match self.cluster.topic(&journal).await {
            Ok(_) => return Ok(()),
            Err(AdminError::NoSuchTopic { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let new = NewTopic::new(&journal)
            .partitions(1)
            .config("retention.ms", "-1")
            .config("retention.bytes", "-1")
            .config("cleanup.policy", "delete");
        match self.cluster.create(new).await {
            // Another one was faster.
            Ok(()) | Err(AdminError::TopicExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the topic and its journal end now.
    async fn seed(&self, watch: &Watch) -> Result<Seed, DeadLetterError> {
        // First the journal: what it tells of must be there.
        let journal_span = match self.spans(&self.journal()).await {
            Ok(spans) => spans.get(&journal::PARTITION).copied(),
            Err(DeadLetterError::Admin(AdminError::NoSuchTopic { .. })) => None,
            Err(error) => return Err(error),
        };
        Ok(Seed {
            config: self.config(ClientKind::Consumer, &[])?,
            topic: self.topic.clone(),
            spans: self.spans(&self.topic).await?,
            journal_span,
            watch: watch.clone(),
        })
    }

    async fn spans(&self, topic: &str) -> Result<Spans, DeadLetterError> {
        let partitions = self.cluster.topic(topic).await?.partitions;
        let at = async |place| self.cluster.offsets(topic, &partitions, place).await;
        let (beginnings, ends) = (at(Place::Beginning).await?, at(Place::End).await?);
        let span = |partition: &i32| {
            let found = beginnings.get(partition).zip(ends.get(partition));
            let (start, end) = found.ok_or_else(|| DeadLetterError::NoLeader {
                topic: topic.to_owned(),
                partition: *partition,
            })?;
            Ok((*partition, (*start, *end)))
        };
        partitions.iter().map(span).collect()
    }
}

/// What a session begins with.
struct Seed {
    config: ClientConfig,
    topic: String,
    spans: Spans,
    journal_span: Option<(i64, i64)>,
    watch: Watch,
}

impl Seed {
    fn session(&self) -> Result<Session, DeadLetterError> {
        let (config, spans) = (self.config.clone(), self.spans.clone());
        Session::open(config, &self.topic, spans, self.journal_span, &self.watch)
    }
}

/// Runs what blocks on a thread that may wait; a panic goes on in the caller.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeadLetterError> + Send + 'static,
) -> Result<T, DeadLetterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(DeadLetterError::Stopped),
        },
    }
}
