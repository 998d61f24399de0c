//! A well-formed request of any API and version, damaged.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kafka_integration_broker::fuzzing::mutated_request(data);
});
