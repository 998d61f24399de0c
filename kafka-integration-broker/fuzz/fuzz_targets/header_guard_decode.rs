//! Any bytes as a frame: header, guard, codec.
#![no_main]

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    kafka_integration_broker::fuzzing::header_guard_decode(frame);
});
