//! A topic may be generic, its codec and name any type and expression.
use std::marker::PhantomData;

use kafka_integration::codec::{Codec, CodecContext, CodecError, Presence};
use kafka_integration::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

struct Pair<A, B>(PhantomData<(A, B)>);

impl<A, B> Default for Pair<A, B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<V, A: Send + Sync + 'static, B: Send + Sync + 'static> Codec<V> for Pair<A, B> {
    fn encode(&self, _: &V, _: &mut Vec<u8>, _: &CodecContext<'_>) -> Result<Presence, CodecError> {
        Ok(Presence::Tombstone)
    }

    fn decode(&self, _: Option<&[u8]>, _: &CodecContext<'_>) -> Result<V, CodecError> {
        Err(CodecError::tombstone())
    }
}

struct Changes<V> {
    table: &'static str,
    of: PhantomData<V>,
}

#[topic(name = self.table, codec = Pair<u8, Vec<u8>>)]
impl<V> Topic for Changes<V>
where
    V: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Key = JsonKey<(u32, String)>;
    type Value = OrTombstone<V>;

    async fn consume(&self, message: Message<Self>, _: &Context) -> Result<(), ConsumeError> {
        let _: Option<V> = message.into_value().into_value();
        Ok(())
    }
}

#[consumer(
    group_id = "sync",
    topics(
        Changes::<u8> { table: "bytes", of: PhantomData },
        Changes::<String> { table: "texts", of: PhantomData },
    ),
)]
struct Synced;

fn main() {
    let names: Vec<_> = Synced::spec().topics.iter().map(|t| t.name().to_owned()).collect();
    assert_eq!(names, ["bytes", "texts"]);
}
