//! What running consumers are doing: one line on a terminal, records of the log
//! elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::console::Console;
use super::progress::ProgressLine;
use super::table::{or_dash, thousands};
use crate::runner::{ConsumerStatus, StatusHandle};

/// How often the line on a terminal changes.
const ON_TERMINAL: Duration = Duration::from_secs(1);

/// Shows the status until it is cancelled. `interval` is that of the log; zero
/// is no log.
pub(super) async fn show(status: StatusHandle, interval: Duration, console: Console) {
    if std::io::stderr().is_terminal() {
        on_terminal(status).await;
    } else if !interval.is_zero() {
        in_log(status, interval, console).await;
    }
}

async fn on_terminal(status: StatusHandle) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    let line = ProgressLine::show(bar);
    let mut rates = Rates::new();
    let mut ticks = tokio::time::interval(ON_TERMINAL);
    loop {
        ticks.tick().await;
        let consumers = status.consumers();
        let rates = rates.measure(&consumers);
        line.bar()
            .set_message(summary(&consumers, rates.iter().sum()));
        line.bar().tick();
    }
}

async fn in_log(status: StatusHandle, interval: Duration, console: Console) {
    let mut rates = Rates::new();
    let mut ticks = tokio::time::interval(interval);
    // The first tick is at once, before there is anything to tell.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let consumers = status.consumers();
        let rates = rates.measure(&consumers);
        for (consumer, rate) in consumers.iter().zip(rates) {
            log(consumer, rate, &console);
        }
    }
}

fn log(consumer: &ConsumerStatus, rate: f64, console: &Console) {
    // An application without a subscriber would stay silent for ever.
    if !tracing::dispatcher::has_been_set() {
        console.notice(plain(consumer, rate));
        return;
    }
    tracing::info!(
        consumer = consumer.name,
        group = consumer.group_id,
        rate = rate.round(),
        lag = consumer.lag,
        in_flight = consumer.in_flight,
        processed = consumer.processed,
        failed = consumer.failed,
        retried = consumer.retried,
        dead = consumer.dead,
        stopped = consumer.stopped.len(),
        partitions = consumer.partitions,
        restarts = consumer.restarts,
        "consuming"
    );
}

fn plain(consumer: &ConsumerStatus, rate: f64) -> String {
    format!(
        "consuming consumer={} group={} rate={:.0} lag={} in_flight={} processed={} failed={} \
         retried={} dead={} stopped={} partitions={} restarts={}",
        consumer.name,
        consumer.group_id,
        rate,
        or_dash(consumer.lag),
        consumer.in_flight,
        consumer.processed,
        consumer.failed,
        consumer.retried,
        consumer.dead,
        consumer.stopped.len(),
        consumer.partitions,
        consumer.restarts,
    )
}

/// All consumers on one line.
fn summary(consumers: &[ConsumerStatus], rate: f64) -> String {
    let sum = |of: fn(&ConsumerStatus) -> u64| consumers.iter().map(of).sum::<u64>();
    // A sum of which a part is unknown is unknown.
    let lag: Option<u64> = consumers.iter().map(|consumer| consumer.lag).sum();
    let mut line = format!(
        "{}: {}/s · lag {} · in flight {} · total {}",
        match consumers {
            [one] => one.name.clone(),
            many => format!("{} consumers", many.len()),
        },
        thousands(rate.round() as u64),
        or_dash(lag.map(thousands)),
        thousands(sum(|consumer| consumer.in_flight as u64)),
        thousands(sum(|consumer| consumer.processed)),
    );
    for (what, count) in [
        ("failed attempts", sum(|consumer| consumer.failed)),
        ("dead letters", sum(|consumer| consumer.dead)),
        ("stopped", sum(|consumer| consumer.stopped.len() as u64)),
        ("restarts", sum(|consumer| consumer.restarts)),
    ] {
        if count > 0 {
            line.push_str(&format!(" · {what} {}", thousands(count)));
        }
    }
    line
}

/// Messages per second since the last look.
struct Rates {
    processed: HashMap<String, u64>,
    measured: Instant,
}

impl Rates {
    fn new() -> Self {
        Self {
            processed: HashMap::new(),
            measured: Instant::now(),
        }
    }

    fn measure(&mut self, consumers: &[ConsumerStatus]) -> Vec<f64> {
        let elapsed = self.measured.elapsed();
        self.measured = Instant::now();
        self.over(elapsed, consumers)
    }

    fn over(&mut self, elapsed: Duration, consumers: &[ConsumerStatus]) -> Vec<f64> {
        let seconds = elapsed.as_secs_f64();
        let rate = |consumer: &ConsumerStatus| {
            let before = self
                .processed
                .insert(consumer.name.clone(), consumer.processed);
            let done = consumer.processed.saturating_sub(before.unwrap_or(0));
            if seconds > 0.0 {
                done as f64 / seconds
            } else {
                0.0
            }
        };
        consumers.iter().map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str, processed: u64, lag: Option<u64>) -> ConsumerStatus {
        ConsumerStatus {
            name: name.into(),
            processed,
            lag,
            ..ConsumerStatus::default()
        }
    }

    #[test]
    fn rates_are_per_consumer_and_since_the_last_look() {
        let mut rates = Rates::new();
        let two = Duration::from_secs(2);
        rates.over(two, &[consumer("a", 10, None), consumer("b", 0, None)]);
        let now = [consumer("a", 30, None), consumer("b", 4, None)];
        assert_eq!(rates.over(two, &now), [10.0, 2.0]);
    }

    #[test]
    fn the_line_sums_up_and_an_unknown_lag_is_unknown() {
        let known = [consumer("a", 1_000, Some(2_000)), consumer("b", 1, Some(1))];
        assert_eq!(
            summary(&known, 1234.4),
            "2 consumers: 1,234/s · lag 2,001 · in flight 0 · total 1,001"
        );
        let mut one = [consumer("Billing", 1, None)];
        one[0].failed = 3;
        assert_eq!(
            summary(&one, 0.0),
            "Billing: 0/s · lag - · in flight 0 · total 1 · failed attempts 3"
        );
    }
}
