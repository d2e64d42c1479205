//! Entries come and go, and every other byte stays: styles people write in, and what others write in between.

mod properties;
mod styles;

use serde_json::json;

use super::*;

const MAX: usize = 1 << 20;

fn read(text: &str) -> Document {
    Document::read(text, MAX).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn grant(id: &str, login: &str) -> Entry {
    Entry {
        place: Place::List("grants".to_owned()),
        name: String::new(),
        value: json!({ "src": [login], "dst": ["tag:prod-db"], "ip": ["tcp:5432"] }),
        mark: Mark::of(id, login),
    }
}

fn member(id: &str, group: &str, login: &str) -> Entry {
    Entry {
        place: Place::ListUnder("groups".to_owned(), group.to_owned()),
        name: String::new(),
        value: login.into(),
        mark: Mark::of(id, login),
    }
}

fn posture(id: &str, name: &str) -> Entry {
    Entry {
        place: Place::Under("postures".to_owned()),
        name: name.to_owned(),
        value: json!(["custom:nl_1 == true"]),
        mark: Mark::of(id, "guards prod-db"),
    }
}

fn is_of<'i>(id: &'i str) -> impl Fn(&Entry) -> bool + 'i {
    move |entry| entry.mark.requests.contains(id)
}

#[track_caller]
fn comes_and_goes(text: &str, entries: &[Entry]) -> String {
    let with = read(text).with(entries).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let again = read(&with.text());
    let found = again.entries();
    assert!(entries.iter().all(|entry| found.contains(entry)), "{found:?}\n{}", with.text());
    assert_eq!(found.len(), entries.len(), "{}", with.text());
    let without = again.without(|entry| entries.contains(entry)).unwrap();
    assert_eq!(without.text(), text, "in between:\n{}", with.text());
    with.text()
}

