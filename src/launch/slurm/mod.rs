//! Runs on a Slurm cluster: array jobs whose elements are supervisors.
//!
//! The dispatcher writes a submission down before it calls sbatch, finds it again by its id in squeue, and brings
//! run folders and jobs together from then on. An element's supervisor claims its own attempt and writes nothing
//! outside its run's folder.

mod job_state;
mod listing;
