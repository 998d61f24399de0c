//! One broker per data directory, and how others find it.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Duration;

use kafka_integration_broker::{EmbeddedBroker, StartError};

async fn start(directory: &Path) -> Result<EmbeddedBroker, StartError> {
    EmbeddedBroker::builder().data_dir(directory).start().await
}

fn announced(directory: &Path) -> Option<String> {
    std::fs::read_to_string(directory.join("broker.address")).ok()
}

#[tokio::test]
async fn the_directory_says_where_its_broker_listens_while_it_runs() {
    let directory = tempfile::tempdir().unwrap();
    let broker = start(directory.path()).await.unwrap();
    let address = broker.bootstrap_servers();
    assert_eq!(
        announced(directory.path()).as_deref(),
        Some(&*format!("{address}\n"))
    );
    let second = start(directory.path()).await.unwrap_err();
    assert!(second.to_string().contains(&address), "{second}");
    let StartError::InUse {
        directory: used,
        address: found,
    } = second
    else {
        panic!("{second:?}");
    };
    assert_eq!(used, directory.path());
    assert_eq!(found, Some(address));
    broker.stop().await;
    assert_eq!(announced(directory.path()), None);
}

#[tokio::test]
async fn the_address_of_a_killed_broker_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("broker.address"), "127.0.0.1:1\n").unwrap();
    let broker = start(directory.path()).await.unwrap();
    let address = broker.bootstrap_servers();
    assert_eq!(announced(directory.path()), Some(format!("{address}\n")));
    broker.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_the_port_unless_somebody_else_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let broker = start(directory.path()).await.unwrap();
    let first = broker.address();
    broker.stop().await;
    let broker = start(directory.path()).await.unwrap();
    assert_eq!(broker.address(), first);
    broker.stop().await;
    let _taken = std::net::TcpListener::bind(first).unwrap();
    let broker = start(directory.path()).await.unwrap();
    assert_ne!(broker.address(), first);
    broker.stop().await;
}

#[tokio::test]
async fn a_broker_that_does_not_start_leaves_the_directory_free() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let builder = EmbeddedBroker::builder().data_dir(directory.path());
    let error = builder.listen(address).start().await.unwrap_err();
    assert!(
        matches!(&error, StartError::Listen { address: asked, .. } if *asked == address),
        "{error:?}"
    );
    start(directory.path()).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_broker_that_is_dropped_lets_the_directory_go() {
    let directory = tempfile::tempdir().unwrap();
    drop(start(directory.path()).await.unwrap());
    let freed = async {
        while start(directory.path()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), freed)
        .await
        .expect("free within moments");
}

#[tokio::test]
async fn what_is_no_data_directory_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = start(&file).await.unwrap_err();
    assert!(matches!(error, StartError::Directory { .. }), "{error:?}");

    std::fs::write(directory.path().join("broker.db"), "not a database at all").unwrap();
    let error = start(directory.path()).await.unwrap_err();
    assert!(matches!(error, StartError::Unreadable { .. }), "{error:?}");
    assert!(error.to_string().contains("broker.db"), "{error}");
}

#[tokio::test]
async fn what_is_erased_is_the_data_of_a_broker_that_does_not_run() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    EmbeddedBroker::erase(path.join("missing")).await.unwrap();
    assert!(!path.join("missing").exists());

    let broker = start(path).await.unwrap();
    let refused = EmbeddedBroker::erase(path).await.unwrap_err();
    assert!(matches!(refused, StartError::InUse { .. }), "{refused:?}");
    broker.stop().await;
    std::fs::write(path.join("notes.txt"), "not the broker's").unwrap();
    EmbeddedBroker::erase(path).await.unwrap();
    assert!(!path.join("broker.db").exists());
    assert!(path.join("notes.txt").exists());
}
