use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::message::{Headers, Timestamp};

/// A serialized record on its way to the producer.
///
/// [`Topic::before_produce`](crate::topic::Topic::before_produce) sees one of
/// every record; [`Producer::send_outgoing`](super::Producer::send_outgoing)
/// and [`OutgoingPipeline`](super::OutgoingPipeline) take it for any topic,
/// declared or not.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// The key's bytes; `None` is no key.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers.
    pub headers: Headers,
    /// The partition; `None` lets the partitioner choose.
    pub partition: Option<i32>,
    /// The timestamp; `None` is now, and so is the first millisecond of 1970.
    pub timestamp: Option<Timestamp>,
}

impl Outgoing {
    /// Bytes of key and value, which is what the client's limits count.
    pub(crate) fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.payload.as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn to_client<'a>(
        &'a self,
        topic: &'a str,
        opaque: usize,
    ) -> BaseRecord<'a, [u8], [u8], usize> {
        BaseRecord {
            topic,
            partition: self.partition,
            payload: self.payload.as_deref(),
            key: self.key.as_deref(),
            timestamp: self.timestamp.map(Timestamp::as_millis),
            headers: client_headers(&self.headers),
            delivery_opaque: opaque,
        }
    }
}

fn client_headers(headers: &Headers) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let start = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(start, |all, header| {
        all.insert(Header {
            key: &header.name,
            value: header.value.as_deref(),
        })
    }))
}
