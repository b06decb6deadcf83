//! The shares of groups among runs for Slurm: not more of a group are with it, or go to it, than the group may have at
//! once.

use std::cmp::Reverse;
use std::collections::HashMap;

use loradeck_core::run::RunFolder;

use super::launchers::ForSlurm;
use crate::launch::schedule::Waiting;

/// What groups may have at once, and what they have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    most: HashMap<String, u32>,
    at_work: HashMap<String, u32>,
}

impl Shares {
    /// `most` is the most runs at once of each group that has a limit; `at_work` the group of each run that trains, on
    /// this machine or with Slurm.
    pub(crate) fn new(most: HashMap<String, u32>, at_work: impl IntoIterator<Item = String>) -> Self {
        let mut shares = Self { most, ..Self::default() };
        at_work.into_iter().for_each(|group| *shares.at_work.entry(group).or_default() += 1);
        shares
    }

    /// Whether no group has a limit.
    pub(crate) fn is_empty(&self) -> bool {
        self.most.is_empty()
    }

    /// Marks whoever finds its group's share used up. Those that Slurm `has` come first, then it goes as in the queue;
    /// a run that something else holds back takes no share. The mark is made afresh each time.
    pub(crate) fn mark(&self, waiting: &mut [ForSlurm], has: &dyn Fn(&RunFolder) -> bool) {
        let mut used = self.at_work.clone();
        let mut order: Vec<&mut ForSlurm> = waiting.iter_mut().collect();
        order.sort_by_cached_key(|waiting| {
            let queued = &waiting.queued;
            (!has(&queued.run), Reverse(queued.priority), queued.queued_at, queued.run.clone())
        });
        for ForSlurm { queued, .. } in order {
            if matches!(queued.blocked, Some(Waiting::GroupFull(_) | Waiting::GroupPaused(_))) {
                queued.blocked = None;
            }
            let Some(group) = queued.group.clone().filter(|_| queued.blocked.is_none()) else { continue };
            let used = used.entry(group.clone()).or_default();
            match self.most.get(&group) {
                Some(0) => queued.blocked = Some(Waiting::GroupPaused(group)),
                Some(most) if *used >= *most => queued.blocked = Some(Waiting::GroupFull(group)),
                _ => *used += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::SlurmSettings;
    use loradeck_core::run::{Needs, Workspace};
    use loradeck_core::time::Moment;
    use proptest::prelude::*;

    use super::*;
    use crate::launch::schedule::QueuedRun;

    fn waiting(name: &str, priority: i64, group: Option<&str>, blocked: Option<Waiting>) -> ForSlurm {
        let run = RunFolder::new(Workspace::at("/w").experiment("x").runs_folder().join(name));
        let group = group.map(str::to_owned);
        let needs = Needs::default();
        let queued_at = Moment(1);
        ForSlurm {
            queued: QueuedRun { run, attempt: 1, priority, queued_at, blocked, needs, memory: None, group },
            settings: SlurmSettings::default(),
        }
    }

    fn marked(shares: &Shares, mut runs: Vec<ForSlurm>, has: &[&str]) -> Vec<(String, Option<Waiting>)> {
        shares.mark(&mut runs, &|run| has.contains(&run.name().as_str()));
        runs.into_iter().map(|waiting| (waiting.queued.run.name(), waiting.queued.blocked)).collect()
    }

    fn night(most: u32, at_work: &[&str]) -> Shares {
        let at_work = at_work.iter().map(|group| (*group).to_owned());
        Shares::new(HashMap::from([("night".to_owned(), most)]), at_work)
    }

    #[test]
    fn what_slurm_has_keeps_its_share_and_the_others_wait_with_a_reason() {
        let full = Some(Waiting::GroupFull("night".into()));
        let runs = || {
            vec![
                waiting("1", 9, Some("night"), None),
                waiting("2", 0, Some("night"), None),
                waiting("3", 5, Some("night"), None),
                waiting("4", 0, Some("day"), None),
                waiting("5", 0, None, None),
            ]
        };
        let names = |marked: Vec<(String, Option<Waiting>)>| -> Vec<String> {
            marked.into_iter().filter(|(_, blocked)| *blocked == full).map(|(name, _)| name).collect()
        };
        assert_eq!(names(marked(&night(2, &[]), runs(), &[])), ["2"], "the lowest priority");
        assert_eq!(names(marked(&night(2, &[]), runs(), &["2"])), ["3"], "Slurm has 2, 1 goes before 3");
        assert_eq!(names(marked(&night(2, &["night", "day"]), runs(), &["2"])), ["1", "3"]);
        assert_eq!(names(marked(&night(2, &["night"; 3]), runs(), &["2"])), ["1", "2", "3"]);
        assert!(names(marked(&Shares::default(), runs(), &[])).is_empty());
    }

    #[test]
    fn a_held_run_takes_no_share_and_a_mark_goes_with_its_reason() {
        let runs = vec![
            waiting("1", 9, Some("night"), Some(Waiting::Held)),
            waiting("2", 0, Some("night"), Some(Waiting::GroupFull("night".into()))),
        ];
        let expected = [("1".to_owned(), Some(Waiting::Held)), ("2".to_owned(), None)];
        assert_eq!(marked(&night(1, &[]), runs.clone(), &["1"]), expected);
        let paused = Some(Waiting::GroupPaused("night".into()));
        assert_eq!(marked(&night(0, &[]), runs, &[])[1].1, paused);
    }

    proptest! {
        #[test]
        fn never_more_of_a_group_than_its_share(
            priorities in proptest::collection::vec((-2i64..3, 0usize..3, any::<bool>()), 0..12),
            most in 0u32..5, at_work in 0usize..4,
        ) {
            let groups = [Some("night"), Some("day"), None];
            let runs: Vec<ForSlurm> = (0..).zip(&priorities)
                .map(|(number, (priority, group, _))| waiting(&number.to_string(), *priority, groups[*group], None))
                .collect();
            let shares = night(most, &vec!["night"; at_work]);
            let mut once = runs.clone();
            let has = |run: &RunFolder| priorities[run.name().parse::<usize>().unwrap()].2;
            shares.mark(&mut once, &has);
            let is_night = |waiting: &&ForSlurm| waiting.queued.group.as_deref() == Some("night");
            let free = once.iter().filter(is_night).filter(|waiting| waiting.queued.blocked.is_none()).count();
            let nights = runs.iter().filter(is_night).count();
            prop_assert_eq!(free, nights.min((most as usize).saturating_sub(at_work)));
            let mut twice = once.clone();
            shares.mark(&mut twice, &has);
            prop_assert_eq!(once, twice);
        }
    }
}
