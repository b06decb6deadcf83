//! The same work on many things, shared out over the machine's threads, with results in the things' order.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const MOST_THREADS: usize = 8;
/// Things per thread below which a further thread is not worth its start.
const LEAST_SHARE: usize = 64;

/// `work` on each of `things`.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let available = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let threads = (things.len() / LEAST_SHARE).clamp(1, available);
    if threads == 1 {
        return things.iter().map(work).collect();
    }
    let mut results: Vec<Option<R>> = things.iter().map(|_| None).collect();
    let share = things.len().div_ceil(threads);
    let work = &work;
    std::thread::scope(|scope| {
        for (things, results) in things.chunks(share).zip(results.chunks_mut(share)) {
            scope.spawn(move || {
                for (thing, result) in things.iter().zip(results) {
                    *result = Some(work(thing));
                }
            });
        }
    });
    // A thread that panicked has made the scope panic: every place is filled.
    results.into_iter().flatten().collect()
}

/// `work` on each of `things`, one at a time to whichever thread is free: for work whose length differs much. `done` is
/// told after each how many are finished; it may be called from several threads, in any order.
pub(crate) fn map_one_by_one<T: Sync, R: Send>(
    things: &[T],
    work: impl Fn(&T) -> R + Sync,
    done: &(dyn Fn(usize) + Sync),
) -> Vec<R> {
    let available = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let take = || {
        let mut mine = Vec::new();
        while let Some((index, thing)) =
            Some(next.fetch_add(1, Relaxed)).and_then(|at| Some((at, things.get(at)?)))
        {
            mine.push((index, work(thing)));
            done(finished.fetch_add(1, Relaxed) + 1);
        }
        mine
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..available.min(things.len())).map(|_| scope.spawn(take)).collect();
        let mut results = take();
        for thread in threads {
            match thread.join() {
                Ok(more) => results.extend(more),
                Err(cause) => std::panic::resume_unwind(cause),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_any_length_comes_back_in_order_and_is_counted() {
        for count in [0, 1, 2, 17, 300] {
            let things: Vec<usize> = (0..count).collect();
            let told = std::sync::Mutex::new(Vec::new());
            let results = map_one_by_one(&things, |thing| thing * 3, &|done| told.lock().unwrap().push(done));
            assert_eq!(results, (0..count).map(|thing| thing * 3).collect::<Vec<_>>());
            let mut told = told.into_inner().unwrap();
            told.sort_unstable();
            assert_eq!(told, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn results_stand_in_the_order_of_the_things() {
        for count in [0, 1, 63, 1000, 1001] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(
                map(&things, |thing| thing * 2),
                (0..count).map(|thing| thing * 2).collect::<Vec<_>>()
            );
        }
    }
}
