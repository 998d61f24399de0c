use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rdkafka::types::RDKafkaErrorCode;
use rdkafka_sys as sys;

use super::headers::{self, LazyHeaders};
use crate::message::{Headers, Timestamp};

/// How many messages of one client are alive. It is never freed, so that a
/// message needs no reference count of its own: 8 bytes for each start of a
/// consumer.
pub(super) type Outstanding = &'static AtomicUsize;

/// A fetched message, in librdkafka's memory until dropped.
///
/// It keeps the buffer of its whole fetch response alive: what waits long is
/// copied instead.
pub(crate) struct NativeMessage {
    message: NonNull<sys::rd_kafka_message_t>,
    outstanding: Outstanding,
    /// Once somebody was given them.
    headers: Option<Arc<LazyHeaders>>,
}

// SAFETY: a message is an immutable struct with buffers that no other thread
// writes; `rd_kafka_message_destroy` may be called from any thread, its reference
// counts are atomic.
unsafe impl Send for NativeMessage {}
// SAFETY: as above; everything reachable by `&self` only reads, but for
// the headers, which are parsed under a lock of their own.
unsafe impl Sync for NativeMessage {}

impl NativeMessage {
    /// # Safety
    /// `message` came from a consume call of the client whose `outstanding` this
    /// is, was counted there, and is given to nobody else.
    pub(super) unsafe fn new(
        message: NonNull<sys::rd_kafka_message_t>,
        outstanding: Outstanding,
    ) -> Self {
        Self {
            message,
            outstanding,
            headers: None,
        }
    }

    fn raw(&self) -> &sys::rd_kafka_message_t {
        // SAFETY: valid until `drop`, by the contract of `new`.
        unsafe { self.message.as_ref() }
    }

    /// The error this stands for, when it is none of a message.
    pub(crate) fn error(&self) -> Option<RDKafkaErrorCode> {
        let code = self.raw().err;
        (code != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then(|| code.into())
    }

    /// The topic's name; empty for an error that concerns no topic.
    pub(crate) fn topic(&self) -> &str {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return "";
        }
        // SAFETY: the message holds a reference to its topic, whose name is a C
        // string that lives as long.
        let name = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) };
        name.to_str().unwrap_or("")
    }

    /// Whether both are of the same partition, without comparing names.
    pub(crate) fn same_partition(&self, other: &Self) -> bool {
        let (a, b) = (self.raw(), other.raw());
        ptr::eq(a.rkt, b.rkt) && a.partition == b.partition
    }

    pub(crate) fn partition(&self) -> i32 {
        self.raw().partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.raw().offset
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: librdkafka gives pointer and length of a buffer that lives as
        // long as the message.
        unsafe { bytes(raw.key, raw.key_len) }
    }

    pub(crate) fn payload(&self) -> Option<&[u8]> {
        let raw = self.raw();
        // SAFETY: as in `key`.
        unsafe { bytes(raw.payload, raw.len) }
    }

    pub(crate) fn timestamp(&self) -> Option<Timestamp> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is valid and `kind` is live for the call.
        let millis =
            unsafe { sys::rd_kafka_message_timestamp(self.message.as_ptr(), &raw mut kind) };
        let known = kind != sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (known && millis >= 0).then(|| Timestamp::from_millis(millis))
    }

    /// The headers, parsed when they are first looked at.
    pub(crate) fn headers(&mut self) -> Headers {
        let headers = self.headers.get_or_insert_with(|| {
            // SAFETY: the message is valid until `drop`, which detaches; headers
            // are only parsed through this value from here on.
            unsafe { LazyHeaders::of(self.message) }
        });
        Headers::lazy(Arc::clone(headers))
    }

    /// The headers, copied.
    pub(crate) fn copied_headers(&mut self) -> Headers {
        let list = match &self.headers {
            Some(headers) => headers.list().to_vec(),
            // SAFETY: the message is valid, this is the only access to it, and
            // nobody was given its headers.
            None => unsafe { headers::parse(self.message) },
        };
        list.into_iter().collect()
    }
}

/// # Safety
/// A non-null `data` points to `length` bytes that live for `'a`.
pub(super) unsafe fn bytes<'a>(data: *const std::ffi::c_void, length: usize) -> Option<&'a [u8]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: the caller's contract.
    Some(unsafe { slice::from_raw_parts(data.cast::<u8>(), length) })
}

impl Drop for NativeMessage {
    fn drop(&mut self) {
        if let Some(headers) = self.headers.take() {
            LazyHeaders::detach(headers);
        }
        // SAFETY: nobody else has this message; its client is alive, because it
        // is only destroyed once `outstanding` is zero.
        unsafe { sys::rd_kafka_message_destroy(self.message.as_ptr()) };
        self.outstanding.fetch_sub(1, Ordering::Release);
    }
}
