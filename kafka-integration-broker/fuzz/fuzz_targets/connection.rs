//! Any bytes to a running broker, which must answer the next client.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: {
        // Rust's own `main` does this; libFuzzer's does not, and the broker
        // writes to sockets whose peers are gone.
        // SAFETY: no handler is installed, and no other thread runs yet.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    },
    |data: &[u8]| {
        kafka_integration_broker::fuzzing::connection(data);
    }
);
