//! Any bytes as what Produce has for a partition.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kafka_integration_broker::fuzzing::record_batch(data);
});
