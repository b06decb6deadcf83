//! How long libtorch's CPU threads spin before they sleep.
//!
//! GNU OpenMP spins about 10 ms by default. On a machine that does anything else, the spinning threads take the very
//! time that the working one needs: a step was seen to take 5 times as long beside other busy processes. The limit is
//! read when the library is loaded, so it has to stand in the environment before this program starts.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const SPINS: &str = "GOMP_SPINCOUNT";
const POLICY: &str = "OMP_WAIT_POLICY";
/// Iterations of some 40 ns: longer than the pause between two operations of a step, shorter than a time slice.
/// It costs between nothing and 8 % of a step where nothing else runs; docs/measurements.md compares other values.
const FEW: &str = "2000";

/// Starts this program again, in the same process, with a short spin; returns where the environment already says how
/// to wait, or where it cannot be done, which costs speed only.
pub fn shorten() {
    if env::var_os(SPINS).is_some() || env::var_os(POLICY).is_some() {
        return;
    }
    let mut arguments = env::args_os();
    let (Ok(program), Some(name)) = (env::current_exe(), arguments.next()) else { return };
    let _ = Command::new(program).arg0(name).args(arguments).env(SPINS, FEW).exec();
}
