//! Which colour and marker each charted run has: distinct where possible, and the same as long as it is charted.

use std::collections::HashMap;

use crate::store::RunId;

/// Combinations before colour and marker both repeat.
const SLOTS: usize = 56;

/// The looks handed out, as ordinal numbers for [`crate::tui::theme::Theme::curve`].
#[derive(Clone, Debug, Default)]
pub struct Looks {
    slots: HashMap<RunId, usize>,
}

impl Looks {
    /// Hands looks to exactly these runs. Runs that have one keep it; new ones get one near their own number whose
    /// colour (of `colours`) is used least.
    pub fn assign(&mut self, charted: &[RunId], colours: usize) {
        let before = std::mem::take(&mut self.slots);
        let mut free = vec![true; SLOTS];
        let mut uses = vec![0usize; colours.max(1)];
        let mut fresh = Vec::new();
        for id in charted {
            match before.get(id) {
                Some(slot) => self.take(*id, *slot, &mut free, &mut uses),
                None => fresh.push(*id),
            }
        }
        for id in fresh {
            let wanted = id.ordinal() % SLOTS;
            let near = (0..SLOTS).map(|distance| (wanted + distance) % SLOTS);
            let best = near.clone().filter(|slot| free[*slot]).min_by_key(|slot| uses[slot % uses.len()]);
            self.take(id, best.unwrap_or(wanted), &mut free, &mut uses);
        }
    }

    fn take(&mut self, id: RunId, slot: usize, free: &mut [bool], uses: &mut [usize]) {
        free[slot] = false;
        uses[slot % uses.len()] += 1;
        self.slots.insert(id, slot);
    }

    /// A charted run's look.
    pub fn of(&self, id: RunId) -> Option<usize> {
        self.slots.get(&id).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::tui::sample;

    #[test]
    fn looks_are_distinct_and_stay() {
        let ids = sample::run_ids(12);
        let mut looks = Looks::default();
        looks.assign(&[ids[0], ids[7], ids[8]], 7);
        let colours: HashSet<usize> = [0, 7, 8].iter().map(|run| looks.of(ids[*run]).unwrap() % 7).collect();
        assert_eq!(colours.len(), 3);
        let kept = looks.of(ids[8]);
        looks.assign(&ids, 7);
        assert_eq!(looks.of(ids[8]), kept);
        let all: HashSet<usize> = ids.iter().map(|id| looks.of(*id).unwrap()).collect();
        assert_eq!(all.len(), ids.len());
        looks.assign(&ids[..1], 7);
        assert_eq!(looks.of(ids[8]), None);
    }
}
