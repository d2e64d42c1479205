//! A tailnet as large and as odd as real ones are: thousands of people and devices, and records that are not as they should be.

use serde_json::Value;

use super::TailnetWorld;
use super::faults::Endpoint;
use super::seed;
use super::state::Person;

/// The login of one of the crowd.
pub fn crowd_login(number: usize) -> String {
    format!("p{number:05}@example.com")
}

/// The node id of a device of the crowd.
pub fn crowd_node_id(number: usize) -> String {
    format!("nCROWD{number:05}CNTRL")
}

impl TailnetWorld {
    /// So many more people, and so many devices that belong to them in turn: person 1 has device 1, 1 + people, and so on.
    pub fn crowd(&self, people: usize, devices: usize) {
        let now_ms = self.now_ms();
        self.change(|state| {
            state.people.extend((0..people).map(|number| Person {
                id: format!("uCROWD{number:05}CNTRL"),
                login: crowd_login(number),
                display_name: format!("Person {number}"),
                is_shared: false,
                role: "member",
                is_suspended: false,
                created_at: now_ms,
            }));
            state.machines.extend((0..devices).map(|number| {
                let login = crowd_login(number % people.max(1));
                let name = format!("crowd-{number:05}");
                let counted = u64::try_from(number).unwrap_or(0).saturating_add(10_000);
                seed::machine(&crowd_node_id(number), &name, "linux", &login, counted, now_ms)
            }));
        });
    }

    /// A list (`Devices` or `Users`) has this record too, which may be anything.
    pub fn list_also(&self, list: Endpoint, record: Value) {
        self.change(|state| state.odd.push((list, record)));
    }
}
