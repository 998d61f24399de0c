//! Producer ids and sequence numbers.

use kafka_integration_tests::raw::{Batch, Connection};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};

use crate::support::Target;
use crate::support::codes::*;
use crate::support::log::produce_on;
use crate::support::topics::Topic;

cases!(
    producer_ids_are_new_each_time,
    duplicates_of_the_last_five_batches_have_their_first_offset,
    the_sixth_is_out_of_order,
    a_gap_is_out_of_order,
    an_unknown_producer_may_start_anywhere,
    an_older_epoch_is_refused,
    a_newer_epoch_starts_at_zero,
    sequences_go_on_after_the_greatest_number,
    a_batch_over_the_greatest_number_goes_on,
    each_partition_has_sequences_of_its_own,
    half_a_duplicate_is_none,
);

struct Producer<'a> {
    connection: Connection,
    topic: &'a Topic,
    id: i64,
    epoch: i16,
}

impl<'a> Producer<'a> {
    async fn new(target: &Target, topic: &'a Topic) -> Self {
        let mut connection = target.connect().await;
        let request = InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let answer = connection.call(4, request).await;
        assert_eq!((answer.error_code, answer.producer_epoch), (NONE, 0));
        Self {
            connection,
            topic,
            id: answer.producer_id.0,
            epoch: 0,
        }
    }

    async fn send(&mut self, sequence: i32, count: usize) -> PartitionProduceResponse {
        let batch = Batch::of(vec!["x"; count]).producer(self.id, self.epoch, sequence);
        produce_on(&mut self.connection, self.topic, 0, &batch).await
    }

    async fn accepts(&mut self, sequence: i32, count: usize, offset: i64) {
        let answer = self.send(sequence, count).await;
        let seen = (answer.error_code, answer.base_offset);
        assert_eq!(seen, (NONE, offset), "sequence {sequence}");
    }

    async fn refuses(&mut self, sequence: i32, count: usize, error: i16) {
        let answer = self.send(sequence, count).await;
        let seen = (answer.error_code, answer.base_offset);
        assert_eq!(seen, (error, -1), "sequence {sequence}");
    }
}

async fn producer_ids_are_new_each_time(target: &Target) {
    let topic = target.topic("new-ids").await;
    let first = Producer::new(target, &topic).await;
    let second = Producer::new(target, &topic).await;
    assert_ne!(first.id, second.id);
    assert!(first.id >= 0 && second.id >= 0);
}

async fn duplicates_of_the_last_five_batches_have_their_first_offset(target: &Target) {
    let topic = target.topic("duplicates").await;
    let mut producer = Producer::new(target, &topic).await;
    for sequence in 0..7 {
        producer.accepts(sequence, 1, i64::from(sequence)).await;
    }
    for sequence in [6, 2, 4, 3, 5] {
        producer.accepts(sequence, 1, i64::from(sequence)).await;
    }
    producer.accepts(7, 1, 7).await;
    let end = target.list_offset(&topic, 0, -1).await;
    assert_eq!(end.offset, 8, "nothing is there twice");
}

async fn the_sixth_is_out_of_order(target: &Target) {
    let topic = target.topic("sixth").await;
    let mut producer = Producer::new(target, &topic).await;
    for sequence in 0..6 {
        producer.accepts(sequence, 1, i64::from(sequence)).await;
    }
    producer.refuses(0, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(1, 1, 1).await;
}

async fn a_gap_is_out_of_order(target: &Target) {
    let topic = target.topic("gap").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(0, 3, 0).await;
    producer.refuses(4, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(3, 1, 3).await;
}

async fn an_unknown_producer_may_start_anywhere(target: &Target) {
    let topic = target.topic("anywhere").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(41, 2, 0).await;
    producer.refuses(0, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(43, 1, 2).await;
}

async fn an_older_epoch_is_refused(target: &Target) {
    let topic = target.topic("older-epoch").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.epoch = 3;
    producer.accepts(0, 1, 0).await;
    producer.epoch = 2;
    producer.refuses(0, 1, INVALID_PRODUCER_EPOCH).await;
    producer.refuses(1, 1, INVALID_PRODUCER_EPOCH).await;
}

async fn a_newer_epoch_starts_at_zero(target: &Target) {
    let topic = target.topic("newer-epoch").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(0, 1, 0).await;
    producer.accepts(1, 1, 1).await;
    producer.epoch = 1;
    producer.refuses(2, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(0, 1, 2).await;
    // What the old epoch sent is forgotten, its offsets too.
    producer.accepts(1, 1, 3).await;
    producer.accepts(0, 1, 2).await;
}

async fn sequences_go_on_after_the_greatest_number(target: &Target) {
    let topic = target.topic("wraparound").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(i32::MAX, 1, 0).await;
    producer.refuses(1, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(0, 1, 1).await;
    producer.accepts(i32::MAX, 1, 0).await;
    producer.accepts(1, 1, 2).await;
}

async fn a_batch_over_the_greatest_number_goes_on(target: &Target) {
    let topic = target.topic("over-wraparound").await;
    let mut producer = Producer::new(target, &topic).await;
    // Three records: MAX - 1, MAX, 0.
    producer.accepts(i32::MAX - 1, 3, 0).await;
    producer.accepts(1, 1, 3).await;
    producer.accepts(i32::MAX - 1, 3, 0).await;
}

async fn each_partition_has_sequences_of_its_own(target: &Target) {
    let topic = target.topic_with("own-sequences", 2, &[]).await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(0, 1, 0).await;
    producer.accepts(1, 1, 1).await;
    let batch = Batch::of(["x"]).producer(producer.id, 0, 0);
    let answer = target.produce(&topic, 1, &batch).await;
    assert_eq!((answer.error_code, answer.base_offset), (NONE, 0));
}

async fn half_a_duplicate_is_none(target: &Target) {
    let topic = target.topic("half").await;
    let mut producer = Producer::new(target, &topic).await;
    producer.accepts(0, 2, 0).await;
    producer.refuses(0, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.refuses(0, 3, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.refuses(1, 1, OUT_OF_ORDER_SEQUENCE_NUMBER).await;
    producer.accepts(2, 1, 2).await;
}
