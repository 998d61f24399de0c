//! Outages of the whole broker.

use kafka_integration_broker::{ApiKey, EmbeddedBroker, ErrorCode, StartError};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;
use crate::requests::{create, end_of, produce, produced};

#[tokio::test]
async fn what_was_offline_comes_back_as_it_was() {
    let mut broker = EmbeddedBroker::builder().start().await.unwrap();
    let address = broker.address();
    let mut client = Client::connect(address, "shop").await;
    create(&mut client, &["a"]).await;
    client.ask(9, &produce(&["a"])).await.unwrap();

    broker.go_offline().await;
    broker.go_offline().await;
    client.closed().await;
    assert!(TcpStream::connect(address).await.is_err());

    let taken = TcpListener::bind(address).await.unwrap();
    let error = broker.come_back().await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error:?}");
    drop(taken);

    broker.come_back().await.unwrap();
    broker.come_back().await.unwrap();
    assert_eq!(broker.address(), address);
    let mut client = Client::connect(address, "shop").await;
    assert_eq!(end_of(&mut client, "a").await, 1);
    broker.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_offline_can_be_stopped() {
    let mut broker = EmbeddedBroker::builder().start().await.unwrap();
    broker.go_offline().await;
    broker.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_address_data_and_faults() {
    let directory = tempfile::tempdir().unwrap();
    let builder = EmbeddedBroker::builder().data_dir(&directory);
    let broker = builder.start().await.unwrap();
    let address = broker.address();
    let mut client = Client::connect(address, "shop").await;
    create(&mut client, &["a"]).await;
    client.ask(9, &produce(&["a"])).await.unwrap();
    let on = broker.faults().on(ApiKey::Produce).times(1);
    let fault = on.error(ErrorCode::NotEnoughReplicas).unwrap();

    let broker = broker.restart().await.unwrap();
    client.closed().await;
    assert_eq!(broker.address(), address);
    let mut client = Client::connect(address, "shop").await;
    let refused = client.ask(9, &produce(&["a"])).await.unwrap();
    assert_eq!(produced(&refused), [("a", 19, -1)]);
    assert_eq!(fault.hits(), 1);
    let answer = client.ask(9, &produce(&["a"])).await.unwrap();
    assert_eq!(produced(&answer), [("a", 0, 1)]);
    broker.stop().await;
}
