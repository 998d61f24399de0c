use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka_sys as sys;

use super::message::{NativeMessage, Outstanding};

/// The queue's pointer, shared with those who may use it from elsewhere; `None`
/// once it is destroyed.
type Shared = Arc<Mutex<Option<QueuePtr>>>;

#[derive(Clone, Copy)]
struct QueuePtr(NonNull<sys::rd_kafka_queue_t>);

// SAFETY: librdkafka's queues are thread-safe; the pointer is only used while
// the mutex around it says it is alive.
unsafe impl Send for QueuePtr {}

/// A consumer together with a queue that its partitions are forwarded to.
///
/// Owns the consumer, because the order matters in which they end: first every
/// message, then the queue, then the client. A client whose messages are still
/// held somewhere (by a handler that never returns) is leaked rather than
/// destroyed under them.
pub(crate) struct FetchQueue<C: ConsumerContext> {
    consumer: ManuallyDrop<BaseConsumer<C>>,
    queue: QueuePtr,
    shared: Shared,
    outstanding: Outstanding,
    buffer: Vec<*mut sys::rd_kafka_message_t>,
}

/// Ends a waiting [`FetchQueue::fetch`] from any thread.
#[derive(Clone, Default)]
pub(crate) struct FetchWaker(Option<Shared>);

impl FetchWaker {
    /// Makes the present or the next fetch return early.
    pub(crate) fn wake(&self) {
        let Some(shared) = &self.0 else { return };
        if let Some(queue) = *shared.lock() {
            // SAFETY: alive, as the lock is held; yield may be called from any
            // thread.
            unsafe { sys::rd_kafka_queue_yield(queue.0.as_ptr()) };
        }
    }
}

impl<C: ConsumerContext> FetchQueue<C> {
    /// Takes a consumer that has not subscribed yet. `None` when librdkafka is
    /// out of memory.
    pub(crate) fn new(consumer: BaseConsumer<C>, batch: usize) -> Option<Self> {
        // SAFETY: the client is alive; the queue is destroyed before it.
        let queue = unsafe { sys::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = QueuePtr(NonNull::new(queue)?);
        Some(Self {
            consumer: ManuallyDrop::new(consumer),
            queue,
            shared: Arc::new(Mutex::new(Some(queue))),
            outstanding: Box::leak(Box::new(AtomicUsize::new(0))),
            buffer: vec![ptr::null_mut(); batch.max(1)],
        })
    }

    pub(crate) fn consumer(&self) -> &BaseConsumer<C> {
        &self.consumer
    }

    pub(crate) fn waker(&self) -> FetchWaker {
        FetchWaker(Some(Arc::clone(&self.shared)))
    }

    /// Waits up to `timeout` for a message, then takes what is there, at most
    /// `limit` and at most a batch, into `messages`.
    ///
    /// Never call it on the consumer's own queue: rebalance events would be
    /// dropped there.
    pub(crate) fn fetch(
        &mut self,
        timeout: Duration,
        limit: usize,
        messages: &mut Vec<NativeMessage>,
    ) {
        let limit = limit.min(self.buffer.len());
        if limit == 0 {
            return;
        }
        // The batch call waits until the batch is full or the time is over. So
        // wait for one message, and take the others without waiting.
        let first = self.fill(0, 1, timeout);
        let total = match first {
            0 => 0,
            _ => 1 + self.fill(1, limit, Duration::ZERO),
        };
        self.outstanding.fetch_add(total, Ordering::Relaxed);
        messages.extend(self.buffer[..total].iter().filter_map(|message| {
            let message = NonNull::new(*message)?;
            // SAFETY: just received from this client, counted above, and in
            // nobody else's hands.
            Some(unsafe { NativeMessage::new(message, self.outstanding) })
        }));
    }

    /// Fills the buffer from `start` to before `end`; returns how many came.
    fn fill(&mut self, start: usize, end: usize, timeout: Duration) -> usize {
        let room = &mut self.buffer[start..end];
        if room.is_empty() {
            return 0;
        }
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is alive as long as `self`; `room` has as many
        // places as the call is told.
        let count = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.queue.0.as_ptr(),
                millis,
                room.as_mut_ptr(),
                room.len(),
            )
        };
        usize::try_from(count).unwrap_or(0)
    }
}

/// Forwards a partition's messages to the queue behind `waker`. librdkafka
/// respects it when it starts fetching the partition, so it belongs before
/// `assign`, inside the rebalance callback.
pub(crate) fn forward_to<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    waker: &FetchWaker,
    topic: &str,
    partition: i32,
) -> bool {
    let (Some(shared), Ok(topic)) = (&waker.0, CString::new(topic)) else {
        return false;
    };
    let Some(queue) = *shared.lock() else {
        return false;
    };
    // SAFETY: the client is alive while borrowed; our queue lives at least until
    // the poll thread, which is this one, destroys it. The partition's queue is a
    // counted reference that is given back.
    unsafe {
        let source = sys::rd_kafka_queue_get_partition(
            consumer.client().native_ptr(),
            topic.as_ptr(),
            partition,
        );
        if source.is_null() {
            return false;
        }
        sys::rd_kafka_queue_forward(source, queue.0.as_ptr());
        sys::rd_kafka_queue_destroy(source);
    }
    true
}

impl<C: ConsumerContext> Drop for FetchQueue<C> {
    fn drop(&mut self) {
        self.shared.lock().take();
        let held = self.outstanding.load(Ordering::Acquire);
        if held > 0 {
            tracing::error!(
                held,
                "a consumer ended while handlers still hold messages; its client is left behind \
                 so that they stay valid. A handler did not return within the shutdown timeout."
            );
            return;
        }
        // SAFETY: no message is alive, nobody else has the pointer any more, and
        // the client goes after its queue.
        unsafe {
            sys::rd_kafka_queue_destroy(self.queue.0.as_ptr());
            ManuallyDrop::drop(&mut self.consumer);
        }
    }
}
