//! Command-line arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A terminal experiment manager for LoRA: queue, train, watch, report, compare, commit.
#[derive(Debug, Parser)]
#[command(name = "loradeck", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    /// Workspaces to open in the dashboard (default: the one around the current folder).
    pub workspaces: Vec<PathBuf>,
    /// A command instead of the dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// One run: `NAME/7`, `NAME/0007-slug`, a unique prefix, or a path.
#[derive(Debug, Args)]
pub struct OneRun {
    /// The run: NAME/7, NAME/0007-slug, a unique prefix, or a path.
    pub run: String,
}

/// Several runs.
#[derive(Debug, Args)]
pub struct SomeRuns {
    /// The runs: NAME/7, NAME/0007-slug, a unique prefix, or a path.
    #[arg(required = true)]
    pub runs: Vec<String>,
}

/// Everything `loradeck` does besides the dashboard.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace: loradeck.yaml, .gitignore, a git repository.
    Init {
        /// The folder (default: the current one).
        dir: Option<PathBuf>,
    },
    /// Trust a workspace: let it start the programs that its files name. Lists them all and asks first.
    Trust {
        /// The workspace (default: the one around the current folder).
        dir: Option<PathBuf>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
        /// Trust it although another user owns one of its folders and can change what runs as you.
        #[arg(long)]
        foreign_owner: bool,
        /// Trust it although every user may write into one of its folders.
        #[arg(long)]
        others_may_write: bool,
        /// Only show what it would start and whether it is trusted; without a folder, list all trusted workspaces.
        #[arg(long, conflicts_with_all = ["yes", "foreign_owner", "others_may_write"])]
        list: bool,
        /// Withdraw trust.
        #[arg(long, conflicts_with_all = ["yes", "foreign_owner", "others_may_write", "list"])]
        revoke: bool,
        /// With --list: print JSON.
        #[arg(long, requires = "list")]
        json: bool,
    },
    /// Withdraw trust from a workspace: none of the programs that its files name is started any longer.
    Untrust {
        /// The workspace; it may be gone (default: the one around the current folder).
        dir: Option<PathBuf>,
    },
    /// Start an experiment from a template.
    New {
        /// The experiment's name.
        name: String,
        /// The template: text (a language model), image (Stable Diffusion and pictures), sweep (several runs of one
        /// file), minimal, or a file of the workspace's templates/starters.
        #[arg(long, default_value = "text")]
        template: String,
    },
    /// Check configuration, data and base model before any GPU time.
    Check {
        /// An experiment, a run, or a YAML file.
        target: String,
        /// Overrides: `key=value`, `key=a,b`, `key=[x,y]`, `key=range(a,b,step)`, `key=interval(a,b)`, `sweep.run_cap=20`.
        overrides: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show an experiment's data as training sees it: pictures cut to their buckets with their captions, or a text
    /// sample token by token, with ids and what is learnt.
    Preview {
        /// An experiment, a run, or a YAML file.
        target: String,
        /// Overrides: `key=value`.
        overrides: Vec<String>,
        /// How many pictures are shown in the terminal, where it has colours.
        #[arg(long, default_value_t = 2)]
        images: usize,
        /// Texts: the number of a sample, from 1, in file order; repeatable.
        #[arg(long, value_name = "N")]
        sample: Vec<usize>,
        /// Texts: show held-out samples.
        #[arg(long)]
        held_out: bool,
        /// Texts: print JSON.
        #[arg(long)]
        json: bool,
        /// Where the contact sheet goes; default `.loradeck/previews/NAME.png` in the workspace, outside of one
        /// `NAME-preview.png`.
        #[arg(long, short)]
        output: Option<std::path::PathBuf>,
    },
    /// Resolve, freeze and queue an experiment's runs.
    Run {
        /// An experiment, an earlier run (a clone with changes), or a YAML file.
        target: String,
        /// Overrides: `key=value`, `key=a,b`, `key=[x,y]`, `key=range(a,b,step)`, `key=interval(a,b)`, `sweep.run_cap=20`.
        overrides: Vec<String>,
        /// Show what would be queued, and queue nothing.
        #[arg(long)]
        dry_run: bool,
        /// Wait for the runs and show their progress; Ctrl-C detaches.
        #[arg(long)]
        wait: bool,
        /// With --wait: progress lines instead of the dashboard.
        #[arg(long)]
        plain: bool,
        /// Queue them held: they start after `queue release`.
        #[arg(long)]
        hold: bool,
        /// The group whose share of the slots they take (`queue slots N --group GROUP`).
        #[arg(long)]
        group: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Queue many runs without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Protect trials from early stopping.
    Keep {
        /// The trials.
        #[command(flatten)]
        runs: SomeRuns,
        /// Let early stopping prune them again.
        #[arg(long)]
        no: bool,
    },
    /// Ask runs to write a checkpoint and end; waiting ones leave the queue.
    Stop(SomeRuns),
    /// End runs at once.
    Kill(SomeRuns),
    /// Continue a run from its newest checkpoint; `max_steps=…` extends it.
    Resume {
        /// The run: NAME/7, NAME/0007-slug, a unique prefix, or a path.
        run: String,
        /// Overrides for this and later attempts, as key=value.
        overrides: Vec<String>,
    },
    /// Queue a new run with the configuration of an earlier one.
    Retry {
        /// The run: NAME/7, NAME/0007-slug, a unique prefix, or a path.
        run: String,
        /// Overrides, as key=value.
        overrides: Vec<String>,
    },
    /// Move runs to their experiment's trash.
    Remove(SomeRuns),
    /// Move removed runs back.
    Restore(SomeRuns),
    /// Show or change the queue.
    Queue {
        /// What to change; nothing shows the queue.
        #[command(subcommand)]
        change: Option<QueueChange>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show disk usage of runs.
    Du {
        /// Experiments or runs (default: all).
        targets: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove checkpoints that ended runs no longer need, after listing them; final weights and reports stay.
    Clean {
        /// Experiments or runs (default: all).
        targets: Vec<String>,
        /// How many of the newest checkpoints each run keeps.
        #[arg(long, default_value_t = 1)]
        keep: usize,
        /// Empty the trash instead: removed runs are gone for good.
        #[arg(long)]
        trash: bool,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Show or change sweeps.
    Sweep {
        /// What to change; nothing lists the sweeps.
        #[command(subcommand)]
        change: Option<SweepChange>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show this workspace's home host, or make this host the home host.
    Home {
        /// Take over although the other host may still be active: only once you know that it is gone.
        #[arg(long)]
        take_over: bool,
    },
    /// Run the dispatcher in the foreground until nothing is left to do.
    Dispatch {
        /// Detach from session and terminal first.
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// List runs.
    List {
        /// Filter: words of the name, key=value, key>=value, state=finished.
        filter: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show everything about a run.
    Show {
        /// The run.
        #[command(flatten)]
        run: OneRun,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a run's log.
    Logs {
        /// The run.
        #[command(flatten)]
        run: OneRun,
        /// Follow the log until the run ends.
        #[arg(short, long)]
        follow: bool,
        /// How many lines from the end.
        #[arg(short = 'n', long, default_value_t = 50)]
        lines: usize,
    },
    /// Print a run's metrics.
    Metrics {
        /// The run.
        #[command(flatten)]
        run: OneRun,
        /// All points as CSV.
        #[arg(long)]
        csv: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Follow all runs: in the dashboard, or as progress lines.
    Watch {
        /// Progress lines, also for logs and CI.
        #[arg(long)]
        plain: bool,
    },
    /// Print or write a comparison table.
    Compare {
        /// Experiments, runs or filters (default: every experiment).
        targets: Vec<String>,
        /// Sort by this metric or key.
        #[arg(long)]
        sort: Option<String>,
        /// How to print it.
        #[command(flatten)]
        form: TableForm,
        /// Write it to this file instead of printing it.
        #[arg(short, long)]
        output: Option<PathBuf>,
    },
    /// Write a run's report again (a run, or a folder with its shape).
    Report {
        /// A run or a folder.
        target: String,
    },
    /// Answer prompts or draw pictures with finished adapters: runs, then options.
    ///
    /// `loradeck sample --help` shows the trainer's options.
    #[command(disable_help_flag = true)]
    Sample {
        /// One run (pictures: several, side by side), then options such as --prompt TEXT, --seed N or --weight 0,0.6,1.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUN")]
        arguments: Vec<String>,
    },
    /// Commit reports that are not committed yet.
    Commit {
        /// The runs.
        runs: Vec<String>,
        /// All uncommitted reports.
        #[arg(long)]
        pending: bool,
    },
    /// Track another program's output folder in place: TensorBoard, Hugging Face, kohya, JSON lines or CSV.
    Adopt {
        /// The folder. Nothing is written in it.
        dir: PathBuf,
        /// The experiment that its runs belong to (default: called after the folder).
        #[arg(long)]
        name: Option<String>,
    },
    /// Examine this machine and workspace, with advice.
    Doctor {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of experiment files.
    Schema,
    /// Own and watch one attempt of a run.
    #[command(hide = true)]
    Supervise {
        /// The run's folder.
        run: PathBuf,
        /// The attempt.
        #[arg(long)]
        attempt: u32,
        /// The trainer is at work already.
        #[arg(long)]
        adopt: bool,
        /// This is an element of that submission's array in Slurm.
        #[arg(long, conflicts_with = "adopt")]
        submission: Option<String>,
    },
    /// Run another trainer's command in the trainer's place.
    #[command(hide = true)]
    Exec {
        /// The run's folder.
        run: PathBuf,
        /// The attempt.
        #[arg(long)]
        attempt: u32,
    },
    /// Train a small real sweep in a workspace of its own.
    #[command(hide = true)]
    Demo {
        /// The workspace to make or use again (default: `demo` in the checkout).
        dir: Option<PathBuf>,
        /// The checkout, with the shipped experiments.
        #[arg(long)]
        shipped: PathBuf,
        /// The base model's file or folder.
        #[arg(long)]
        base_model: PathBuf,
        /// Pictures instead of text.
        #[arg(long)]
        image: bool,
        /// Progress lines instead of the dashboard.
        #[arg(long)]
        plain: bool,
    },
}

/// How a table is printed.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct TableForm {
    /// Markdown.
    #[arg(long)]
    pub md: bool,
    /// CSV.
    #[arg(long)]
    pub csv: bool,
    /// JSON.
    #[arg(long)]
    pub json: bool,
}

/// Changes of a sweep.
#[derive(Debug, Subcommand)]
pub enum SweepChange {
    /// Start no further trials; running ones continue.
    Pause {
        /// EXPERIMENT for its newest sweep, or EXPERIMENT:NUMBER.
        sweep: String,
    },
    /// Resume a paused sweep.
    Resume {
        /// EXPERIMENT for its newest sweep, or EXPERIMENT:NUMBER.
        sweep: String,
    },
    /// Add trials with further values, such as `lora_rank=32,64`.
    Add {
        /// EXPERIMENT for its newest sweep, or EXPERIMENT:NUMBER.
        sweep: String,
        /// The values, as key=a,b: a grid takes them together with all values of its other keys.
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// Exclude values: remove queued trials that use them and stop sampling them.
    Drop {
        /// EXPERIMENT for its newest sweep, or EXPERIMENT:NUMBER.
        sweep: String,
        /// The values, as key=a,b.
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// Change settings that all trials share, such as `max_steps=200`, or `run_cap=40`.
    Set {
        /// EXPERIMENT for its newest sweep, or EXPERIMENT:NUMBER.
        sweep: String,
        /// The changes, as key=value: of waiting trials and of those to come.
        #[arg(required = true)]
        changes: Vec<String>,
        /// Also queue finished trials again, to continue with the change.
        #[arg(long)]
        resume: bool,
    },
}

/// A change of the queue.
#[derive(Debug, Subcommand)]
pub enum QueueChange {
    /// Start no new runs.
    Pause {
        /// Only of this group.
        #[arg(long)]
        group: Option<String>,
    },
    /// Start again.
    Resume {
        /// Only this group, without a limit.
        #[arg(long)]
        group: Option<String>,
    },
    /// Give a waiting run another priority (higher goes first).
    Move {
        /// The run.
        run: String,
        /// The priority.
        #[arg(allow_negative_numbers = true)]
        priority: i64,
    },
    /// Put waiting runs into a group.
    Join {
        /// The group whose share of the slots they take from now on.
        group: String,
        /// The runs.
        #[arg(required = true)]
        runs: Vec<String>,
    },
    /// Take waiting runs out of their groups.
    Leave(SomeRuns),
    /// Hold waiting runs: they stay in the queue and do not start.
    Hold(SomeRuns),
    /// Release held runs.
    Release(SomeRuns),
    /// Checkpoint running runs and send them back to Slurm's queue.
    Requeue(SomeRuns),
    /// Take waiting runs out of the queue.
    Drop(SomeRuns),
    /// Limit how many slots (GPUs, or shares of the CPU) are used.
    Slots {
        /// How many.
        count: u32,
        /// Limit only this group's runs.
        #[arg(long)]
        group: Option<String>,
    },
}
