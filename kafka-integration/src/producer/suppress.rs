use std::collections::BTreeSet;
use std::future::Future;

tokio::task_local! {
    static SUPPRESSED: Suppression;
}

/// Which topics are not produced to while a piece of code runs.
///
/// A suppressed record is neither serialized nor sent: the call succeeds with a
/// [`Delivery`](super::Delivery) that [`is_suppressed`](super::Delivery::is_suppressed).
/// Scopes nest and add up; [`Suppression::none`] takes all of it back for its
/// own scope.
///
/// The scope belongs to the task: what `tokio::spawn` starts inside it, or
/// `spawn_blocking` runs, is not suppressed. Give such a task a scope of its
/// own.
///
/// ```
/// use kafka_integration::producer::Suppression;
///
/// # async fn import() {}
/// # async fn example() {
/// // Nothing at all is produced while the import runs.
/// Suppression::all().scope(import()).await;
///
/// // The same for one topic.
/// Suppression::topics(["orders"]).scope(import()).await;
///
/// // In code that is not async.
/// Suppression::all().in_scope(|| { /* … */ });
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "nothing is suppressed until `scope` or `in_scope` is called"]
pub struct Suppression {
    all: bool,
    topics: BTreeSet<String>,
    // Whether the scopes around this one still count.
    inherits: bool,
}

impl Suppression {
    /// Suppresses every topic.
    pub fn all() -> Self {
        Self {
            all: true,
            ..Self::topics::<String>([])
        }
    }

    /// Suppresses the topics of those names.
    pub fn topics<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self {
            all: false,
            topics: names.into_iter().map(Into::into).collect(),
            inherits: true,
        }
    }

    /// Suppresses nothing, and lifts what the scopes around it suppress.
    pub fn none() -> Self {
        Self::default()
    }

    /// Runs a future under it.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        SUPPRESSED.scope(self.within_current(), future).await
    }

    /// Runs a closure under it.
    pub fn in_scope<R>(self, work: impl FnOnce() -> R) -> R {
        SUPPRESSED.sync_scope(self.within_current(), work)
    }

    fn within_current(mut self) -> Self {
        if self.inherits {
            let _ = SUPPRESSED.try_with(|outer| {
                self.all |= outer.all;
                self.topics.extend(outer.topics.iter().cloned());
            });
        }
        self
    }
}

/// Runs a future with nothing produced: [`Suppression::all`]`().scope(future)`.
pub async fn suppress<F: Future>(future: F) -> F::Output {
    Suppression::all().scope(future).await
}

/// Runs a future as if no suppression were around it:
/// [`Suppression::none`]`().scope(future)`.
pub async fn unsuppressed<F: Future>(future: F) -> F::Output {
    Suppression::none().scope(future).await
}

pub(crate) fn is_suppressed(topic: &str) -> bool {
    SUPPRESSED
        .try_with(|scope| scope.all || scope.topics.contains(topic))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn scopes_add_up_and_end() {
        assert!(!is_suppressed("orders"));
        Suppression::topics(["orders"])
            .scope(async {
                assert!(is_suppressed("orders") && !is_suppressed("payments"));
                Suppression::topics(["payments"])
                    .scope(async {
                        assert!(is_suppressed("orders") && is_suppressed("payments"));
                        unsuppressed(async { assert!(!is_suppressed("orders")) }).await;
                        suppress(async { assert!(is_suppressed("anything")) }).await;
                    })
                    .await;
                assert!(!is_suppressed("payments"));
            })
            .await;
        assert!(!is_suppressed("orders"));
    }

    #[test]
    fn works_without_a_runtime() {
        Suppression::all().in_scope(|| {
            assert!(is_suppressed("orders"));
            Suppression::none().in_scope(|| assert!(!is_suppressed("orders")));
        });
        assert!(!is_suppressed("orders"));
    }

    #[tokio::test]
    async fn a_future_is_judged_where_it_is_polled() {
        let outer = Suppression::topics(["a"]).scope(async {
            let inner = Suppression::topics(["b"]).scope(async {
                tokio::task::yield_now().await;
                assert!(is_suppressed("a") && is_suppressed("b"));
            });
            inner.await;
        });
        tokio::join!(outer, async {
            tokio::task::yield_now().await;
            assert!(!is_suppressed("a"));
        });
    }
}
