//! The same work on many things, shared out over the machine's threads, with results in the things' order.

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

#[cfg(test)]
mod tests {
    use super::*;

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
