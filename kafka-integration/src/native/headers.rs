//! Headers that are parsed when somebody looks at them. Most handlers never do,
//! and librdkafka allocates a reader for each message it parses them of, even
//! when there are none.

use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use rdkafka_sys as sys;

use super::message::bytes;
use crate::message::Header;

/// The headers of a message, which may outlive it: what was not looked at
/// by then is parsed when the message goes.
#[derive(Debug)]
pub(crate) struct LazyHeaders {
    parsed: OnceLock<Vec<Header>>,
    /// `None` once the message is gone.
    message: Mutex<Option<MessagePtr>>,
}

#[derive(Debug)]
struct MessagePtr(NonNull<sys::rd_kafka_message_t>);

// SAFETY: it is only used under the mutex around it, while the message is alive.
unsafe impl Send for MessagePtr {}

impl LazyHeaders {
    /// # Safety
    /// The message is valid until [`detach`](Self::detach) or until the last
    /// reference is dropped, and nobody else parses its headers meanwhile.
    pub(super) unsafe fn of(message: NonNull<sys::rd_kafka_message_t>) -> Arc<Self> {
        Arc::new(Self {
            parsed: OnceLock::new(),
            message: Mutex::new(Some(MessagePtr(message))),
        })
    }

    /// The headers, in order.
    pub(crate) fn list(&self) -> &[Header] {
        self.parsed.get_or_init(|| {
            let message = self.message.lock();
            // SAFETY: valid while it is there, by the contract of `of`; the lock
            // is held, so it does not go meanwhile.
            message
                .as_ref()
                .map_or_else(Vec::new, |message| unsafe { parse(message.0) })
        })
    }

    /// The message is about to go.
    pub(super) fn detach(mut this: Arc<Self>) {
        // Nearly always the handler has dropped its share.
        if Arc::get_mut(&mut this).is_none() {
            this.list();
            this.message.lock().take();
        }
    }
}

/// The headers, copied.
///
/// # Safety
/// The message is valid, and nobody else parses its headers at the same time:
/// librdkafka does it on first use, into the message.
pub(super) unsafe fn parse(message: NonNull<sys::rd_kafka_message_t>) -> Vec<Header> {
    let mut headers = ptr::null_mut();
    // SAFETY: by the contract; the result stays owned by the message.
    let result = unsafe { sys::rd_kafka_message_headers(message.as_ptr(), &raw mut headers) };
    if result != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR || headers.is_null() {
        return Vec::new();
    }
    let mut copied = Vec::new();
    for index in 0.. {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: `headers` is the message's own list, the out-pointers are
        // live; past the last index the call returns an error.
        let header = unsafe {
            let result = sys::rd_kafka_header_get_all(
                headers,
                index,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if result != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                break;
            }
            Header {
                name: CStr::from_ptr(name).to_string_lossy().into_owned(),
                value: bytes(value, size).map(Bytes::copy_from_slice),
            }
        };
        copied.push(header);
    }
    copied
}

#[cfg(all(test, feature = "embedded-broker"))]
mod tests {
    use std::time::{Duration, Instant};

    use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
    use rdkafka::message::{Header as Sent, OwnedHeaders};
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    use rdkafka::{ClientConfig, Offset, TopicPartitionList};

    use crate::embedded::EmbeddedBroker;
    use crate::message::Headers;
    use crate::native::{FetchQueue, NativeMessage, forward_to};

    fn produce(broker: &EmbeddedBroker, messages: &[Option<OwnedHeaders>]) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap_servers())
            .create()
            .expect("a producer");
        for headers in messages {
            let mut record = BaseRecord::<(), str>::to("headers")
                .payload("value")
                .partition(0);
            record.headers = headers.clone();
            assert!(producer.send(record).is_ok(), "it is queued");
        }
        producer
            .flush(Duration::from_secs(30))
            .expect("they are delivered");
    }

    fn fetch(
        broker: &EmbeddedBroker,
        count: usize,
    ) -> (FetchQueue<DefaultConsumerContext>, Vec<NativeMessage>) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap_servers())
            .set("group.id", "headers")
            .create()
            .expect("a consumer");
        let mut queue = FetchQueue::new(consumer, 16).expect("memory");
        assert!(forward_to(queue.consumer(), &queue.waker(), "headers", 0));
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("headers", 0, Offset::Beginning)
            .expect("an offset");
        queue.consumer().assign(&list).expect("it is assigned");
        let mut messages = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        while messages.len() < count {
            assert!(Instant::now() < deadline, "the messages do not come");
            let _ = queue.consumer().poll(Duration::ZERO);
            queue.fetch(Duration::from_millis(100), 16, &mut messages);
            messages.retain(|message| message.error().is_none());
        }
        (queue, messages)
    }

    fn traces(headers: &Headers) -> Vec<(&str, Option<&[u8]>)> {
        headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_deref()))
            .collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn headers_outlive_their_message_whenever_they_are_looked_at() {
        let broker = EmbeddedBroker::builder().start().await.expect("a broker");
        let sent = || {
            let (value, none): (_, Option<&[u8]>) = (Some("a"), None);
            OwnedHeaders::new()
                .insert(Sent {
                    key: "trace",
                    value,
                })
                .insert(Sent {
                    key: "null",
                    value: none,
                })
        };
        produce(&broker, &[Some(sent()), Some(sent()), Some(sent()), None]);
        let expected = [("trace", Some(&b"a"[..])), ("null", None)];
        let (queue, mut messages) = fetch(&broker, 4);

        let before = messages[0].headers();
        assert_eq!(traces(&before), expected);
        let after = messages[1].headers();
        let also = messages[1].headers();
        let copied = messages[2].copied_headers();
        let none = messages[3].headers();
        messages.clear();
        assert_eq!(traces(&before), expected, "looked at before it went");
        assert_eq!(traces(&after), expected, "looked at after it went");
        assert_eq!(after, also);
        assert_eq!(traces(&copied), expected);
        assert!(none.is_empty());
        drop(queue);
        assert_eq!(traces(&after), expected, "the client is gone");
    }
}
