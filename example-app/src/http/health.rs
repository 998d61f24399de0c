use axum::Json;
use axum::extract::State;
use kafka_integration::runner::{StatusHandle, Stopped};
use serde::Serialize;

use super::error::ApiError;
use crate::shop::Shop;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    database: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumers: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<StoppedMessage>,
}

/// A failed message that the brokers do not take in its retry or dead-letter
/// topic.
#[derive(Debug, Serialize)]
struct StoppedMessage {
    consumer: String,
    topic: String,
    partition: i32,
    offset: i64,
    target: String,
    reason: String,
}

/// `GET /health`: 200 when a request could be served, 503 when the database
/// does not answer.
///
/// Consumers that run in this process are shown. A message of theirs that
/// stands still makes the process `degraded`, and still is a 200: whoever
/// starts processes again on a 503 would help neither the message nor the
/// requests.
pub(super) async fn show(State(shop): State<Shop>) -> Result<Json<Health>, ApiError> {
    shop.database().check().await?;
    let stopped = shop.consumers().map(stopped);
    let is_ok = stopped.as_ref().is_none_or(Vec::is_empty);
    Ok(Json(Health {
        status: if is_ok { "ok" } else { "degraded" },
        database: "ok",
        consumers: stopped
            .as_ref()
            .map(|_| if is_ok { "ok" } else { "stopped" }),
        stopped: stopped.unwrap_or_default(),
    }))
}

fn stopped(consumers: &StatusHandle) -> Vec<StoppedMessage> {
    let mut all = Vec::new();
    for status in consumers.consumers() {
        let of_this = |message: Stopped| StoppedMessage {
            consumer: status.name.clone(),
            topic: message.topic,
            partition: message.partition,
            offset: message.offset,
            target: message.target,
            reason: message.reason,
        };
        all.extend(status.stopped.into_iter().map(of_this));
    }
    all
}
