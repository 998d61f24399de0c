use std::time::Duration;

#[allow(unsafe_code)]
fn usage() -> libc::rusage {
    // SAFETY: all zero is a valid `rusage`, and the call only writes to it.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    }
}

/// User and system time of this process, of all its threads.
pub fn cpu_time() -> Duration {
    let usage = usage();
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}
