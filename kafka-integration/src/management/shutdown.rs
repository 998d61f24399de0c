use super::CommandError;
use super::console::Console;
use super::signals::StopSignal;

/// The end of the process as the commands see it, for an application's own: a
/// future that is ready with the first SIGINT or SIGTERM (without Unix, with
/// Ctrl-C). The second one ends the process at once, with exit code 130 or 143,
/// whatever is in flight. Both are told on standard error.
///
/// It listens from the call on, not from the first poll; call it once, before
/// anything that must not be cut off.
///
/// ```no_run
/// # use kafka_integration::management;
/// # use kafka_integration::prelude::*;
/// # async fn example(kafka: Kafka) -> Result<(), Box<dyn std::error::Error>> {
/// let stop = management::shutdown_signal()?;
/// Runner::new(kafka, Registry::linked()).run(stop).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the system refuses to give the signals.
///
/// # Panics
/// Outside a tokio runtime.
pub fn shutdown_signal() -> Result<impl Future<Output = ()> + Send + 'static, CommandError> {
    let notice = "stopping; a second signal stops at once";
    let mut stop = StopSignal::listen(Console::default(), Some(notice))?;
    Ok(async move {
        stop.wait().await;
    })
}
