//! One file per command: parse, call, print.

mod adopt;
mod check;
mod clean;
mod compare;
mod demo;
mod dispatch;
mod doctor;
mod du;
mod home;
mod init;
mod list;
mod logs;
mod metrics;
mod new;
mod out;
mod preview;
mod queue;
mod run;
mod runs;
mod sample;
mod schema;
mod show;
mod supervise;
mod sweep;
mod trials;
mod trust;
mod watch;
mod write;

use std::process::ExitCode;

use anyhow::Result;
use loradeck_core::run::{Workspace, WorkspaceError};

use crate::cli::{Cli, Command};

/// How often the dashboard looks into other programs' folders.
const TRACK_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// Success.
pub const OK: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or a configuration is wrong.
pub const USAGE: u8 = 2;

/// Runs what the arguments ask for.
pub fn execute(cli: Cli) -> ExitCode {
    let Some(command) = cli.command else { return report(dashboard(&cli.workspaces)) };
    report(match command {
        Command::New { name, template } => new::new(&name, &template),
        Command::Doctor { json } => doctor::doctor(json),
        Command::Schema => schema::schema(),
        Command::Keep { runs, no } => runs::keep(&runs.runs, !no),
        Command::Stop(runs) => runs::stop(&runs.runs),
        Command::Kill(runs) => runs::kill(&runs.runs),
        Command::Remove(runs) => runs::remove(&runs.runs),
        Command::Restore(runs) => runs::restore(&runs.runs),
        Command::Resume { run, overrides } => runs::resume(&run, &overrides),
        Command::Retry { run, overrides } => run::retry(&run, &overrides),
        Command::Run { target, overrides, dry_run, wait, plain, hold, group, json, yes } => {
            let place = crate::launch::Place { hold, group };
            run::run(&target, &overrides, &run::Options { dry_run, wait, plain, json, yes, place })
        }
        Command::Check { target, overrides, json } => check::check(&target, &overrides, json),
        Command::Preview { target, overrides, images, output, sample, held_out, json } => {
            let wanted = preview::Wanted { images, output, samples: sample, held_out, json };
            preview::preview(&target, &overrides, wanted)
        }
        Command::Queue { change, json } => queue::queue(change, json),
        Command::List { filter, json } => list::list(&filter, json),
        Command::Show { run, json } => show::show(&run.run, json),
        Command::Logs { run, follow, lines } => logs::logs(&run.run, follow, lines),
        Command::Metrics { run, csv, json } => metrics::metrics(&run.run, csv, json),
        Command::Watch { plain } => watch::watch(plain),
        Command::Compare { targets, sort, form, output } => {
            compare::compare(&targets, sort.as_deref(), &form, output)
        }
        Command::Report { target } => write::report(&target),
        Command::Sample { arguments } => sample::sample(&arguments),
        Command::Commit { runs, pending } => write::commit(&runs, pending),
        Command::Init { dir } => init::init(dir),
        Command::Trust { dir, list: true, json, .. } => trust::list(dir.as_deref(), json),
        Command::Trust { dir, revoke: true, .. } | Command::Untrust { dir } => trust::untrust(dir),
        Command::Trust { dir, yes, foreign_owner, others_may_write, .. } => {
            trust::trust(dir, &trust::Consent { yes, foreign_owner, others_may_write })
        }
        Command::Demo { dir, shipped, base_model, image, plain } => {
            demo::demo(dir, &shipped, &base_model, image, plain)
        }
        Command::Du { targets, json } => du::du(&targets, json),
        Command::Clean { targets, keep, trash, yes } => clean::clean(&targets, keep, trash, yes),
        Command::Sweep { change, json } => sweep::sweep(change, json),
        Command::Home { take_over } => home::home(take_over),
        Command::Dispatch { detached } => dispatch::dispatch(detached),
        Command::Adopt { dir, name } => adopt::adopt(&dir, name.as_deref()),
        Command::Exec { run, attempt } => crate::launch::exec::exec(&run, attempt),
        Command::Supervise { run, attempt, adopt, submission } => {
            supervise::supervise(&run, attempt, adopt, submission.as_deref())
        }
    })
}

/// The workspace around the current folder. Outside of one a file is looked at as the trainer reads it: its paths are
/// relative to the current folder, which stands in the workspace's place.
fn workspace_or_here(target: &str) -> Result<(Workspace, bool)> {
    let here = std::path::Path::new(".");
    match Workspace::open(here) {
        Ok(workspace) => Ok((workspace, true)),
        Err(WorkspaceError::NotFound(_)) if std::path::Path::new(target).is_file() => {
            Ok((Workspace::at(std::env::current_dir()?), false))
        }
        Err(error) => Err(error.into()),
    }
}

/// The dashboard over the workspaces around these folders, or around the current one.
fn dashboard(folders: &[std::path::PathBuf]) -> Result<u8> {
    let here = [std::path::PathBuf::from(".")];
    let folders = if folders.is_empty() { &here[..] } else { folders };
    let mut workspaces = Vec::new();
    for folder in folders {
        let workspace = Workspace::open(folder)?;
        if !workspaces.contains(&workspace) {
            workspaces.push(workspace);
        }
    }
    // Looks and keys are those of the workspace named first.
    let settings = workspaces.first().map(Workspace::settings).transpose()?.unwrap_or_default();
    let options = crate::tui::Options::of(&settings)?;
    let looked_at = workspaces.clone();
    // In its own time: the first frame does not wait for it, and a workspace that cannot be woken is still shown.
    std::thread::spawn(move || {
        for workspace in looked_at {
            let _ = crate::launch::wake_for(&workspace, &workspace.runs());
        }
    });
    let tracked = workspaces.clone();
    std::thread::spawn(move || {
        loop {
            tracked.iter().for_each(crate::launch::refresh_adopted);
            std::thread::sleep(TRACK_EVERY);
        }
    });
    crate::tui::run(&workspaces, &options)?;
    Ok(OK)
}

fn report(result: Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            out::error(&error);
            ExitCode::from(out::exit_code(&error))
        }
    }
}
