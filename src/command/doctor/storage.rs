//! Disk space, file locks, and the kernel's limits on watching files.

use std::fs;
use std::path::Path;

use loradeck_core::run::{Workspace, try_exclusive};

use super::finding::Finding;
use crate::launch::HostSlots;

/// Below this, a checkpoint may not fit.
const LOW_SPACE: u64 = 1 << 30;
/// Below this, a few models or a sweep's checkpoints may not fit.
const LITTLE_SPACE: u64 = 10 << 30;

pub(super) fn examine(here: &Path, workspace: Option<&Workspace>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = space(here).into_iter().collect();
    findings.extend(workspace.map(locks));
    findings.push(slot_locks());
    findings.extend(watches(workspace.map_or(0, |workspace| workspace.runs().len())));
    findings
}

fn space(here: &Path) -> Option<Finding> {
    let about = rustix::fs::statvfs(here).ok()?;
    Some(judged_space(about.f_bavail.saturating_mul(about.f_frsize)))
}

fn judged_space(free: u64) -> Finding {
    let found = format!("{:.1} GiB are free", free as f64 / f64::from(1 << 30));
    match free {
        ..LOW_SPACE => {
            Finding::bad("disk", found).with("`loradeck remove` moves runs to the trash; empty it")
        }
        LOW_SPACE..LITTLE_SPACE => {
            Finding::advice("disk", found).with("checkpoints of large adapters fill this soon")
        }
        _ => Finding::good("disk", found),
    }
}

fn locks(workspace: &Workspace) -> Finding {
    let tried = workspace.ensure_state_folder().and_then(|folder| {
        let path = folder.join(format!("doctor-{}.lock", std::process::id()));
        let taken = try_exclusive(&path).map(|lock| lock.is_some());
        let _ = fs::remove_file(&path);
        taken
    });
    match tried {
        Ok(true) => Finding::good("locks", "file locks work in the workspace"),
        Ok(false) => Finding::bad(
            "locks",
            "a new lock file was found locked: the file system's locks cannot be relied on",
        ),
        Err(error) => {
            Finding::bad("locks", error.to_string()).with("runs need file locks (flock): use a local disk")
        }
    }
}

fn slot_locks() -> Finding {
    let topic = "slots";
    match HostSlots::open() {
        Ok(_) => Finding::good(topic, "this machine's slots are shared with other workspaces and users"),
        Err(error) => Finding::bad(topic, error.to_string())
            .with("$LORADECK_SLOT_LOCKS names another folder; it must be the same for everybody"),
    }
}

fn watches(runs: usize) -> Option<Finding> {
    let read = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    Some(judged_watches(read("max_user_watches")?, read("max_user_instances")?, runs as u64))
}

/// The dashboard watches a few folders of each run; other programs need watches too.
fn judged_watches(watches: u64, instances: u64, runs: u64) -> Finding {
    let found = format!("{watches} file watches and {instances} watchers are allowed for each user");
    if watches < 8 * runs + 4096 {
        return Finding::advice("inotify", found).with(
            "changes are then found by polling, with a delay; to raise it: sudo sysctl fs.inotify.max_user_watches=524288",
        );
    }
    if instances < 64 {
        return Finding::advice("inotify", found).with("more: sudo sysctl fs.inotify.max_user_instances=512");
    }
    Finding::good("inotify", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Verdict;

    #[test]
    fn little_space_is_told_in_time() {
        let verdicts = [100 << 20, 5 << 30, 50 << 30].map(|free| judged_space(free).verdict);
        assert_eq!(verdicts, [Verdict::Bad, Verdict::Advice, Verdict::Good]);
    }

    #[test]
    fn watches_grow_with_the_runs() {
        assert_eq!(judged_watches(8192, 128, 10).verdict, Verdict::Good);
        assert_eq!(judged_watches(8192, 128, 10_000).verdict, Verdict::Advice);
        assert_eq!(judged_watches(524_288, 8, 10).verdict, Verdict::Advice);
    }

    #[test]
    fn locks_work_on_a_local_disk() {
        let folder = tempfile::tempdir().unwrap();
        let finding = locks(&Workspace::at(folder.path()));
        assert_eq!(finding.verdict, Verdict::Good, "{finding:?}");
        let left: Vec<_> = fs::read_dir(folder.path().join(".loradeck")).unwrap().flatten().collect();
        assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("doctor")));
    }
}
