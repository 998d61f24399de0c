use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::SystemTime;

use crate::admin::{AdminError, Cluster, Place};
use crate::message::Timestamp;

/// Numbers from here on are times: milliseconds since September 2001. No
/// partition has as many messages.
const FIRST_TIME: i64 = 1_000_000_000_000;

/// Where in each partition to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    End,
    Offset(i64),
    /// So many before the end.
    Last(i64),
    Time(Timestamp),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "beginning" | "earliest" => return Ok(Self::Beginning),
            "end" | "latest" => return Ok(Self::End),
            _ => {}
        }
        if let Ok(number) = text.parse::<i64>() {
            return Ok(match number {
                ..0 => Self::Last(number.saturating_neg()),
                0..FIRST_TIME => Self::Offset(number),
                millis => Self::Time(Timestamp::from_millis(millis)),
            });
        }
        if let Ok(time) = text.parse() {
            return Ok(Self::Time(time));
        }
        let digits = text.replace(|c: char| c.is_ascii_digit(), "0");
        if matches!(digits.as_str(), "0000-00-00" | "0000-00-00T00:00:00") {
            let day = &text[.."0000-00-00".len()];
            return Err(format!(
                "a time needs its zone, and a date its time: {day}T00:00:00Z or {day}T00:00:00+01:00"
            ));
        }
        let ago = text.strip_suffix("ago").unwrap_or(text).trim();
        if let Some(time) = humantime::parse_duration(ago)
            .ok()
            .and_then(|ago| SystemTime::now().checked_sub(ago))
        {
            return Ok(Self::Time(time.into()));
        }
        Err(
            "give `beginning`, `end`, an offset (1500), a count before the end (-10), \
             a time (2026-01-31T08:00:00Z, milliseconds) or how long ago (10min)"
                .to_owned(),
        )
    }
}

impl Start {
    /// The offset in each partition, always one between its beginning and end:
    /// outside of them the client would start somewhere by its own rules.
    pub(super) async fn resolve(
        self,
        cluster: &Cluster,
        topic: &str,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>, AdminError> {
        let at = async |place| cluster.offsets(topic, partitions, place).await;
        match self {
            Self::Beginning => at(Place::Beginning).await,
            Self::End => at(Place::End).await,
            Self::Time(time) => at(Place::Time(time)).await,
            Self::Offset(offset) => {
                let spans = spans(at(Place::Beginning).await?, at(Place::End).await?);
                let clamped =
                    spans.map(|(partition, begin, end)| (partition, offset.clamp(begin, end)));
                Ok(clamped.collect())
            }
            Self::Last(count) => {
                let spans = spans(at(Place::Beginning).await?, at(Place::End).await?);
                let back = spans.map(|(partition, begin, end)| {
                    (partition, end.saturating_sub(count).max(begin))
                });
                Ok(back.collect())
            }
        }
    }
}

/// Beginning and end of each partition that has both.
fn spans(
    beginnings: BTreeMap<i32, i64>,
    ends: BTreeMap<i32, i64>,
) -> impl Iterator<Item = (i32, i64, i64)> {
    beginnings
        .into_iter()
        .filter_map(move |(partition, begin)| {
            let end = *ends.get(&partition)?;
            Some((partition, begin, end.max(begin)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_an_offset_or_a_time() {
        let parse = |text: &str| text.parse::<Start>();
        assert_eq!(parse("beginning"), Ok(Start::Beginning));
        assert_eq!(parse("end"), Ok(Start::End));
        assert_eq!(parse("0"), Ok(Start::Offset(0)));
        assert_eq!(parse("-10"), Ok(Start::Last(10)));
        let time = Timestamp::from_millis(1_769_846_400_000);
        assert_eq!(parse("1769846400000"), Ok(Start::Time(time)));
        assert_eq!(parse("2026-01-31T08:00:00Z"), Ok(Start::Time(time)));
        let refused = parse("2026-11-21").expect_err("which hour, and where?");
        assert!(refused.contains("2026-11-21T00:00:00Z"), "{refused}");
        assert!(parse("soon").is_err_and(|error| error.contains("10min")));
    }

    #[test]
    fn a_duration_is_a_time_ago() {
        for text in ["1h", "60min ago"] {
            let Ok(Start::Time(time)) = text.parse() else {
                panic!("{text} is a time");
            };
            let ago = Timestamp::now().as_millis() - time.as_millis();
            assert!((3_600_000..3_660_000).contains(&ago), "{ago}");
        }
    }
}
