//! The targets: each takes bytes and panics when a promise is broken.

use super::codec::recode;
use super::frames::request;
use super::mutate::mutate;
use super::rng::Rng;
use crate::wire::guard::{check, request_header};

/// A frame as it comes from the socket, without its size: header, guard, codec.
///
/// What the guard lets through, the codec must be able to decode.
///
/// # Panics
/// When it is not.
pub fn header_guard_decode(frame: &[u8]) {
    let Ok((header, body)) = request_header(frame) else {
        return;
    };
    assert!(body <= frame.len(), "the body begins beyond the frame");
    let body = &frame[body..];
    if check(header.api_key, header.api_version, body).is_ok()
        && let Err(error) = recode(header.api_key, header.api_version, body)
    {
        panic!(
            "passed the guard, refused by the codec: API {} version {}: {error}",
            header.api_key, header.api_version
        );
    }
}

/// A well-formed request chosen by the first eight bytes, damaged as the next
/// eight say; what follows replaces its end.
///
/// # Panics
/// As [`header_guard_decode`].
pub fn mutated_request(data: &[u8]) {
    let Some((seeds, tail)) = data.split_first_chunk::<16>() else {
        return;
    };
    let (frame_seed, damage_seed) = seeds.split_at(8);
    let mut frame = request(&mut Rng::from_bytes(frame_seed));
    let keep = frame.len().saturating_sub(tail.len());
    frame.truncate(keep);
    frame.extend(tail);
    mutate(&mut frame, &mut Rng::from_bytes(damage_seed));
    header_guard_decode(&frame);
}
