//! What a client may do, as bits. Nothing is forbidden here, so it may do all.

/// Create, cluster action, describe configs, alter configs, idempotent write,
/// alter, describe.
pub(super) const ON_CLUSTER: i32 = bits(&[5, 9, 10, 11, 12, 7, 8]);
/// Read, write, create, describe, delete, alter, describe and alter configs.
pub(super) const ON_TOPIC: i32 = bits(&[3, 4, 5, 8, 6, 7, 10, 11]);
/// Read, describe, delete, describe and alter configs.
pub(super) const ON_GROUP: i32 = bits(&[3, 8, 6, 10, 11]);

/// The numbers are those of `AclOperation`.
const fn bits(operations: &[u8]) -> i32 {
    let (mut bits, mut at) = (0, 0);
    while at < operations.len() {
        bits |= 1 << operations[at];
        at += 1;
    }
    bits
}
