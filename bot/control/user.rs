//! Which user of this machine a process is, by what the kernel says about the other end of the socket.

use crate::kernel::Operator;

/// The user of this number on this machine.
pub fn operator(uid: u32) -> Operator {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Operator { user: name_in(&users, uid).unwrap_or_else(|| format!("uid {uid}")), host }
}

/// The name that `/etc/passwd` has for a number. Users that only a directory service knows have none there, and keep their number.
fn name_in(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_the_name_the_machine_has_for_its_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# broken\n:x:7:7::/:\ndeploy:x:1000:1000:,:/home/deploy:/bin/sh\n";
        for (uid, name) in [(0, Some("root")), (1000, Some("deploy")), (7, None), (100, None)] {
            assert_eq!(name_in(users, uid).as_deref(), name, "{uid}");
        }
        assert!(!operator(0).host.is_empty());
    }
}
