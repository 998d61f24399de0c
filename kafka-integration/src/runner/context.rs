use crate::kafka::{Kafka, MissingState};

/// What a consume hook can ask beside its message.
pub struct Context {
    pub(crate) kafka: Kafka,
    pub(crate) attempt: u32,
}

impl Context {
    /// The application's state of that type.
    ///
    /// # Errors
    /// When none was given to [`Kafka::builder`](crate::Kafka::builder).
    pub fn state<S: Send + Sync + 'static>(&self) -> Result<&S, MissingState> {
        self.kafka.state()
    }

    /// The handle the consumers run under.
    pub fn kafka(&self) -> &Kafka {
        &self.kafka
    }

    /// Which attempt at this message this is, from 1, in this process.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}
