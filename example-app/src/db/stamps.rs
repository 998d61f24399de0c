use diesel::prelude::*;
use kafka_integration::message::Timestamp;
use serde::Serialize;

use super::schema::stamps;
use super::{Database, DatabaseError, query};
use crate::time;
use crate::topics::StampCreated;

/// The most stamps that are shown at once.
const MOST_SHOWN: i64 = 1_000;

/// A stamp that was processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Stamp {
    pub(crate) object_cid: String,
    pub(crate) time_tolerance: i64,
    #[serde(with = "time::rfc3339")]
    pub(crate) created: Timestamp,
    #[serde(with = "time::rfc3339")]
    pub(crate) processed_at: Timestamp,
    pub(crate) batch_id: String,
}

#[derive(Insertable)]
#[diesel(table_name = stamps)]
struct NewStamp<'a> {
    stamp_id: &'a str,
    object_cid: &'a str,
    time_tolerance: i64,
    created: i64,
    processed_at: i64,
    batch_id: &'a str,
}

impl Database {
    /// Notes a batch of stamps, all or none.
    ///
    /// A stamp that was noted before stays as it is, in the batch that it was
    /// in then: a batch may come again in part, and with others. Those that are
    /// new make up a batch, named after the first of them.
    pub(crate) async fn process_stamps(
        &self,
        created: Vec<StampCreated>,
        processed_at: Timestamp,
    ) -> Result<(), DatabaseError> {
        query!(self, |connection| connection.transaction(|connection| {
            let mut batch_id = None;
            for stamp in &created {
                let inserted = diesel::insert_into(stamps::table)
                    .values(NewStamp {
                        stamp_id: &stamp.stamp_id,
                        object_cid: &stamp.object_cid,
                        time_tolerance: stamp.time_tolerance,
                        created: stamp.created.as_millis(),
                        processed_at: processed_at.as_millis(),
                        batch_id: batch_id.unwrap_or(&stamp.stamp_id),
                    })
                    .on_conflict(stamps::stamp_id)
                    .do_nothing()
                    .execute(connection)?;
                if inserted > 0 {
                    batch_id.get_or_insert(&stamp.stamp_id);
                }
            }
            Ok::<_, diesel::result::Error>(())
        }))
    }

    /// The stamps that were processed last, the latest first.
    pub(crate) async fn stamps(&self) -> Result<Vec<Stamp>, DatabaseError> {
        let rows: Vec<(String, i64, i64, i64, String)> = query!(self, |connection| stamps::table
            .select((
                stamps::object_cid,
                stamps::time_tolerance,
                stamps::created,
                stamps::processed_at,
                stamps::batch_id,
            ))
            .order((stamps::processed_at.desc(), stamps::created.desc()))
            .limit(MOST_SHOWN)
            .load(connection))?;
        let stamp = |(object_cid, time_tolerance, created, processed_at, batch_id)| Stamp {
            object_cid,
            time_tolerance,
            created: Timestamp::from_millis(created),
            processed_at: Timestamp::from_millis(processed_at),
            batch_id,
        };
        Ok(rows.into_iter().map(stamp).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DatabaseUrl;

    fn created(object_cid: &str) -> StampCreated {
        StampCreated {
            stamp_id: format!("stamp of {object_cid}"),
            object_cid: object_cid.to_owned(),
            time_tolerance: 10,
            created: Timestamp::from_millis(1_769_846_400_250),
        }
    }

    #[tokio::test]
    async fn a_stamp_stays_in_its_batch_however_often_it_is_delivered() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("shop.sqlite");
        let url = DatabaseUrl::Sqlite(path.to_str().expect("UTF-8").to_owned());
        let database = Database::open(url).await.expect("the database opens");
        database.migrate().await.expect("the migrations run");

        for (batch, second) in [(["1", "2"], 11), (["1", "2"], 12), (["2", "3"], 13)] {
            let time = Timestamp::from_millis(1_769_846_400_000 + second * 1_000);
            let done = database.process_stamps(batch.map(created).into(), time);
            done.await.expect("noted");
        }

        let stamps = database.stamps().await.expect("stamps");
        let seen = |stamp: &Stamp| (stamp.object_cid.clone(), stamp.batch_id.clone());
        let mut seen: Vec<_> = stamps.iter().map(seen).collect();
        seen.sort();
        let expected = [("1", "1"), ("2", "1"), ("3", "3")];
        let expected = expected.map(|(cid, first)| (cid.to_owned(), format!("stamp of {first}")));
        assert_eq!(seen, expected);
        assert_eq!(
            serde_json::to_value(&stamps[0]).expect("JSON"),
            serde_json::json!({
                "object_cid": "3",
                "time_tolerance": 10,
                "created": "2026-01-31T08:00:00.250Z",
                "processed_at": "2026-01-31T08:00:13.000Z",
                "batch_id": "stamp of 3",
            })
        );
    }
}
