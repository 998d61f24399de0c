use std::sync::Arc;

/// A record that was acknowledged (or suppressed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition; -1 when suppressed.
    pub partition: i32,
    /// The offset; -1 when suppressed. Also -1 when the application turned
    /// acknowledgements off (`acks=0`), for then nobody knows it.
    pub offset: i64,
}

impl Delivery {
    pub(crate) fn suppressed(topic: impl Into<Arc<str>>) -> Self {
        Self {
            topic: topic.into(),
            partition: -1,
            offset: -1,
        }
    }

    /// Whether the record was not sent at all, because it was produced under a
    /// [`Suppression`](super::Suppression).
    pub fn is_suppressed(&self) -> bool {
        self.partition < 0
    }
}
