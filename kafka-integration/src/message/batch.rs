use std::fmt;

use super::{Message, Timestamp};
use crate::retry::Original;
use crate::runner::Past;
use crate::topic::Topic;

#[doc = include_str!("../docs/batches.md")]
pub struct Batch<T: Topic> {
    messages: Vec<Message<T>>,
    tried: Vec<Tried>,
}

/// How often a message was tried, this time included, and what is known of the
/// times before.
pub(crate) type Tried = (u32, Option<Box<Past>>);

impl<T: Topic> Batch<T> {
    /// Both are of the same messages.
    pub(crate) fn new(messages: Vec<Message<T>>, tried: Vec<Tried>) -> Self {
        debug_assert_eq!(messages.len(), tried.len());
        Self { messages, tried }
    }

    /// A batch made by hand, to call a consume hook without a broker: each
    /// message in its first attempt.
    pub fn for_test(messages: impl IntoIterator<Item = Message<T>>) -> Self {
        let messages: Vec<_> = messages.into_iter().collect();
        let tried = messages.iter().map(|_| (1, None)).collect();
        Self { messages, tried }
    }

    /// How many messages it has; the runner gives no empty batch.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether it has none, which only a batch made by hand can be.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The message at that index, from 0.
    pub fn get(&self, index: usize) -> Option<&Message<T>> {
        self.messages.get(index)
    }

    /// The messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Message<T>> {
        self.messages.iter()
    }

    /// Which attempt at the message at that index this is, from 1; `None` when
    /// there is no such message. The messages of a batch may have been tried
    /// differently often.
    pub fn attempt(&self, index: usize) -> Option<u32> {
        self.tried.get(index).map(|(attempt, _)| *attempt)
    }

    /// When the first attempt at the message at that index failed; `None` in its
    /// first attempt.
    pub fn first_failure(&self, index: usize) -> Option<Timestamp> {
        let (_, past) = self.tried.get(index)?;
        past.as_deref().map(|past| past.first_failure)
    }

    /// Where the message at that index was first consumed: in a retry topic, its
    /// coordinates in the topic it came from; otherwise its own. `None` when
    /// there is no such message.
    pub fn original(&self, index: usize) -> Option<Original> {
        let ((_, past), message) = (self.tried.get(index)?, self.messages.get(index)?);
        let moved = past.as_deref().and_then(|past| past.original.clone());
        Some(moved.unwrap_or_else(|| Original {
            topic: message.topic.to_string(),
            partition: message.partition,
            offset: message.offset,
            timestamp: message.timestamp,
        }))
    }

    /// Gives up the batch for its messages.
    pub fn into_messages(self) -> Vec<Message<T>> {
        self.messages
    }
}

impl<T: Topic> IntoIterator for Batch<T> {
    type Item = Message<T>;
    type IntoIter = std::vec::IntoIter<Message<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.messages.into_iter()
    }
}

impl<'a, T: Topic> IntoIterator for &'a Batch<T> {
    type Item = &'a Message<T>;
    type IntoIter = std::slice::Iter<'a, Message<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Topic> fmt::Debug for Batch<T>
where
    T::Key: fmt::Debug,
    T::Value: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.messages).finish()
    }
}
