use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a phase cost for each message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cost {
    /// Messages a second.
    pub rate: f64,
    /// User and system time for each message, in microseconds.
    pub cpu_micros: f64,
}

impl Cost {
    /// Of so many messages.
    pub fn of(messages: u64, elapsed: Duration, cpu: Duration) -> Self {
        Self {
            rate: messages as f64 / elapsed.as_secs_f64(),
            cpu_micros: cpu.as_secs_f64() * 1e6 / messages as f64,
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>9.0} messages/s  {:.3} µs CPU per message",
            self.rate, self.cpu_micros
        )
    }
}

/// In rising order.
pub fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The middle of sorted values; the upper one of two.
pub fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Prints a row for each way, with the CPU as a multiple of the first one's.
pub fn report(ways: &[(&str, Vec<Cost>)]) {
    println!(
        "\n{:<17} {:>11} {:>17} {:>17}",
        "", "messages/s", "CPU µs min/median", "ratio min/median"
    );
    let cpu = |costs: &[Cost]| sorted(costs.iter().map(|cost| cost.cpu_micros));
    let Some(base) = ways.first().map(|(_, costs)| cpu(costs)) else {
        return;
    };
    for (way, costs) in ways {
        let rate = sorted(costs.iter().map(|cost| cost.rate));
        let cpu = cpu(costs);
        println!(
            "{way:<17} {:>11.0} {:>9.3} / {:.3} {:>10.2} / {:.2}",
            median(&rate),
            cpu[0],
            median(&cpu),
            cpu[0] / base[0],
            median(&cpu) / median(&base),
        );
    }
}
