use crate::topic::Consume;

/// A topic's consume hook, its types erased.
pub(crate) trait Handler: Send + Sync {
    fn topic_name(&self) -> &str;
    fn type_name(&self) -> &'static str;
}

pub(crate) struct TypedHandler<T> {
    topic: T,
}

impl<T: Consume> TypedHandler<T> {
    pub(crate) fn new(topic: T) -> Self {
        Self { topic }
    }
}

impl<T: Consume> Handler for TypedHandler<T> {
    fn topic_name(&self) -> &str {
        self.topic.name()
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}
