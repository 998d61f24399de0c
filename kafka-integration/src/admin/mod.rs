//! Topics, offsets and lag of a cluster.
//!
//! Everything here asks the brokers, within a time limit, on threads where
//! waiting is allowed; errors name the cluster and its address.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kafka_integration::{Kafka, admin::{Cluster, NewTopic}};
//!
//! let kafka = Kafka::current()?;
//! let cluster = Cluster::connect(&kafka, None).await?;
//! cluster.create(NewTopic::new("orders").partitions(12)).await?;
//! for topic in cluster.topics().await? {
//!     println!("{} has {} partitions", topic.name, topic.partitions.len());
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod cluster;
mod create;
mod delete_records;
mod error;
mod group;
mod lag;
mod offsets;
mod topics;

pub use cluster::{Cluster, DEFAULT_TIMEOUT};
pub use create::NewTopic;
pub use error::AdminError;
pub use group::GroupState;
pub use lag::PartitionLag;
pub use offsets::Place;
pub use topics::{ConfigEntry, Partition, Topic, TopicDescription};
