use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::create::close;
use super::{AdminError, Cluster};

impl Cluster {
    /// Deletes the records below an offset of each of those partitions, for
    /// good. Those that are gone already cost nothing.
    ///
    /// # Errors
    /// When the brokers refuse it for a partition, or no broker answers; the
    /// others may have been done then.
    pub async fn delete_records<S: AsRef<str>>(
        &self,
        below: &[(S, i32, i64)],
    ) -> Result<(), AdminError> {
        if below.is_empty() {
            return Ok(());
        }
        let action = "delete records".to_owned();
        let refused = |error| self.explain(action.clone(), error, None);
        let mut list = TopicPartitionList::with_capacity(below.len());
        for (topic, partition, offset) in below {
            list.add_partition_offset(topic.as_ref(), *partition, Offset::Offset(*offset))
                .map_err(refused)?;
        }
        let (admin, options) = self.admin()?;
        let answer = admin.delete_records(&list, &options).await;
        close(admin);
        for element in answer.map_err(refused)?.elements() {
            if let Err(error) = element.error() {
                let code = error.rdkafka_error_code();
                return Err(refused(code.map_or(error, KafkaError::AdminOp)));
            }
        }
        Ok(())
    }
}