#[test]
fn an_entry_stands_where_people_would_have_written_it() {
    let text = "// Ours.\n{\n\t\"groups\": {\n\t\t\"group:dba\": [\"bob@example.com\"],\n\t},\n\t\"grants\": [ // who reaches what\n\t\t{\"src\": [\"*\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}, // all\n\t],\n}\n";
    let entries = [
        grant("r1", "alice@example.com"),
        member("r1", "group:dba", "alice@example.com"),
        posture("r1", "posture:nl1"),
    ];
    insta::assert_snapshot!(comes_and_goes(text, &entries), @r#"
    // Ours.
    {
    	// nightlatch: added, and removed with its last entry
    	"postures": {
    		// nightlatch r1: guards prod-db
    		"posture:nl1": ["custom:nl_1 == true"],
    	},
    	"groups": {
    		"group:dba": [/* nightlatch r1: alice@example.com */ "alice@example.com", "bob@example.com"],
    	},
    	"grants": [ // who reaches what
    		// nightlatch r1: alice@example.com
    		{"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]},
    		{"src": ["*"], "dst": ["*"], "ip": ["*"]}, // all
    	],
    }
    "#);
}

#[test]
fn a_file_in_one_line_stays_in_one_line() {
    let entries = [grant("r1", "alice@example.com"), grant("r2", "bob@example.com"), member("r1", "group:x", "a@b")];
    insta::assert_snapshot!(comes_and_goes(r#"{"grants":[{"src":["*"]}],"tests":[]}"#, &entries), @r#"{/* nightlatch: added, and removed with its last entry */ "groups": {/* nightlatch: added, and removed with its last entry */ "group:x": [/* nightlatch r1: a@b */ "a@b", ], }, "grants":[/* nightlatch r1: alice@example.com */ {"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]}, /* nightlatch r2: bob@example.com */ {"src": ["bob@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]}, {"src":["*"]}],"tests":[]}"#);
    insta::assert_snapshot!(comes_and_goes("{}", &entries), @r#"{/* nightlatch: added, and removed with its last entry */ "grants": [/* nightlatch r1: alice@example.com */ {"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]}, /* nightlatch r2: bob@example.com */ {"src": ["bob@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]}, ], /* nightlatch: added, and removed with its last entry */ "groups": {/* nightlatch: added, and removed with its last entry */ "group:x": [/* nightlatch r1: a@b */ "a@b", ], }, }"#);
    insta::assert_snapshot!(comes_and_goes(r#"{ "grants" : [ ] , "groups" : { "group:x" : [ ] } }"#, &entries), @r#"{ "grants" : [/* nightlatch r1: alice@example.com */ {"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]}, /* nightlatch r2: bob@example.com */ {"src": ["bob@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:5432"]},  ] , "groups" : { "group:x" : [/* nightlatch r1: a@b */ "a@b",  ] } }"#);
}

#[test]
fn lists_of_every_shape_come_back_byte_for_byte() {
    let lists = [
        "[]",
        "[ ]",
        "[\n]",
        "[\n\n\n\t]",
        "[ /* none */ ]",
        "[ // none\n]",
        "[// none\r\n\t]",
        "[/* a\n b */]",
        "[{}]",
        "[{},]",
        "[ {} , ]",
        "[\n\t\t{}\n\t]",
        "[\n\t\t{},\n\t]",
        "[\r\n    {},\r\n]",
        "[ // x\n  {}, // y\n  // z\n]",
        "[{}, // x\n{}]",
        "[\n{}]",
        "[\n\n  // above\n  {}\n  ,\n]",
        "[/**/{}/**/,/**/]",
        "[\t\n{},{}\n]",
        "[/* a */ // b\n {}]",
    ];
    let entries = [grant("r1", "a@b"), grant("r2", "c@d"), posture("r2", "posture:nl2")];
    for list in lists {
        for text in [
            format!("{{\"grants\": {list}}}"),
            format!("{{\n\t\"grants\": {list},\n}}\n// end"),
            format!("\u{feff}// top\r\n{{\r\n  \"acls\": [],\r\n  \"grants\": {list}\r\n}}"),
            format!("{{\"Grants\": {list}, \"postures\": {{}},}}\n/* end */\n"),
        ] {
            let entries: Vec<Entry> = match text.contains("Grants") {
                true => entries
                    .iter()
                    .cloned()
                    .map(|entry| match entry.place {
                        Place::List(_) => Entry { place: Place::List("Grants".to_owned()), ..entry },
                        _ => entry,
                    })
                    .collect(),
                false => entries.to_vec(),
            };
            comes_and_goes(&text, &entries);
        }
    }
}

#[test]
fn what_others_wrote_in_between_stays() {
    let with =
        read("{\n\t\"acls\": [],\n}\n").with(&[grant("r1", "a@b"), member("r1", "group:x", "a@b")]).unwrap().text();
    // Somebody writes their own into the sections that were ours, and comments behind our entry.
    let edited = with
        .replace("\t\"grants\": [\n", "\t\"grants\": [\n\t\t{\"src\": [\"z\"]}, // theirs\n")
        .replace("[\"tcp:5432\"]},", "[\"tcp:5432\"]}, // mine?")
        .replace("\"groups\": {\n", "\"groups\": {\n\t\t\"group:y\": [\"y@z\"],\n");
    insta::assert_snapshot!(read(&edited).without(is_of("r1")).unwrap().text(), @r#"
    {
    	"grants": [
    		{"src": ["z"]}, // theirs
    		 // mine?
    	],
    	"groups": {
    		"group:y": ["y@z"],
    	},
    	"acls": [],
    }
    "#);
}

#[test]
fn what_is_not_ours_is_not_taken_for_it() {
    for comment in
        ["// nightlatches r1: x", "// nightlatch does r1: x", "// for r1: x", "/* nightlatch */", "// nightlatch r1 x"]
    {
        let text = format!("{{\"grants\": [\n{comment}\n{{}}]}}");
        let entries = read(&text).entries();
        assert!(!entries.iter().any(is_of("r1")), "{comment}: {entries:?}");
    }
    // An entry that only stands where ours stood is shown as it is, so that whoever takes ours out can tell.
    let text = "{\"grants\": [\n// nightlatch r1: a@b\n{\"src\": [\"theirs\"]}]}";
    assert_eq!(read(text).entries()[0].value, json!({ "src": ["theirs"] }));
}

#[test]
fn no_words_end_a_comment() {
    for words in [
        "a\nb",
        "*/ {\"src\": [\"*\"]}, /*",
        "a\r\nb",
        "**//",
        "/*/",
        "\u{2028}x",
        "\u{202e}gnp.exe",
        "//",
        "*",
        "end /",
        &"é".repeat(500),
    ] {
        let mut entry = grant("r1*/\n{}", words);
        for text in ["{\"grants\": []}", "{\n\"grants\": [\n]}"] {
            let with = read(text).with(std::slice::from_ref(&entry)).unwrap();
            assert_eq!(with.value()["grants"], json!([entry.value]), "{}", with.text());
            assert_eq!(with.without(is_of("r1")).unwrap().text(), text);
        }
        entry.mark.words.clear();
        assert!(read("{}").with(&[entry]).is_ok());
    }
}

#[test]
fn what_cannot_be_read_for_certain_is_refused_with_the_reason() {
    let refused = |text: &str| match Document::read(text, 60) {
        Ok(_) => panic!("{text}"),
        Err(error) => error.to_string(),
    };
    let said: Vec<String> = [
        "",
        "// nothing",
        "[]",
        "{\"a\": 1",
        "{'a': 1}",
        "{a: 1}",
        "{\"a\": 1 \"b\": 2}",
        "{\"grants\": [], \n \"Grants\": []}",
        "{\"x\": [{\"src\": 1,\n  \"src\": 2}]}",
        "{\"a\": 0x1f}",
        "{} {}",
        &format!("{{\"a\": \"{}\"}}", "x".repeat(60)),
    ]
    .iter()
    .map(|text| refused(text))
    .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    line 1, column 1: it is not an object
    line 1, column 1: it is not an object
    line 1, column 1: it is not an object
    line 1, column 1: Unterminated object
    line 1, column 2: Single-quoted strings are not allowed
    line 1, column 2: Expected string for object property
    line 1, column 8: Expected comma
    line 2, column 2: `Grants` stands twice in one object
    line 2, column 3: `src` stands twice in one object
    line 1, column 7: Hexadecimal numbers are not allowed
    line 1, column 4: Text cannot contain more than one JSON value
    it has 69 bytes, more than the 60 that are allowed
    ");
    let with = |text: &str, entry: Entry| read(text).with(&[entry]).unwrap_err().to_string();
    assert_eq!(with("{\"grants\": {}}", grant("r1", "a")), "`grants` is not a list");
    assert_eq!(with("{\"grants\": null}", grant("r1", "a")), "`grants` is not a list");
    assert_eq!(with("{\"groups\": []}", member("r1", "group:x", "a")), "`groups` is not an object");
    assert_eq!(with("{\"groups\": {\"group:x\": \"a\"}}", member("r1", "group:x", "a")), "`group:x` is not a list");
    assert_eq!(with("{\"postures\": {\"p\": []}}", posture("r1", "p")), "`p` is there already");
    let small = Document::read("{\"grants\": []}", 60).unwrap().with(&[grant("r1", "a")]).unwrap_err().to_string();
    insta::assert_snapshot!(small, @"it has 97 bytes, more than the 60 that are allowed");
}
