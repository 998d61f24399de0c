//! Any bytes to a running broker, which must answer the next client.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kafka_integration_broker::fuzzing::connection(data);
});
