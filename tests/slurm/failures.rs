//! Preemption and a node that dies, on a cluster of their own.

use loradeck_core::run::{State, read_attempts};

use crate::cluster::{Cluster, NODE};
use crate::deck::{SlurmDeck, wait_long};
use crate::support::{starts, status};

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster"]
fn preempted_and_on_a_dead_node_a_run_goes_on_as_its_next_attempt() {
    let cluster = Cluster::start();
    let deck = SlurmDeck::new(&cluster);
    let runs = deck.queue(&["wait"], "{partition: main, memory: 9G}");
    let mut dispatcher = deck.dispatch();
    wait_long("it trains", || starts(&runs[0]).len() == 1);
    let job = deck.job(1);

    let urgent = cluster.ask(
        "sbatch",
        &["--parsable", "-p", "urgent", "--mem=12G", "--output=/dev/null", "--wrap", "sleep 3"],
    );
    assert!(urgent.status.success(), "{urgent:?}");
    wait_long("it is preempted", || status(&runs[0]).state == State::Queued);
    assert_eq!(runs[0].checkpoint_steps(), [1], "it was given the time for a checkpoint");
    wait_long("it trains again", || {
        cluster.hurry(&job);
        starts(&runs[0]).len() == 2
    });

    cluster.kill(NODE);
    wait_long("Slurm sees it and requeues", || {
        let words = deck.words(&runs[0]);
        words.contains("pending")
    });
    assert_eq!(status(&runs[0]).state, State::Running, "nobody could write that it is not");
    cluster.start_again(NODE);
    std::fs::write(runs[0].path().join("go"), "").unwrap();
    assert_eq!(deck.hurry_to_end(&runs[0], &job).state, State::Finished);
    dispatcher.wait().unwrap();
    assert_eq!(starts(&runs[0]).len(), 3);
    let restarts: Vec<u32> = read_attempts(&runs[0])
        .into_iter()
        .filter_map(|attempt| attempt.job)
        .map(|job| job.restart)
        .collect();
    assert_eq!(restarts, [0, 1, 2]);
    assert_eq!(deck.arrays().len(), 1, "one job all along");
}
