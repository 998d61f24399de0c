//! The event queue of a producer, served by our own loop.
//!
//! The client's own `poll` hands over one delivery report at a time, pays two
//! atomic reference counts and a vector for it, and only returns when its time
//! is over. Here an event is one call for all its reports, and control comes
//! back after the event was destroyed, which is the moment in which the
//! producer's queue has room again.
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::ffi::CStr;
use std::os::raw::c_char;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{IsError, KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka_sys as sys;

use crate::producer::Written;

/// What the broker, or the client itself, said about one record.
pub(crate) struct Report<'a>(&'a sys::rd_kafka_message_t);

impl<'a> Report<'a> {
    /// Of a message that came through the client's own `poll`.
    pub(crate) fn of(message: &'a BorrowedMessage<'_>) -> Self {
        // SAFETY: the pointer is valid as long as the message it comes from.
        Self(unsafe { &*message.ptr() })
    }

    pub(crate) fn opaque(&self) -> usize {
        self.0._private as usize
    }

    pub(crate) fn partition(&self) -> i32 {
        self.0.partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.0.offset
    }

    pub(crate) fn error(&self) -> Option<RDKafkaErrorCode> {
        self.0.err.is_error().then(|| self.0.err.into())
    }

    pub(crate) fn topic(&self) -> Cow<'a, str> {
        if self.0.rkt.is_null() {
            return Cow::Borrowed("");
        }
        // SAFETY: a message's topic outlives the message, and its name is a
        // C string.
        unsafe { text(sys::rd_kafka_topic_name(self.0.rkt)) }
    }

    pub(crate) fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the client guarantees `key_len` bytes behind a `key` that is
        // not null.
        (!self.0.key.is_null())
            .then(|| unsafe { std::slice::from_raw_parts(self.0.key.cast(), self.0.key_len) })
    }

    /// Bytes of key and value.
    pub(crate) fn size(&self) -> usize {
        self.0.key_len + self.0.len
    }

    pub(crate) fn written(&self) -> Written {
        // SAFETY: the message is a produced one and alive.
        match unsafe { sys::rd_kafka_message_status(self.0) } {
            sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Written::No,
            _ => Written::Maybe,
        }
    }
}

/// The reports of one event, in the order of the client.
pub(crate) struct Reports<'e>(&'e Event);

impl<'e> Iterator for Reports<'e> {
    type Item = Report<'e>;

    fn next(&mut self) -> Option<Report<'e>> {
        // SAFETY: the messages belong to the event and live as long as it.
        unsafe { sys::rd_kafka_event_message_next(self.0.0.as_ptr()).as_ref() }.map(Report)
    }
}

/// Who takes the delivery reports.
pub(crate) trait TakeReports: ProducerContext<DeliveryOpaque = usize> {
    /// All reports of one event.
    fn reports<'e>(&self, reports: impl Iterator<Item = Report<'e>>);

    /// An event is done and gone.
    fn served(&self);
}

/// One event, destroyed when dropped.
struct Event(NonNull<sys::rd_kafka_event_t>);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: this is the event's only owner.
        unsafe { sys::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// A producer and its event queue.
pub(crate) struct ProducerQueue<C: TakeReports + 'static> {
    // Declared first, so that it is gone before the client it belongs to.
    queue: Queue,
    producer: BaseProducer<C>,
}

struct Queue(NonNull<sys::rd_kafka_queue_t>);

// SAFETY: librdkafka's queues are made to be used by any thread.
unsafe impl Send for Queue {}
// SAFETY: the same.
unsafe impl Sync for Queue {}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: gives back the reference that `new` took.
        unsafe { sys::rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

impl<C: TakeReports + 'static> ProducerQueue<C> {
    /// Takes over the events of that producer. `None` when librdkafka has no
    /// queue to give.
    pub(crate) fn new(producer: BaseProducer<C>) -> Option<Self> {
        // SAFETY: the client is alive; the queue is given back before it.
        let queue = unsafe { sys::rd_kafka_queue_get_main(producer.client().native_ptr()) };
        Some(Self {
            queue: Queue(NonNull::new(queue)?),
            producer,
        })
    }

    pub(crate) fn producer(&self) -> &BaseProducer<C> {
        &self.producer
    }

    pub(crate) fn context(&self) -> &Arc<C> {
        self.producer.context()
    }

    /// Waits for an event and hands it over; false when none came in time or
    /// [`interrupt`](Self::interrupt) was called.
    pub(crate) fn serve(&self, timeout: Duration) -> bool {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive, and the event is owned from here on.
        let event = unsafe { sys::rd_kafka_queue_poll(self.queue.0.as_ptr(), millis) };
        let Some(event) = NonNull::new(event).map(Event) else {
            return false;
        };
        self.dispatch(&event);
        drop(event);
        self.context().served();
        true
    }

    /// Makes a waiting [`serve`](Self::serve) return.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the queue is alive.
        unsafe { sys::rd_kafka_queue_yield(self.queue.0.as_ptr()) }
    }

    /// Blocks until everything queued was reported, without waiting for
    /// batches to fill; false when the time is over first. Another thread has
    /// to [`serve`](Self::serve) meanwhile.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the client is alive.
        let result = unsafe { sys::rd_kafka_flush(self.producer.client().native_ptr(), millis) };
        !result.is_error()
    }

    /// Makes the client give up, as it does when it loses its sequence.
    #[cfg(test)]
    pub(crate) fn fail(&self, reason: &CStr) {
        let code = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        let client = self.producer.client().native_ptr();
        // SAFETY: the client is alive, and it copies the reason.
        unsafe { sys::rd_kafka_test_fatal_error(client, code, reason.as_ptr()) };
    }

    fn dispatch(&self, event: &Event) {
        let context = self.context();
        let raw = event.0.as_ptr();
        // SAFETY: each accessor is called on an event of its type, and what it
        // returns lives as long as the event.
        match unsafe { sys::rd_kafka_event_type(raw) } {
            sys::RD_KAFKA_EVENT_DR => context.reports(Reports(event)),
            sys::RD_KAFKA_EVENT_ERROR => {
                let code = unsafe { sys::rd_kafka_event_error(raw) };
                let reason = unsafe { text(sys::rd_kafka_event_error_string(raw)) };
                context.error(KafkaError::Global(code.into()), reason.trim());
            }
            sys::RD_KAFKA_EVENT_LOG => {
                let mut facility: *const c_char = std::ptr::null();
                let mut line: *const c_char = std::ptr::null();
                let mut level = 0;
                if unsafe { sys::rd_kafka_event_log(raw, &mut facility, &mut line, &mut level) }
                    == 0
                {
                    let (facility, line) = unsafe { (text(facility), text(line)) };
                    context.log(log_level(level), facility.trim(), line.trim());
                }
            }
            sys::RD_KAFKA_EVENT_STATS => {
                let stats = unsafe { text(sys::rd_kafka_event_stats(raw)) };
                context.stats_raw(stats.as_bytes());
            }
            other => tracing::debug!(event = other, "an event this producer does not know"),
        }
    }
}

/// # Safety
/// `pointer` is null or a C string that lives for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Cow<'a, str> {
    if pointer.is_null() {
        Cow::Borrowed("")
    } else {
        unsafe { CStr::from_ptr(pointer) }.to_string_lossy()
    }
}

/// syslog's levels, as librdkafka numbers them.
fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}
