//! rskafka. It has no groups, no transactions and no configs.

use std::{collections::BTreeMap, env, error::Error, process::exit, time::Instant};

use chrono::{DateTime, Duration, Utc};
use rskafka::{
    client::{
        Client, ClientBuilder,
        partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling},
    },
    record::Record,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Prints `step NAME SECONDS`, which run.sh reads; an error ends the program.
async fn step<T>(name: &str, body: impl Future<Output = Outcome<T>>) -> T {
    let start = Instant::now();
    let outcome = body.await;
    let seconds = start.elapsed().as_secs_f64();
    match outcome {
        Ok(value) => {
            println!("step {name} {seconds:.1}");
            value
        }
        Err(error) => {
            println!("step {name} FAILED after {seconds:.1} s");
            eprintln!("{error}");
            exit(1)
        }
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, wanted: T, what: &str) -> Outcome {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?} instead of {wanted:?}").into())
    }
}

fn record(i: usize, timestamp: DateTime<Utc>) -> Record {
    Record {
        key: Some(format!("k{}", i % 50).into_bytes()),
        value: Some(format!("value {i}").into_bytes()),
        headers: BTreeMap::from([("n".to_owned(), i.to_string().into_bytes())]),
        timestamp,
    }
}

/// Everything from the offset on.
async fn read(partition: &PartitionClient, mut offset: i64) -> Outcome<Vec<Record>> {
    let mut records = Vec::new();
    loop {
        let (batch, end) = partition.fetch_records(offset, 1..1_000_000, 1000).await?;
        let Some(last) = batch.last() else {
            return Ok(records);
        };
        offset = last.offset + 1;
        // The broker gives whole batches; rskafka leaves out what is before.
        records.extend(batch.into_iter().map(|r| r.record));
        if offset >= end {
            return Ok(records);
        }
    }
}

async fn topic(client: &Client, topic: &str) -> Outcome<PartitionClient> {
    let controller = client.controller_client()?;
    controller.create_topic(topic, 3, 1, 30_000).await?;
    equal(
        controller.create_topic(topic, 3, 1, 30_000).await.is_err(),
        true,
        "created twice",
    )?;
    // The handling says that it waits until the topic is there.
    let partition = client
        .partition_client(topic, 0, UnknownTopicHandling::Retry)
        .await?;
    let found = client
        .list_topics()
        .await?
        .into_iter()
        .find(|t| t.name == topic);
    equal(found.map(|t| t.partitions.len()), Some(3), "partitions")?;
    Ok(partition)
}

async fn produce(partition: &PartitionClient, start: DateTime<Utc>) -> Outcome {
    use Compression::*;
    for (n, codec) in [NoCompression, Gzip, Snappy, Lz4, Zstd]
        .into_iter()
        .enumerate()
    {
        let numbers = n * 200..(n + 1) * 200;
        let records = numbers
            .clone()
            .map(|i| record(i, start + Duration::seconds(i as i64)))
            .collect();
        let offsets = partition.produce(records, codec).await?;
        equal(offsets, numbers.map(|i| i as i64).collect(), "offsets")?;
    }
    Ok(())
}

async fn offsets(partition: &PartitionClient, start: DateTime<Utc>) -> Outcome {
    equal(
        partition.get_offset(OffsetAt::Earliest).await?,
        0,
        "first offset",
    )?;
    equal(partition.get_offset(OffsetAt::Latest).await?, 1000, "end")?;
    let at = start + Duration::milliseconds(4500);
    equal(
        partition.get_offset(OffsetAt::Timestamp(at)).await?,
        5,
        "offset at 4.5 s",
    )
}

#[tokio::main]
async fn main() -> Outcome {
    let (bootstrap, run) = (env::var("BOOTSTRAP")?, env::var("RUN")?);
    let name = format!("{run}-topic");
    // Kafka keeps milliseconds.
    let start = DateTime::from_timestamp_millis(Utc::now().timestamp_millis())
        .ok_or("the clock")?
        - Duration::hours(1);
    let client = step("connect", async {
        Ok(ClientBuilder::new(vec![bootstrap]).build().await?)
    })
    .await;
    let partition = step("topic", topic(&client, &name)).await;
    step("produce", produce(&partition, start)).await;
    step("consume", async {
        let wanted: Vec<_> = (0..1000)
            .map(|i| record(i, start + Duration::seconds(i as i64)))
            .collect();
        equal(read(&partition, 0).await?, wanted.clone(), "records")?;
        equal(
            read(&partition, 250).await?,
            wanted[250..].to_vec(),
            "records from the middle of a batch",
        )
    })
    .await;
    step("offsets", offsets(&partition, start)).await;
    step("delete-records", async {
        partition.delete_records(100, 30_000).await?;
        equal(
            partition.get_offset(OffsetAt::Earliest).await?,
            100,
            "first offset",
        )
    })
    .await;
    step("delete", async {
        client
            .controller_client()?
            .delete_topic(&name, 30_000)
            .await?;
        equal(
            client.list_topics().await?.iter().any(|t| t.name == name),
            false,
            "still listed",
        )
    })
    .await;
    Ok(())
}
