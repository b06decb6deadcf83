//! Whether this system ends a user's processes at logout, and what saves the dispatcher from it.
//!
//! Two things end them. With `KillUserProcesses=yes` logind ends everything in the session's scope (logind.conf(5)).
//! And the user's own service manager ends with the user's last session, with everything below it, whatever is set;
//! unless the user lingers (loginctl(1)). So with lingering a scope of that manager outlives every logout, and
//! nothing else does. Seen on real machines by `tests/system/logout`.

mod killing;
mod place;
mod refuge;
mod scope;

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use self::killing::Killing;
use self::place::Place;
use super::patience::answer_within;
pub(super) use refuge::Refuge;

/// How long one of systemd's programs may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file for every user who lingers.
const LINGER_FOLDER: &str = "/var/lib/systemd/linger";

/// What becomes of a run that is started now when its user logs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logout {
    /// It goes on.
    Harmless,
    /// It would be ended, but goes on in a scope of the user's manager.
    SparesScopes,
    /// It is ended.
    EndsAll(Cause),
}

/// Why nothing spares a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The user does not linger, so that the user's manager ends too.
    NoLinger,
    /// The user lingers, but the manager makes no scope: it is not at work, or cannot be reached.
    NoManager,
}

impl Logout {
    /// What ends a run and the command that helps, where something ends it.
    pub fn warning(self) -> Option<(&'static str, String)> {
        let Self::EndsAll(cause) = self else { return None };
        Some(match cause {
            Cause::NoLinger => ("runs are killed when you log out", "loginctl enable-linger".to_owned()),
            Cause::NoManager => (
                "runs are killed when you log out: lingering is enabled, but your service manager makes no scope for them",
                format!("sudo systemctl restart user@{}.service", own_number()),
            ),
        })
    }
}

/// What this system does with a run that this process starts.
pub fn at_logout() -> Logout {
    if !is_systemd() {
        return Logout::Harmless;
    }
    let place = own_place();
    let is_ended = is_ended(place);
    judged(place, is_ended, || lingers(own_number()), scope::can_be_made)
}

/// Whether a process that is at work already, a supervisor or the dispatcher, is ended at logout.
pub fn is_ended_at_logout(pid: u32) -> bool {
    is_systemd()
        && fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|text| is_ended(Place::of(&text)))
}

/// The command that starts `program` so that a logout spares it, as far as anything does.
pub(super) fn sparing_command(program: &Path, logout: Logout) -> Command {
    if logout == Logout::SparesScopes { scope::in_scope(program) } else { Command::new(program) }
}

/// `is_ended` is what becomes of a process in `place`; the rest is asked only where it matters.
fn judged(
    place: Place,
    is_ended: bool,
    lingers: impl FnOnce() -> bool,
    scope_can_be_made: impl FnOnce() -> bool,
) -> Logout {
    let is_in_manager = matches!(place, Place::Manager(_));
    if !is_ended && !is_in_manager {
        return Logout::Harmless;
    }
    match (lingers(), is_ended) {
        (false, true) => Logout::EndsAll(Cause::NoLinger),
        // Under a manager that stays, too: a desktop's end may end the terminal's unit, but not one of our own.
        (true, _) if scope_can_be_made() => Logout::SparesScopes,
        (true, true) => Logout::EndsAll(Cause::NoManager),
        (_, false) => Logout::Harmless,
    }
}

fn is_ended(place: Place) -> bool {
    match place {
        Place::Elsewhere => false,
        Place::Session(owner) => Killing::here().ends(&name_of(owner)),
        Place::Manager(owner) => !lingers(owner),
    }
}

fn is_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn own_place() -> Place {
    Place::of(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default())
}

/// Whether the user's manager stays without a session. logind knows no user who neither lingers nor is logged in.
fn lingers(user: u32) -> bool {
    let asked = show_user(user, "Linger").map(|value| value == "yes");
    asked.unwrap_or_else(|| Path::new(LINGER_FOLDER).join(name_of(user)).is_file())
}

fn name_of(user: u32) -> String {
    show_user(user, "Name").unwrap_or_else(|| match user {
        0 => "root".to_owned(),
        user if user == own_number() => env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_default(),
        _ => String::new(),
    })
}

fn own_number() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn show_user(user: u32, property: &str) -> Option<String> {
    let user = user.to_string();
    answer(Command::new("loginctl").args(["show-user", &user, "--value", "--property", property]))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// What a program of systemd's answers, if it succeeds.
fn answer(command: &mut Command) -> Option<String> {
    let output = answer_within(command, PATIENCE).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(place: Place, is_ended: bool, lingers: bool, scope: bool) -> Logout {
        judged(place, is_ended, || lingers, || scope)
    }

    #[test]
    fn a_session_that_is_ended_needs_a_lingering_manager_within_reach() {
        let session = Place::Session(1000);
        assert_eq!(of(session, false, false, false), Logout::Harmless);
        assert_eq!(of(session, true, false, true), Logout::EndsAll(Cause::NoLinger));
        assert_eq!(of(session, true, true, true), Logout::SparesScopes);
        assert_eq!(of(session, true, true, false), Logout::EndsAll(Cause::NoManager));
    }

    #[test]
    fn under_the_users_manager_only_lingering_helps() {
        let manager = Place::Manager(1000);
        assert_eq!(of(manager, true, false, true), Logout::EndsAll(Cause::NoLinger));
        assert_eq!(of(manager, false, true, true), Logout::SparesScopes);
        assert_eq!(of(manager, false, true, false), Logout::Harmless);
    }

    #[test]
    fn a_service_of_the_system_knows_no_logout() {
        let ask = || -> bool { panic!("nobody has to be asked") };
        assert_eq!(judged(Place::Elsewhere, false, ask, ask), Logout::Harmless);
    }

    #[test]
    fn a_scope_is_used_only_where_it_saves() {
        let words = |logout| {
            let command = sparing_command(Path::new("/bin/loradeck"), logout);
            std::iter::once(command.get_program())
                .chain(command.get_args())
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            words(Logout::SparesScopes),
            "systemd-run --user --scope --quiet --collect --property=Delegate=yes -- /bin/loradeck"
        );
        assert_eq!(words(Logout::EndsAll(Cause::NoManager)), "/bin/loradeck");
        assert_eq!(words(Logout::Harmless), "/bin/loradeck");
    }

    #[test]
    fn what_ends_a_run_comes_with_the_command_that_helps() {
        assert_eq!(Logout::EndsAll(Cause::NoLinger).warning().unwrap().1, "loginctl enable-linger");
        assert_eq!(Logout::SparesScopes.warning(), None);
    }
}
