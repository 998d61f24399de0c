//! The one room with `unsafe` code: what rdkafka's safe interface lacks.
//!
//! - [`FetchQueue`]: a queue of our own that all assigned partitions are
//!   forwarded to, read many messages at a time. rdkafka offers one message a
//!   call, or one queue per partition, whose wakeups can get lost
//!   (rust-rdkafka #840).
//! - [`NativeMessage`]: a fetched message that is not copied.
//! - [`ProducerQueue`](producer::ProducerQueue): the events of a producer, all
//!   delivery reports of one in a call.
//! - [`commit_answered`]: an asynchronous commit whose answer reaches the commit
//!   callback; that of rdkafka 0.39 is answered to nobody.
//! - [`metadata`]: what a commit carries beside its offset, whatever it is.
//! - [`cached_high_watermark`]: the end of a partition as the last fetch told
//!   it, without asking the broker.
//!
//! The rules that make it sound stand at each item. librdkafka's functions that
//! are called here are all documented as thread-safe (`rdkafka.h`).
#![allow(unsafe_code)]

mod fetch_queue;
mod headers;
mod message;
pub(crate) mod producer;

pub(crate) use fetch_queue::{FetchQueue, FetchWaker, forward_to};
pub(crate) use headers::LazyHeaders;
pub(crate) use message::NativeMessage;

use std::ffi::CString;
use std::ptr;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::Offset;
use rdkafka_sys as sys;

/// The high watermark of a partition as the last fetch response told it; `None`
/// before the first one.
pub(crate) fn cached_high_watermark<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
) -> Option<i64> {
    let topic = CString::new(topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client is alive for as long as `consumer` is borrowed, the
    // name is a C string, and both out-pointers are live for the call.
    let result = unsafe {
        sys::rd_kafka_get_watermark_offsets(
            consumer.client().native_ptr(),
            topic.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    let known = result == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0;
    known.then_some(high)
}

/// Sends a commit without waiting. Its answer comes to the context's
/// `commit_callback` from a later `poll`.
pub(crate) fn commit_answered<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    offsets: &TopicPartitionList,
) -> KafkaResult<()> {
    // SAFETY: the client and the list are alive for as long as they are
    // borrowed; the list is copied by the call. The consumer's queue is a counted
    // reference that is given back. Without a callback the answer is an event on
    // that queue, where `poll` finds it.
    let error = unsafe {
        let client = consumer.client().native_ptr();
        let queue = sys::rd_kafka_queue_get_consumer(client);
        let error = sys::rd_kafka_commit_queue(client, offsets.ptr(), queue, None, ptr::null_mut());
        if !queue.is_null() {
            sys::rd_kafka_queue_destroy(queue);
        }
        error
    };
    match error {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::ConsumerCommit(error.into())),
    }
}

/// Commits and waits for the answer, at most for `timeout`: rdkafka's own
/// synchronous commit waits for as long as the client goes on trying. What the
/// broker said of each partition is in `offsets` then.
pub(crate) fn commit_within<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    offsets: &TopicPartitionList,
    timeout: Duration,
) -> KafkaResult<()> {
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: client and list are alive for as long as they are borrowed; the
    // list is copied by the call. The answer's list lives as long as the answer.
    // The queue and the event are made here, used by
    // nobody else, and destroyed here; a later answer finds a closed queue, which
    // librdkafka counts references to.
    let error = unsafe {
        let client = consumer.client().native_ptr();
        let queue = sys::rd_kafka_queue_new(client);
        let mut error =
            sys::rd_kafka_commit_queue(client, offsets.ptr(), queue, None, ptr::null_mut());
        if error == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let answer = sys::rd_kafka_queue_poll(queue, millis);
            error = if answer.is_null() {
                sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT
            } else {
                copy_errors(sys::rd_kafka_event_topic_partition_list(answer), offsets);
                sys::rd_kafka_event_error(answer)
            };
            sys::rd_kafka_event_destroy(answer);
        }
        sys::rd_kafka_queue_destroy(queue);
        error
    };
    match error {
        sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        error => Err(KafkaError::ConsumerCommit(error.into())),
    }
}

/// Copies each partition's error.
///
/// # Safety
/// `from` is null or a list that lives for the call.
unsafe fn copy_errors(from: *const sys::rd_kafka_topic_partition_list_t, to: &TopicPartitionList) {
    // SAFETY: the caller answers for `from`, whose `elems` are `cnt` elements.
    let Some(from) = (unsafe { from.as_ref() }) else {
        return;
    };
    for index in 0..usize::try_from(from.cnt).unwrap_or(0) {
        // SAFETY: as above. What is found is an element of `to`, which nobody
        // else has a pointer into: no element of it is borrowed here.
        unsafe {
            let element = &*from.elems.add(index);
            let found =
                sys::rd_kafka_topic_partition_list_find(to.ptr(), element.topic, element.partition);
            if let Some(found) = found.as_mut() {
                found.err = element.err;
            }
        }
    }
}

/// The metadata of a list's elements, in its order; `None` where it is no text.
/// rdkafka panics on metadata that is not UTF-8, which anybody may have
/// committed.
pub(crate) fn metadata(list: &TopicPartitionList) -> Vec<Option<&str>> {
    // SAFETY: the list lives as long as it is borrowed, and has `cnt` elements
    // behind `elems`, none of which is changed through a shared borrow. An
    // element's metadata is `metadata_size` bytes, or null.
    unsafe {
        let native = &*list.ptr();
        let count = usize::try_from(native.cnt).unwrap_or(0);
        (0..count)
            .map(|index| {
                let element = &*native.elems.add(index);
                let bytes = message::bytes(element.metadata.cast_const(), element.metadata_size);
                std::str::from_utf8(bytes.unwrap_or_default()).ok()
            })
            .collect()
    }
}

/// Sends the client to an offset of an assigned partition and waits until it
/// has taken note, which needs no broker.
pub(crate) fn seek<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> KafkaResult<()> {
    consumer.seek(topic, partition, Offset::Offset(offset), SEEK_TIMEOUT)
}

/// The client's own thread answers a seek; it is never busy for long.
const SEEK_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether assignments are incremental in the group this consumer is in.
pub(crate) fn is_cooperative<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> bool {
    matches!(
        consumer.rebalance_protocol(),
        RebalanceProtocol::Cooperative
    )
}
