//! What squeue has forgotten, the accounts tell: a real slurmdbd over a real database.

use loradeck_core::run::{EndReason, RunFolder, State, read_attempts};
use rustix::process::Signal;

use crate::cluster::{Cluster, submissions};
use crate::deck::{SlurmDeck, wait_for_end, wait_long};
use crate::nodes::go;
use crate::support::{send, started_pid, starts, status, supervisor_pid};

/// Neither supervisor nor trainer hears anything any more, nor writes how it ended.
fn freeze(run: &RunFolder) {
    send(supervisor_pid(run), Signal::STOP);
    send(started_pid(run), Signal::STOP);
}

#[test]
#[ignore = "child: `just test-system` runs it on a real cluster with accounting"]
fn jobs_that_ended_and_were_forgotten_while_nobody_looked_end_as_the_accounts_say() {
    let cluster = Cluster::with_accounts();
    let deck = SlurmDeck::new(&cluster);
    let [done, failed, cancelled] = deck.queue(&["wait"; 3], "{memory: 10M}").try_into().unwrap();
    let all = [&done, &failed, &cancelled];
    let mut dispatcher = deck.dispatch();
    wait_long("all train", || all.iter().all(|run| starts(run).len() == 1));
    dispatcher.kill().unwrap();
    dispatcher.wait().unwrap();

    freeze(&cancelled);
    send(supervisor_pid(&failed), Signal::KILL);
    cluster.ask("scancel", &[&read_attempts(&cancelled)[0].job.as_ref().unwrap().id]);
    go(&done);
    let is_known = |id: &String| !cluster.jobs(&format!("loradeck-{id}")).is_empty();
    let known = || submissions(deck.root()).iter().filter(|id| is_known(id)).count();
    wait_long("squeue has forgotten all", || known() == 0);

    let mut dispatcher = deck.dispatch();
    assert_eq!(wait_for_end(&done).state, State::Finished);
    assert_eq!(wait_for_end(&failed).reason, Some(EndReason::Lost));
    assert_eq!(status(&failed).message.as_deref(), Some("the job failed without writing how"));
    assert_eq!(wait_for_end(&cancelled).state, State::Stopped);
    assert_eq!(status(&cancelled).message.as_deref(), Some("the job was cancelled in Slurm"));
    dispatcher.wait().unwrap();
    assert!(all.iter().all(|run| run.report().exists() && starts(run).len() == 1));
    // Its supervisor died without it.
    go(&failed);
}
