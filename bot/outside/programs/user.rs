//! The user of this machine as whom programs run, and whether we may become them.

/// Another user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What it takes to become somebody else, to end what they run, and to see in its environment that it is ours: by the numbers Linux has
/// for capabilities.
const NEEDED: [(u32, &str); 4] = [(5, "CAP_KILL"), (6, "CAP_SETGID"), (7, "CAP_SETUID"), (19, "CAP_SYS_PTRACE")];

impl User {
    /// The user of this name, if we may run programs as them.
    ///
    /// # Errors
    /// There is none, it is us or root, or we may not: what a person must mend.
    pub(super) fn to_run_as(name: &str) -> Result<Self, String> {
        let users =
            std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd cannot be read: {error}"))?;
        let user = named(&users, name).ok_or_else(|| {
            format!("`run_as` names {name}, and /etc/passwd has no such user; make it with useradd --system")
        })?;
        let own = rustix::process::geteuid().as_raw();
        if user.uid == 0 || user.gid == 0 {
            return Err(format!("`run_as` names {name}, who is root or of root's group; programs never run so"));
        }
        if user.uid == own {
            return Err(format!(
                "`run_as` names {name}, and that is who nightlatch runs as: programs could read its secrets"
            ));
        }
        if own != 0 || rustix::process::getuid().as_raw() != 0 {
            return Err(format!(
                "`run_as` names {name}, and only root can run programs as another user; run nightlatch as root (docs/operating.md says with \
                 which rights alone), or take `programs` out"
            ));
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let lacked: Vec<&str> = lacks(&status);
        if !lacked.is_empty() {
            return Err(format!(
                "to run programs as {name} nightlatch needs {}; add them to CapabilityBoundingSet=",
                lacked.join(", ")
            ));
        }
        Ok(user)
    }
}

/// Where the system has no such list, root may do everything.
fn lacks(status: &str) -> Vec<&'static str> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(has) = line.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()) else { return Vec::new() };
    NEEDED.iter().filter(|(number, _)| has & (1 << number) == 0).map(|(_, name)| *name).collect()
}

fn named(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let mut number = |skipped: usize| fields.nth(skipped)?.parse::<u32>().ok();
        let (uid, gid) = (number(1)?, number(0)?);
        is_it.then_some(User { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_never_root_or_ourselves() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\n# broken\nrunner:x:990:991::/:/usr/sbin/nologin\nrunner2:x:1:2::/:\n";
        assert_eq!(named(users, "runner"), Some(User { uid: 990, gid: 991 }));
        assert_eq!((named(users, "runn"), named(users, "")), (None, None));
        assert!(User::to_run_as("root").unwrap_err().contains("never run so"));
        assert!(User::to_run_as("no-such-user-here").unwrap_err().contains("useradd"));
    }

    #[test]
    fn what_root_may_not_do_is_named() {
        assert_eq!(lacks("Name:\tx\nCapEff:\t000001ffffffffff\n"), Vec::<&str>::new());
        assert_eq!(lacks("CapEff:\t0000000000000060\n"), ["CAP_SETUID", "CAP_SYS_PTRACE"]);
        assert_eq!(lacks(""), Vec::<&str>::new());
    }
}
