//! Under which of systemd's units a process runs: that is what decides its fate at logout, not whose process it is.

/// Where a process runs, by its control group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the scope of a login session of this user.
    Session(u32),
    /// Under this user's own service manager, which ends with the user's last session unless the user lingers. A
    /// desktop's terminals run there.
    Manager(u32),
    /// In a service of the system (cron, a daemon), or where systemd does not manage it.
    Elsewhere,
}

impl Place {
    /// Reads `/proc/PID/cgroup`: the unified hierarchy, or systemd's own of the older kind (cgroups(7)).
    pub(super) fn of(cgroups: &str) -> Self {
        let paths = cgroups.lines().filter_map(|line| {
            let (_, membership) = line.split_once(':')?;
            let (controllers, path) = membership.split_once(':')?;
            ["", "name=systemd"].contains(&controllers).then_some(path)
        });
        paths.map(of_path).find(|place| *place != Self::Elsewhere).unwrap_or(Self::Elsewhere)
    }
}

/// `…/user-1000.slice/session-3.scope/…` or `…/user-1000.slice/user@1000.service/…`.
fn of_path(path: &str) -> Place {
    let mut names = path.split('/');
    let Some(owner) = names.by_ref().find_map(|name| {
        let number = name.strip_prefix("user-")?.strip_suffix(".slice")?;
        number.parse::<u32>().ok()
    }) else {
        return Place::Elsewhere;
    };
    match names.next() {
        Some(name) if name.starts_with("session-") => Place::Session(owner),
        Some(name) if name.starts_with("user@") => Place::Manager(owner),
        _ => Place::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_read_from_either_hierarchy() {
        // As systemd 252 of Debian 12 has it, over ssh, in a scope of the user's manager, and under cron.
        let session = "0::/user.slice/user-1000.slice/session-3.scope\n";
        assert_eq!(Place::of(session), Place::Session(1000));
        let scope = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-rfa81.scope\n";
        assert_eq!(Place::of(scope), Place::Manager(1000));
        assert_eq!(Place::of("0::/system.slice/cron.service\n"), Place::Elsewhere);
        let hybrid = "9:name=systemd:/user.slice/user-0.slice/session-12.scope\n8:pids:/\n0::/\n";
        assert_eq!(Place::of(hybrid), Place::Session(0));
        let other = "4:memory:/user.slice/user-7.slice/session-1.scope\n0::/\n";
        assert_eq!(Place::of(other), Place::Elsewhere, "another controller's hierarchy is not systemd's");
    }

    #[test]
    fn what_is_none_of_them_is_elsewhere() {
        for text in
            ["", "0::/", "0::/user.slice/user-x.slice/session-1.scope", "0::/user.slice/user-1000.slice"]
        {
            assert_eq!(Place::of(text), Place::Elsewhere, "{text}");
        }
    }
}
