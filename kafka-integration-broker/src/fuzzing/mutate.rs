//! Damage to a frame, of the kinds that decoders trip over.

use super::rng::Rng;

/// Damages the frame in one to four places.
pub(super) fn mutate(frame: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        once(frame, rng);
    }
}

fn once(frame: &mut Vec<u8>, rng: &mut Rng) {
    const COUNTS: [&[u8]; 9] = [
        &[0x7f, 0xff, 0xff, 0xff],
        &[0x80, 0x00, 0x00, 0x00],
        &[0xff, 0xff, 0xff, 0xff],
        &[0xff, 0xff, 0xff, 0xfe],
        &[0x00, 0x00, 0x40, 0x00],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x80, 0x80, 0x80, 0x80, 0x80],
        &[0x81, 0x00],
        &[0x7f, 0xff],
    ];
    let at = rng.below(frame.len());
    match rng.below(7) {
        0 => {
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= 1 << rng.below(8);
            }
        }
        1 => {
            if let Some(byte) = frame.get_mut(at) {
                *byte = rng.number() as u8;
            }
        }
        2 => {
            for (byte, new) in frame
                .iter_mut()
                .skip(at)
                .zip(COUNTS[rng.below(COUNTS.len())])
            {
                *byte = *new;
            }
        }
        3 => {
            let count = COUNTS[rng.below(COUNTS.len())];
            frame.splice(at..at, count.iter().copied());
        }
        4 => frame.truncate(at),
        5 => {
            let end = (at + 1 + rng.below(8)).min(frame.len());
            frame.drain(at..end);
        }
        _ => {
            let end = (at + 1 + rng.below(64)).min(frame.len());
            let copy = frame[at..end].to_vec();
            let to = rng.below(frame.len() + 1);
            frame.splice(to..to, copy);
        }
    }
}
