//! Where a link leads: its destination, filled in with what stands behind the name and who asks.

use super::go_url::{GoUrl, UrlError};
use super::template::{self, Known, RunError, TemplateError};

/// Somebody follows a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visit<'a> {
    /// What stands behind the name, without the slash, unescaped.
    pub path: &'a str,
    /// What stands behind `?`, as it came.
    pub query: &'a str,
    /// Who; none if that is not known.
    pub user: Option<&'a str>,
    /// Milliseconds since the Unix epoch.
    pub now: i64,
}

/// Where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address; relative ones are relative to the go links themselves.
    pub address: String,
    /// In lower case; empty for a relative address.
    pub scheme: String,
}

/// Why it leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// The link depends on who asks, and that is not known.
    #[error("the link depends on who follows it, and that is not known")]
    NoUser,
    /// The destination is no template, or cannot be filled in.
    #[error("its destination cannot be filled in: {0}")]
    Template(String),
    /// What came out is no address.
    #[error("its destination is no address: {0}")]
    Address(UrlError),
}

/// Whether this can be a destination: what golink checks when a link is saved.
pub fn check(long: &str) -> Result<(), TemplateError> {
    template::parse(long).map(drop)
}

/// Where a link with the destination `long` leads now. Without `{{` in it the path is put behind it. A percent sign behind the name that
/// begins no escape is one.
pub fn expand(long: &str, visit: &Visit<'_>) -> Result<Target, ExpandError> {
    let led = lead(long, visit);
    let escaped = percent_escaped(visit.path);
    match led {
        Err(ExpandError::Address(_)) if escaped != visit.path => lead(long, &Visit { path: &escaped, ..*visit }),
        led => led,
    }
}

/// The same text with `%25` for each `%` that begins no escape.
fn percent_escaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_escape = part.len() > 1 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        text.push_str(if is_escape { "%" } else { "%25" });
        text.push_str(part);
    }
    text
}

