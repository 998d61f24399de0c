/// Values at small reusable numbers, so that a number can travel through the
/// client in place of the value.
pub(crate) struct Slots<T> {
    entries: Vec<Option<T>>,
    free: Vec<usize>,
    live: usize,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            live: 0,
        }
    }

    pub(crate) fn insert(&mut self, value: T) -> usize {
        self.live += 1;
        if let Some(slot) = self.free.pop() {
            self.entries[slot] = Some(value);
            return slot;
        }
        self.entries.push(Some(value));
        self.entries.len() - 1
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&T> {
        self.entries.get(slot).and_then(Option::as_ref)
    }

    pub(crate) fn remove(&mut self, slot: usize) -> Option<T> {
        let value = self.entries.get_mut(slot).and_then(Option::take)?;
        self.free.push(slot);
        self.live -= 1;
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Takes everything out. Its numbers are not used again: a report for one
    /// of them must not find a new owner.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        self.live = 0;
        self.entries.iter_mut().filter_map(Option::take).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_number_is_used_again_and_never_twice() {
        let mut slots = Slots::new();
        let (a, b) = (slots.insert("a"), slots.insert("b"));
        assert_ne!(a, b);
        assert_eq!(slots.remove(a), Some("a"));
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.insert("c"), a);
        assert_ne!(slots.insert("d"), a);
        assert_eq!(slots.len(), 3);
        assert_eq!(slots.get(b), Some(&"b"));
    }

    #[test]
    fn a_drained_number_is_never_used_again() {
        let mut slots = Slots::new();
        let a = slots.insert("a");
        assert_eq!(slots.drain(), ["a"]);
        assert_eq!((slots.len(), slots.remove(a)), (0, None));
        assert_ne!(slots.insert("b"), a);
    }
}
