//! Named places where a test may end a process as `kill -9` would. Absent without the feature `crash-points`.

/// Kills this process here if `LORADECK_CRASH_AT` names this point. With `LORADECK_CRASH_MARK` only the first process
/// that comes by dies: the one that can create that file.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    if std::env::var("LORADECK_CRASH_AT").is_ok_and(|wanted| wanted == name) && is_first() {
        // SIGKILL to oneself: nothing is flushed, nothing unwinds, exactly as for a killed process.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(feature = "crash-points")]
fn is_first() -> bool {
    std::env::var_os("LORADECK_CRASH_MARK").is_none_or(|mark| std::fs::File::create_new(mark).is_ok())
}

/// Does nothing: this program was built without crash points.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_name: &str) {}
