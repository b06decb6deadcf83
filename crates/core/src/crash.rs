//! Named places where a test may end a process as `kill -9` would. Absent without the feature `crash-points`.

/// Kills this process here if `LORADECK_CRASH_AT` names this point.
#[cfg(feature = "crash-points")]
pub fn point(name: &str) {
    if std::env::var("LORADECK_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        // SIGKILL to oneself: nothing is flushed, nothing unwinds, exactly as for a killed process.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

/// Does nothing: this program was built without crash points.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub fn point(_name: &str) {}
