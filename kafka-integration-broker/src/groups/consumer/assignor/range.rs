use super::{Candidate, Partitions, Sizes, readers};

/// Topics of the same size are cut at the same places, so that partitions with
/// the same index go to the same member if all want the same topics.
pub(super) fn assign(members: &[Candidate<'_>], sizes: &Sizes) -> Vec<Partitions> {
    let mut targets = vec![Partitions::default(); members.len()];
    // Static members come first: theirs are the ids that stay.
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|place| {
        let member = &members[*place];
        (
            member.instance_id.is_none(),
            member.instance_id,
            member.instance_id.is_none().then_some(member.id),
        )
    });
    for (topic, readers) in readers(members, order.into_iter()) {
        let size = usize::try_from(sizes.get(&topic).copied().unwrap_or(0)).unwrap_or(0);
        let (each, extra) = (size / readers.len(), size % readers.len());
        let mut start = 0;
        for (nth, place) in readers.into_iter().enumerate() {
            let end = start + each + usize::from(nth < extra);
            let range = (start..end).filter_map(|index| i32::try_from(index).ok());
            targets[place].extend(range.map(|index| (topic, index)));
            start = end;
        }
    }
    targets
}
