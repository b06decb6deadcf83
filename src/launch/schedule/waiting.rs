//! Why a queued run does not start, in words for people.

use loradeck_core::time::Moment;

/// What a queued run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing that its workspace names is started here: the workspace's root.
    NotTrusted(std::path::PathBuf),
    /// A person holds it back.
    Held,
    /// The whole queue is paused.
    QueuePaused,
    /// Its sweep is paused; the text says why, where it is known.
    SweepPaused(String),
    /// Its group is paused.
    GroupPaused(String),
    /// Its group uses all of its share.
    GroupFull(String),
    /// A run that must have finished first.
    After(String),
    /// A run that must have finished first and is not there: it was removed.
    AfterRemoved(String),
    /// A moment, after a failure.
    NotBefore(Moment),
    /// None of the devices that it names is here.
    NoSuchDevice(Vec<String>),
    /// Every device is taken by other runs.
    Slot,
    /// Processes that are not ours are on the GPUs.
    Foreign,
    /// GPU memory: what it needs, and the most that is free, in bytes.
    Memory {
        /// What it needs.
        needs: u64,
        /// The most that a device has.
        free: u64,
    },
    /// The disk of its folder: too little is free, or nothing can be written.
    Disk {
        /// Bytes that are free.
        free: u64,
        /// Whether it is mounted for reading only.
        read_only: bool,
    },
    /// Its folder cannot be written in; what the system says of it.
    ReadOnlyFolder(String),
    /// The first run of its kind shows how much memory it uses before others join it.
    FirstOfItsKind,
    /// Nothing: it starts with the next look.
    Nothing,
}

impl Waiting {
    /// A sentence without a full stop, with what changes it where something does.
    pub fn words(&self, now: Moment) -> String {
        match self {
            Self::NotTrusted(root) => crate::launch::trust::waits_for_trust(root),
            Self::Held => "held (`queue release` releases it)".to_owned(),
            Self::QueuePaused => "the queue is paused (queue resume)".to_owned(),
            Self::SweepPaused(why) if why.is_empty() => "its sweep is paused (sweep resume)".to_owned(),
            Self::SweepPaused(why) => format!("its sweep is paused: {why} (sweep resume)"),
            Self::GroupPaused(group) => format!("the group '{group}' is paused"),
            Self::GroupFull(group) => format!("the group '{group}' uses all of its slots"),
            Self::After(run) => format!("waits for {run} to finish"),
            Self::AfterRemoved(run) => {
                format!("waits for {run}, which is not there (restore brings a removed run back)")
            }
            Self::NotBefore(moment) => {
                format!("tries again in {} s", moment.since(now).as_secs())
            }
            Self::NoSuchDevice(devices) => format!("none of its devices is here: {}", devices.join(", ")),
            Self::Slot => "waits for a slot".to_owned(),
            Self::Foreign => {
                "other programs are on the GPU (slots: {shared_with_others: true} permits it)".to_owned()
            }
            Self::Memory { needs, free } => {
                let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
                format!("needs {:.1} GiB of GPU memory, {:.1} GiB are free", gib(*needs), gib(*free))
            }
            Self::Disk { read_only: true, .. } => "its folder's disk is mounted read-only".to_owned(),
            Self::Disk { free, .. } => format!("only {} MiB are free on its folder's disk", free >> 20),
            Self::ReadOnlyFolder(why) => why.clone(),
            Self::FirstOfItsKind => {
                "waits until the GPU memory of its sweep's first run has been measured".to_owned()
            }
            Self::Nothing => "starts next".to_owned(),
        }
    }

    /// Whether waiting may end without anybody doing anything about it: a dispatcher stays at work for it.
    pub fn may_pass(&self) -> bool {
        !matches!(
            self,
            Self::Held
                | Self::QueuePaused
                | Self::SweepPaused(_)
                | Self::GroupPaused(_)
                | Self::AfterRemoved(_)
                | Self::NotTrusted(_)
        )
    }
}
