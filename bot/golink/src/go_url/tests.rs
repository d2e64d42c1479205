//! Addresses as Go writes them.

use super::*;

fn again(text: &str) -> String {
    GoUrl::parse(text).map_or_else(|why| format!("error: {why}"), |url| url.to_string())
}

#[test]
fn addresses_come_out_as_go_writes_them() {
    for (text, expected) in [
        ("http://host.com/foo%2f/bar", "http://host.com/foo%2f/bar"),
        ("http://host.com/a b", "http://host.com/a%20b"),
        ("http://host.com/é", "http://host.com/%C3%A9"),
        ("HTTP://Host/", "http://Host/"),
        ("http://host?", "http://host?"),
        ("http://host?a", "http://host?a"),
        ("http://u:p@host:80/x#f g", "http://u:p@host:80/x#f%20g"),
        ("http://münchen/", "http://m%C3%BCnchen/"),
        ("mailto:a@b.c", "mailto:a@b.c"),
        ("file:/a", "file:/a"),
        ("file:///a", "file:///a"),
        ("//host/a", "//host/a"),
        ("/a/b;c", "/a/b;c"),
        ("rel/a", "rel/a"),
        ("a%3Ab", "a%3Ab"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://host/{x}", "http://host/%7Bx%7D"),
        ("http://host/a*b'(c)!", "http://host/a*b'(c)!"),
        ("*", "*"),
        ("", ""),
    ] {
        assert_eq!(again(text), expected, "{text}");
    }
}

#[test]
fn what_go_refuses_is_refused() {
    for text in
        ["http://ho st/", "http://host:x/", "%zz", "a:b:c/%", ":x", "1:2", "http://a\nb", "http://[::1", "http://h/%2"]
    {
        let url = again(text);
        assert!(url.starts_with("error") || text == "a:b:c/%", "{text}: {url}");
    }
}

#[test]
fn queries_are_joined_and_sorted() {
    let mut url = GoUrl::parse("/rel?b=1&a=1").expect("an address");
    url.add_query("a=2&c=x y&d=%zz&;e=1");
    assert_eq!(url.to_string(), "/rel?a=1&a=2&b=1&c=x+y");
    let mut url = GoUrl::parse("/rel?b=1&a=1").expect("an address");
    url.add_query("");
    assert_eq!(url.to_string(), "/rel?b=1&a=1");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_was_written_reads_the_same(text in "\\PC{0,60}") {
        if let Ok(url) = GoUrl::parse(&text) {
            let written = url.to_string();
            assert_eq!(again(&written), written, "{text}");
        }
    }
}
