//! The records of a long list, one by one as they arrive: a list of any length costs the memory of one record beside what is kept of
//! it, and a record that cannot be read leaves out itself and nobody else.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The largest record we read.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// So many odd records are remembered, so that each is named once.
const ODD_MAX: usize = 1_000;

/// Splits an object such as `{"devices":[{...},{...}]}` into the records of that list.
pub(super) struct Records {
    field: &'static str,
    /// How many objects and lists are open: 1 in the object, 2 in the list, 3 in a record.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    is_in_list: bool,
    has_list: bool,
    is_over: bool,
    /// The last text directly in the object: the name of what follows.
    name: Vec<u8>,
    /// The record so far.
    record: Vec<u8>,
}

impl Records {
    pub(super) fn new(field: &'static str) -> Self {
        Self {
            field,
            depth: 0,
            is_in_string: false,
            is_escaped: false,
            is_in_list: false,
            has_list: false,
            is_over: false,
            name: Vec::new(),
            record: Vec::new(),
        }
    }

    /// Takes the next bytes; `take` gets each record that is complete.
    pub(super) fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(&[u8])) {
        for byte in bytes {
            self.read(*byte, take);
        }
    }

    /// Whether the answer was complete and had such a list.
    pub(super) fn finish(&self) -> Result<(), &'static str> {
        match (self.is_over, self.has_list) {
            (true, true) => Ok(()),
            (true, false) => Err("it has no such list"),
            (false, _) => Err("it broke off"),
        }
    }

    fn read(&mut self, byte: u8, take: &mut dyn FnMut(&[u8])) {
        if self.is_in_string {
            self.read_text(byte);
            return;
        }
        match byte {
            b'"' => {
                self.is_in_string = true;
                if self.depth == 1 {
                    self.name.clear();
                }
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                if self.depth == 1 && byte == b'[' && self.name == self.field.as_bytes() {
                    (self.is_in_list, self.has_list) = (true, true);
                }
                self.depth = self.depth.saturating_add(1);
            }
            b'}' | b']' => {
                if self.depth > 2 {
                    self.keep(byte);
                }
                self.depth = self.depth.saturating_sub(1);
                if self.is_in_list && self.depth <= 2 {
                    self.hand_over(take);
                }
                self.is_in_list &= self.depth > 1;
                self.is_over |= self.depth == 0;
            }
            b',' if self.depth == 2 => self.hand_over(take),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                // Go prints an empty list as `null`.
                if self.depth == 1 && byte == b'n' && self.name == self.field.as_bytes() {
                    self.has_list = true;
                }
                self.keep(byte);
            }
        }
    }

    fn read_text(&mut self, byte: u8) {
        self.keep(byte);
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.is_in_string = false;
                return;
            }
            _ => {}
        }
        if self.depth == 1 {
            self.name.push(byte);
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.is_in_list && self.record.len() < RECORD_BYTES_MAX {
            self.record.push(byte);
        }
    }

    fn hand_over(&mut self, take: &mut dyn FnMut(&[u8])) {
        if self.is_in_list && !self.record.is_empty() {
            take(&self.record);
            self.record.clear();
        }
    }
}

/// Records that could not be read, each named in the log once.
#[derive(Debug, Default)]
pub(super) struct Odd {
    named: Mutex<HashSet<String>>,
}

impl Odd {
    pub(super) fn note(&self, call: &'static str, record: &[u8], why: &serde_json::Error) {
        let name = name(record);
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() < ODD_MAX && named.insert(format!("{call} {name}")) {
            tracing::warn!(call, record = name, why = %why, "a record of a list cannot be read and is left out");
        }
    }
}

/// What the log calls a record: its id or name, as far as it has one.
fn name(record: &[u8]) -> String {
    let record: Value = serde_json::from_slice(record).unwrap_or_default();
    let text = |field: &&str| record.get(*field)?.as_str().filter(|text| !text.is_empty());
    let found = ["nodeId", "id", "name", "loginName", "hostname"].iter().find_map(text);
    found.map_or_else(|| "(without a name)".to_owned(), |name| name.chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, piece: usize) -> (Vec<String>, Result<(), &'static str>) {
        let mut records = Records::new("devices");
        let mut found = Vec::new();
        for bytes in text.as_bytes().chunks(piece) {
            records.feed(bytes, &mut |record| found.push(String::from_utf8_lossy(record).into_owned()));
        }
        (found, records.finish())
    }

    #[test]
    fn records_are_the_same_however_the_bytes_arrive() {
        let text =
            r#" { "devices" : [ {"a":"]},{[\"\\","b":[1,{"c":2}]} , null, 7 ,"x,y", {} ], "next": [ {"no":1} ] } "#;
        let whole = split(text, text.len());
        insta::assert_debug_snapshot!(whole, @r#"
        (
            [
                "{\"a\":\"]},{[\\\"\\\\\",\"b\":[1,{\"c\":2}]}",
                "null",
                "7",
                "\"x,y\"",
                "{}",
            ],
            Ok(
                (),
            ),
        )
        "#);
        for piece in 1..9 {
            assert_eq!(split(text, piece), whole, "{piece} bytes at once");
        }
    }

    #[test]
    fn an_empty_list_is_one_and_what_broke_off_is_none() {
        assert_eq!(split(r#"{"devices":[]}"#, 3), (Vec::new(), Ok(())));
        assert_eq!(split(r#"{"devices":null}"#, 3), (Vec::new(), Ok(())));
        assert_eq!(split(r#"{"machines":[{}]}"#, 3), (Vec::new(), Err("it has no such list")));
        assert_eq!(split(r#"{"other":{"devices":[{}]}}"#, 3), (Vec::new(), Err("it has no such list")));
        assert_eq!(split("", 3), (Vec::new(), Err("it broke off")));
        let (found, whole) = split(r#"{"devices":[{"a":1},{"a""#, 4);
        assert_eq!((found.len(), whole), (1, Err("it broke off")));
    }
}