fn lead(long: &str, visit: &Visit<'_>) -> Result<Target, ExpandError> {
    let text = if long.contains("{{") {
        let template = template::parse(long).map_err(|why| ExpandError::Template(why.to_string()))?;
        let known = Known { path: visit.path, user: visit.user.filter(|user| !user.is_empty()), now: visit.now };
        template::run(&template, &known).map_err(|why| match why {
            RunError::NoUser => ExpandError::NoUser,
            RunError::Said(why) => ExpandError::Template(why),
        })?
    } else if visit.path.is_empty() {
        long.to_owned()
    } else {
        format!("{}{}{}", long, if long.ends_with('/') { "" } else { "/" }, visit.path)
    };
    // A link that stays here stays here: what was typed behind `/` must not name another site.
    let text = if text.starts_with("//") && !long.starts_with("//") {
        format!("/{}", text.trim_start_matches('/'))
    } else {
        text
    };
    let mut url = GoUrl::parse(&text).map_err(ExpandError::Address)?;
    url.add_query(visit.query);
    Ok(Target { address: url.to_string(), scheme: url.scheme().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday 2022-06-02 01:02:03 UTC.
    const NOW: i64 = 1_654_131_723_000;

    fn leads(long: &str, path: &str, query: &str) -> String {
        let visit = Visit { path, query, user: Some("foo@example.com"), now: NOW };
        expand(long, &visit).map_or_else(|why| why.to_string(), |target| target.address)
    }

    #[test]
    fn plain_destinations_take_path_and_query() {
        for (long, path, query, expected) in [
            ("http://host/foo%2f/bar", "", "", "http://host/foo%2f/bar"),
            ("http://host/foo%2f/bar", "extra", "", "http://host/foo%2f/bar/extra"),
            ("http://host/foo", "extra", "", "http://host/foo/extra"),
            ("http://host/foo/", "extra", "", "http://host/foo/extra"),
            ("http://host/", "http://other", "", "http://host/http://other"),
            ("http://host", "a b/ä", "", "http://host/a%20b/%C3%A4"),
            ("http://host/", "100%", "", "http://host/100%25"),
            ("http://host/{{.Path}}", "5%-off/%zz/a%20b", "", "http://host/5%25-off/%25zz/a%20b"),
            ("rel", "a", "", "rel/a"),
            ("/rel", "path", "a=b", "/rel/path?a=b"),
            ("/", "/evil.test/x", "", "/evil.test/x"),
            ("{{.Path}}", "//evil.test", "", "/evil.test"),
            ("//host.test", "x", "", "//host.test/x"),
            ("/rel?a=1", "", "a=2&b=2", "/rel?a=1&a=2&b=2"),
        ] {
            assert_eq!(leads(long, path, query), expected, "{long} {path} {query}");
        }
    }

    #[test]
    fn templates_are_filled_in_as_go_fills_them_in() {
        for (long, path, expected) in [
            (r#"http://w/{{.Now.Format "01-02-2006"}}"#, "", "http://w/06-02-2022"),
            ("http://h/{{.User}}", "", "http://h/foo@example.com"),
            ("http://h/{{with .Path}}{{.}}@x{{else}}none{{end}}", "amelie", "http://h/amelie@x"),
            ("http://h/{{with .Path}}{{.}}@x{{else}}none{{end}}", "", "http://h/none"),
            ("http://h/{{with .Path}}{{$.User}}{{end}}", "a", "http://h/foo@example.com"),
            ("http://h/{{PathEscape .Path}}", "a/b+c", "http://h/a%2Fb+c"),
            ("http://h/?q={{QueryEscape .Path}}", "a/b+c d", "http://h/?q=a%2Fb%2Bc+d"),
            (r#"http://h/{{TrimPrefix .Path "BUG-"}}"#, "BUG-1", "http://h/1"),
            (r#"http://h/{{TrimSuffix .Path "/"}}"#, "a/", "http://h/a"),
            ("http://h/{{ToLower .Path}}{{ToUpper .Path}}", "aB", "http://h/abAB"),
            (r#"{{if Match "\\d+" .Path}}http://id/{{.Path}}{{else}}http://s/{{.Path}}{{end}}"#, "12", "http://id/12"),
            (r"{{if Match `^\d+$` .Path}}http://id/{{else}}http://s/{{end}}", "x", "http://s/"),
            (r"{{if Match `^\d+$` .Path}}http://id/{{else}}http://s/{{end}}", "\u{663}", "http://s/"),
            (r"{{if Match `^[\w-]+\.\S$` .Path}}http://id/{{else}}http://s/{{end}}", "a-b.\u{e9}", "http://id/"),
            (r"{{if Match `^\w+$` .Path}}http://id/{{else}}http://s/{{end}}", "\u{e9}", "http://s/"),
            (r"{{if Match `\bdb\b` .Path}}http://id/{{else}}http://s/{{end}}", "\u{e9}db x", "http://id/"),
            (r#"http://h/{{if eq .Path "a" "b"}}1{{else if eq .Path "c"}}2{{else}}3{{end}}"#, "c", "http://h/2"),
            ("http://h/{{.Path | ToLower | PathEscape}}", "A/B", "http://h/a%2Fb"),
            ("http://h/{{$x := ToLower .Path}}{{$x}}{{$x = .User}}/{{$x}}", "A", "http://h/a/foo@example.com"),
            ("http://h/  {{- /* why */ -}}  a {{- .Path -}} /b", "", "http://h/a/b"),
            (r#"http://h/{{printf "%04d-%s-%-3s|" 7 .Path "x"}}{{len .Path}}"#, "ab", "http://h/0007-ab-x%20%20%7C2"),
            ("http://h/{{if and .Path (not (eq .Path `x`))}}y{{end}}", "z", "http://h/y"),
            ("http://h/{{or .Path `home`}}", "", "http://h/home"),
            ("http://h/{{(.Now.AddDate 0 0 -1).Format `2006-01-02`}}", "", "http://h/2022-06-01"),
            ("http://h/{{.Now.Year}}/{{.Now.Month}}/{{printf `%d` .Now.Month}}", "", "http://h/2022/June/6"),
            ("http://h/{{slice .Path 0 2}}", "abcd", "http://h/ab"),
            ("http://h/{{html .Path}}", "<", "http://h/&lt;"),
            ("http://h/{{'a'}}{{0x10}}{{1.5}}{{true}}", "", "http://h/97161.5true"),
        ] {
            assert_eq!(leads(long, path, ""), expected, "{long} {path}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_says_why() {
        let visit = Visit { now: NOW, ..Visit::default() };
        assert_eq!(expand("http://h/{{.User}}", &visit), Err(ExpandError::NoUser));
        let said =
            |long: &str| leads(long, "p", "").trim_start_matches("its destination cannot be filled in: ").to_owned();
        all_say(&[
            (said("{{.Foo}}"), "there is no `.Foo`; a link knows `.Path`, `.User` and `.Now`"),
            (said("{{.Path.Foo}}"), "a text has no `.Foo`"),
            (said("{{PathEscape .Now}}"), "`PathEscape` takes a text and got a time"),
            (said("{{.Path `x`}}"), "`.Path` takes no arguments"),
            (said("{{.}}"), "`.` is everything at once; write `.Path`, `.User` or `.Now`"),
            (said("{{eq .Path 1}}"), "a text cannot be compared with a whole number"),
            (said("http://h/{{.Path}}%zz"), "its destination is no address: `%zz` is no escape"),
        ]);
    }

    #[test]
    fn a_destination_that_cannot_be_read_is_not_taken() {
        let said = |long: &str| check(long).map_or_else(|why| why.to_string(), |()| "fine".to_owned());
        all_say(&[
            (said("{{foo .Path}}"), "there is no function `foo`"),
            (said("{{.Path"), "`{{` is not closed by `}}`"),
            (said("{{if .Path}}x"), "`if` has no `end`"),
            (said("{{end}}"), "`end` without `if` or `with`"),
            (said("{{$x}}"), "the variable `$x` is not known"),
            (said("{{if .Path}}{{$x := 1}}{{end}}{{$x}}"), "the variable `$x` is not known"),
            (said("{{range .Path}}{{end}}"), "`range` is not supported here; `if`, `else` and `with` are"),
            (said("{{js .Path}}"), "the function `js` is not supported here"),
            (said("{{}}"), "a value is missing"),
            (said("{{.Path | `x`}}"), "what stands behind `|` must be a function"),
            (said("{{(.Path}}"), "a `(` is not closed"),
            (said("{{.Path)}}"), "a `)` has no `(`"),
            (said("{{\"a}}"), "a text in quotes is not closed"),
            (said("{{.Path!}}"), "`!` means nothing here"),
            (said(&"{{if .Path}}".repeat(60)), "it is nested too deeply"),
            (said(&format!("{{{{{}}}}}", "(".repeat(100_000))), "it is nested too deeply"),
            (said("http://h/{{with .Path}}/{{.}}{{end}}"), "fine"),
        ]);
    }

    #[test]
    fn no_destination_takes_more_time_or_memory_than_a_click_may() {
        let text = "a".repeat(1_000);
        for long in [
            // Doubles a text four hundred times.
            format!("{{{{$x := `{text}`}}}}{}", "{{$x = print $x $x}}".repeat(340)),
            format!("{{{{$x := `{text}`}}}}{}", "{{$x = printf `%s%s%s` $x $x $x}}".repeat(200)),
            format!("{{{{$x := `{text}`}}}}{}", "{{if print $x $x}}{{end}}".repeat(270)),
            // Many patterns, small and large, each with as much to look at as it may.
            format!("{{{{$x := `{text}`}}}}{}", r"{{if Match `\d` $x}}{{end}}".repeat(250)),
            format!("{{{{$x := `{text}`}}}}{}", r"{{if and (Match `(\w{9}){9}` $x) false}}{{end}}".repeat(140)),
            r"{{if Match `\pL\pL` `x`}}{{end}}".repeat(20),
        ] {
            assert!(long.len() <= crate::LONG_MAX, "{}", long.len());
            let path = "b".repeat(60_000);
            let expanded = expand(&long, &Visit { path: &path, query: "", user: Some("a@b.c"), now: NOW });
            let why = expanded.map_or_else(|why| why.to_string(), |_| "it was filled in".to_owned());
            assert_eq!(why, "its destination cannot be filled in: filling it in takes too long", "{long:.80}");
        }
        let said = |long: &str, path: &str| leads(long, path, "").replace("its destination cannot be filled in: ", "");
        assert_eq!(said(r"{{Match `((\w{99}){99}){99}` .Path}}", "x"), "a pattern is too large");
        assert_eq!(said(r"{{Match `(\w{9}){9}` .Path}}", &"b".repeat(1_025)), "a pattern has too much to look at");
        // What a link may well hold is far from that.
        assert_eq!(said(r"{{Match `\pL` .Path}}", "x"), "true");
        assert_eq!(said(&"{{if Match `^[A-Z]{2,9}-\\d+(/.*)?$` .Path}}x{{end}}".repeat(50), "AB-1"), "x".repeat(50));
        assert_eq!(said(r"{{Match `^(https?://)?([a-z.-]+\.)?example\.com/` .Path}}", &"b".repeat(8_000)), "false");
        assert_eq!(
            leads("http://h/{{if Match `^[A-Z]+-[0-9]+$` .Path}}{{ToLower .Path}}{{end}}", "AB-1", ""),
            "http://h/ab-1"
        );
    }

    fn all_say(cases: &[(String, &str)]) {
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_destination_makes_it_panic(long in "[\\PC{}.|()\"`$ ]{0,60}", path in "\\PC{0,20}", query in "\\PC{0,20}") {
            let _ = expand(&long, &Visit { path: &path, query: &query, user: None, now: NOW });
            let _ = expand(&format!("{{{{{long}}}}}"), &Visit { path: &path, query: &query, user: None, now: NOW });
        }
    }
}
