//! Runs on a Slurm cluster: array jobs whose elements are supervisors.
//!
//! The dispatcher writes a submission down before it calls sbatch, finds it again by its id in squeue, and brings
//! run folders and jobs together from then on. An element's supervisor claims its own attempt and writes nothing
//! outside its run's folder.

mod decide;
mod deeds;
mod element;
mod fate;
mod interruption;
mod job_state;
mod keeper;
mod launchers;
mod listing;
mod obstacle;
mod poll;
mod requeue;
mod script;
mod shares;
mod shown;
mod submission;
mod submit;
mod tools;
mod withdraw;

pub use element::supervise_element;
pub(crate) use interruption::ended_by_interruption;
pub(crate) use keeper::{Cluster, Order};
pub(crate) use launchers::{ForSlurm, Launchers};
pub use requeue::requeue;
pub(crate) use shares::Shares;
pub use shown::{ShownJob, ShownJobs};
pub(crate) use submission::runs_with_slurm;
pub use tools::SlurmError;
pub(crate) use withdraw::{Withdrawal, has_live_job, is_with_slurm, withdraw};
