//! The table of states, walked over every interleaving of two people, dispatchers, supervisors and trainers, and
//! every place where one of them may die: no attempt starts twice, no two trainings of a run overlap, none is forgotten.
//!
//! The decisions are the real ones (`decide_recovery`, `end_state`); files and locks are modelled, one file operation
//! a step. Each deliberate mistake listed in `Mistake` must be found out by the same walk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod world;

use std::collections::{HashSet, VecDeque};

use world::{Mistake, World};

/// Lets everybody go on in peace, first come first served; the run must come to an end. `fine` holds the worlds
/// known to do so.
fn is_forgotten(world: &World, mistake: Mistake, fine: &mut HashSet<World>) -> bool {
    let mut path = Vec::new();
    let mut world = world.in_peace();
    while !world.is_over() && !fine.contains(&world) {
        if path.len() > 200 {
            return true;
        }
        // The newest process goes first: a dispatcher that only looks must not keep the others from moving.
        let Some(next) = world.successors(mistake).pop() else { return true };
        path.push(std::mem::replace(&mut world, next));
    }
    fine.extend(path);
    false
}

/// Walks every world reachable with `deaths` deaths. Returns how many there are, or what went wrong first.
fn walk(deaths: u8, mistake: Mistake) -> Result<usize, String> {
    let begin = World::begin(deaths);
    let mut fine = HashSet::new();
    let mut seen = HashSet::from([begin.clone()]);
    let mut open = VecDeque::from([begin]);
    while let Some(world) = open.pop_front() {
        if let Some(violation) = world.violation() {
            return Err(violation);
        }
        if is_forgotten(&world, mistake, &mut fine) {
            return Err(format!("forgotten: {world:?}"));
        }
        for next in world.successors(mistake) {
            if next.attempt < 5 && seen.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn no_attempt_starts_twice_and_none_is_forgotten() {
    let worlds = walk(2, Mistake::None).unwrap();
    assert!(worlds > 10_000, "only {worlds} worlds: the walk has lost its way");
}

#[test]
fn every_deliberate_mistake_is_found() {
    for mistake in [
        Mistake::RecoveryWithoutRunLock,
        Mistake::SupervisorDoesNotLookAgain,
        Mistake::TrainLockAfterSpawn,
        Mistake::StartWithoutLookingAgain,
        Mistake::ClaimedButQueuedIsLeftAlone,
    ] {
        assert!(walk(2, mistake).is_err(), "{mistake:?} goes unnoticed");
    }
}
