//! What is asked of a server of go links, and what it must answer. Read from golink's source and tests, in our words.

use super::case::Expected::{Field, Has, Kind, Line, LineBegins, Location, Status};
use super::case::{Case, Expected};

pub const GET: Case = Case {
    name: "",
    method: "GET",
    path: "/",
    form: &[],
    is_program: false,
    wants_page: false,
    accept: None,
    is_multipart: false,
    expected: &[],
    ours_alone: None,
};
pub const MAKE: Case = Case { method: "POST", is_program: true, ..GET };

/// Follows `path`, which must lead to `to`.
const fn leads(name: &'static str, path: &'static str, to: &'static [Expected]) -> Case {
    Case { name, path, expected: to, ..GET }
}

macro_rules! to {
    ($to:literal) => {
        &[Status(302), Location($to)]
    };
}

macro_rules! make {
    ($name:literal, $short:literal, $long:literal) => {
        Case {
            name: $name,
            form: &[("short", $short), ("long", $long)],
            expected: &[
                Status(200),
                Kind("application/json"),
                Field("Short", $short),
                Field("Long", $long),
                Field("Owner", "foo@example.com"),
            ],
            ..MAKE
        }
    };
}

/// golink saves what can never be followed, and everybody who clicks finds out.
pub const NEVER: &str = "what can never be followed is refused when it is saved, with the reason";

/// In this order: later ones follow what earlier ones made.
pub const CASES: &[Case] = &[
    make!("a program makes a link", "nlc-plain", "http://host.test/foo"),
    make!("a destination may end in a slash", "nlc-slash", "http://host.test/foo/"),
    make!("a destination may have escapes", "nlc-escaped", "http://host.test/foo%2f/bar"),
    make!("a destination may have a query", "nlc-query", "http://host.test/?b=1&a=1"),
    make!("a destination may have a fragment", "nlc-fragment", "http://host.test/a#top"),
    make!("a destination may be relative", "nlc-relative", "/nlc-plain"),
    make!("a destination may be another scheme", "nlc-mail", "mailto:a@host.test"),
    make!("a template may name the user", "nlc-user", "http://host.test/{{.User}}"),
    make!("a template may name the path", "nlc-path", "http://host.test/{{with .Path}}{{.}}/x{{end}}"),
    make!(
        "a template may have functions",
        "nlc-functions",
        "http://host.test/{{PathEscape .Path}}?q={{QueryEscape .Path}}"
    ),
    make!("a template may trim", "nlc-trim", "http://host.test/{{TrimSuffix (TrimPrefix .Path \"BUG-\") \"/\"}}"),
    make!("a template may change case", "nlc-case", "http://host.test/{{ToLower .Path}}/{{ToUpper .Path}}"),
    make!(
        "a template may match",
        "nlc-match",
        "http://{{if Match \"^\\\\d+$\" .Path}}id{{else}}search{{end}}.test/{{.Path}}"
    ),
    make!(
        "a template may have pipes and variables",
        "nlc-pipe",
        "http://host.test/{{$x := .Path | ToLower}}{{$x | PathEscape}}-{{len $x}}"
    ),
    make!(
        "a template may compare",
        "nlc-compare",
        "http://host.test/{{if eq .Path \"a\" \"b\"}}ab{{else if and .Path (ne .Path \"c\")}}other{{else}}none{{end}}"
    ),
    make!("a template may print", "nlc-print", "http://host.test/{{printf \"%04d-%s-%q\" 7 .Path \"x\"}}"),
    make!(
        "a template may trim space and have comments",
        "nlc-space",
        "http://host.test/  {{- /* why */ -}}  {{.Path}}  {{- \"!\" -}}  /z"
    ),
    make!("a template may know the time", "nlc-now", "http://host.test/{{.Now.Format \"x\"}}{{if .Now.Year}}y{{end}}"),
    Case {
        name: "a template cannot ask for what is not there",
        form: &[("short", "nlc-invalid"), ("long", "http://host.test/{{.Nothing}}")],
        expected: &[Status(400), Has("there is no `.Nothing`")],
        ours_alone: Some(NEVER),
        ..MAKE
    },
    Case {
        name: "nor use an unknown escape",
        form: &[("short", "nlc-broken"), ("long", "http://host.test/%zz{{.Path}}")],
        expected: &[Status(400), Has("`%zz` is no escape")],
        ours_alone: Some(NEVER),
        ..MAKE
    },
    // Names.
    Case { name: "a name is needed", form: &[("long", "http://x.test")], expected: &[Status(400)], ..MAKE },
    Case { name: "a destination is needed", form: &[("short", "nlc-x")], expected: &[Status(400)], ..MAKE },
    Case {
        name: "a name has no space",
        form: &[("short", "nlc x"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a name has no slash",
        form: &[("short", "nlc/x"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a name begins with a letter or digit",
        form: &[("short", "-nlc"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a name is ASCII",
        form: &[("short", "nlcé"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a template must be readable",
        form: &[("short", "nlc-x"), ("long", "http://x.test/{{.Path")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a template has only known functions",
        form: &[("short", "nlc-x"), ("long", "http://x.test/{{Foo .Path}}")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a template may loop",
        form: &[("short", "nlc-range"), ("long", "http://x.test/{{range .Path}}x{{end}}")],
        expected: &[Status(400)],
        ours_alone: Some("nothing a link knows can be looped over, so we say no at once"),
        ..MAKE
    },
    // Who may.
    Case {
        name: "a page elsewhere cannot make links",
        form: &[("short", "nlc-forged"), ("long", "http://x.test")],
        is_program: false,
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "an owner the tailnet does not know is refused",
        form: &[("short", "nlc-stranger"), ("long", "http://x.test"), ("owner", "nobody@example.com")],
        expected: &[Status(400)],
        ours_alone: Some("golink's dev mode knows everybody"),
        ..MAKE
    },
    Case {
        name: "a link can be given to its maker by name",
        form: &[("short", "nlc-owned"), ("long", "http://x.test"), ("owner", "foo@example.com")],
        expected: &[Status(200), Field("Owner", "foo@example.com")],
        ..MAKE
    },
    // Replacing, and the one identity behind all spellings.
    make!("another spelling replaces the same link", "NLC-Pl-Ain", "http://host.test/foo"),
    Case {
        name: "details are at the spelling of the owner",
        path: "/.detail/nlcplain",
        expected: &[Status(302), Location("/.detail/NLC-Pl-Ain")],
        ..GET
    },
    Case {
        name: "details are JSON for programs",
        path: "/.detail/NLC-Pl-Ain",
        expected: &[
            Status(200),
            Kind("application/json"),
            Field("Short", "NLC-Pl-Ain"),
            Field("Long", "http://host.test/foo"),
            Field("Owner", "foo@example.com"),
        ],
        ..GET
    },
    Case {
        name: "details are a page for people",
        path: "/.detail/NLC-Pl-Ain",
        wants_page: true,
        expected: &[Status(200), Kind("text/html"), Has("http://host.test/foo")],
        ..GET
    },
    Case { name: "details of nothing are not found", path: "/.detail/nlc-nothing", expected: &[Status(404)], ..GET },
    // Following.
    leads("a link is followed", "/nlc-plain", to!("http://host.test/foo")),
    leads("case and dashes do not matter", "/N-L-C-pLaIn", to!("http://host.test/foo")),
    leads("a path goes along", "/nlc-plain/a/b", to!("http://host.test/foo/a/b")),
    leads("a path goes behind a slash", "/nlc-slash/a", to!("http://host.test/foo/a")),
    leads("a slash behind the name is no path", "/nlc-plain/", to!("http://host.test/foo")),
    leads(
        "an address goes along as it is",
        "/nlc-slash/http://other.test",
        to!("http://host.test/foo/http://other.test"),
    ),
    leads(
        "an escaped path is unescaped and escaped again",
        "/nlc-plain/a%20b%2Fc%C3%A4",
        to!("http://host.test/foo/a%20b/c%C3%A4"),
    ),
    leads(
        "signs in a path stay",
        "/nlc-plain/a+b;c=d,e@f:g$h!i*j'k(l)",
        to!("http://host.test/foo/a+b;c=d,e@f:g$h!i*j'k(l)"),
    ),
    leads(
        "signs that must be escaped are",
        "/nlc-plain/%7Ba%7D%22%3C%3E%5C%5E%60%7C",
        to!("http://host.test/foo/%7Ba%7D%22%3C%3E%5C%5E%60%7C"),
    ),
    leads(
        "a percent sign stays a percent sign only as an escape",
        "/nlc-plain/100%2525",
        to!("http://host.test/foo/100%25"),
    ),
    leads("a query goes along", "/nlc-plain?x=1", to!("http://host.test/foo?x=1")),
    leads("queries are joined and sorted", "/nlc-query?c=3&a=2&a=1", to!("http://host.test/?a=1&a=2&a=1&b=1&c=3")),
    leads("a query stays as it is when nothing is added", "/nlc-query", to!("http://host.test/?b=1&a=1")),
    leads("a query is escaped anew", "/nlc-plain?q=a%20b+c%2Bd&e", to!("http://host.test/foo?e=&q=a+b+c%2Bd")),
    leads("what is no query is left out", "/nlc-plain?a;b=1&c=2", to!("http://host.test/foo?c=2")),
    leads("an empty query adds nothing", "/nlc-plain?", to!("http://host.test/foo")),
    leads("a fragment stays", "/nlc-fragment?x=1", to!("http://host.test/a?x=1#top")),
    leads("a fragment swallows the path", "/nlc-fragment/b", to!("http://host.test/a#top/b")),
    leads("escapes of the owner stay", "/nlc-escaped/x", to!("http://host.test/foo%2f/bar/x")),
    leads("a relative destination stays relative", "/nlc-relative/a", to!("/nlc-plain/a")),
    leads("another scheme is followed too", "/nlc-mail", to!("mailto:a@host.test")),
    leads("a period behind the name is forgiven", "/nlc-plain.", to!("http://host.test/foo")),
    leads("a comma behind the name is forgiven", "/nlc-plain,/p", to!("http://host.test/foo/p")),
    leads("brackets behind the name are forgiven", "/nlc-plain)].", to!("http://host.test/foo")),
    leads("a question mark begins the query", "/nlc-plain??a=1", to!("http://host.test/foo?%3Fa=1")),
    leads("a plus behind the name leads to the details", "/nlc-plain+", to!("/.detail/nlc-plain")),
    leads("the user is filled in", "/nlc-user", to!("http://host.test/foo@example.com")),
    leads("a template without a path", "/nlc-path", to!("http://host.test/")),
    leads("a template with a path", "/nlc-path/a/b", to!("http://host.test/a/b/x")),
    leads("functions escape", "/nlc-functions/a%2Fb+c%20d", to!("http://host.test/a%2Fb+c%20d?q=a%2Fb%2Bc+d")),
    leads("functions trim", "/nlc-trim/BUG-12/", to!("http://host.test/12")),
    leads("functions change case", "/nlc-case/aBc", to!("http://host.test/abc/ABC")),
    leads("a pattern that matches", "/nlc-match/12", to!("http://id.test/12")),
    leads("a pattern that does not match", "/nlc-match/1x", to!("http://search.test/1x")),
    leads("pipes and variables", "/nlc-pipe/A%2FB", to!("http://host.test/a%2Fb-3")),
    leads("comparing: one of them", "/nlc-compare/b", to!("http://host.test/ab")),
    leads("comparing: another", "/nlc-compare/z", to!("http://host.test/other")),
    leads("comparing: none", "/nlc-compare", to!("http://host.test/none")),
    leads("printing", "/nlc-print/a", to!("http://host.test/0007-a-%22x%22")),
    leads("space is trimmed", "/nlc-space/a", to!("http://host.test/a!/z")),
    leads("the time can be asked", "/nlc-now", to!("http://host.test/xy")),
    Case { ours_alone: Some(NEVER), ..leads("so there is no such link", "/nlc-invalid", &[Status(404)]) },
    Case { ours_alone: Some(NEVER), ..leads("nor the other", "/nlc-broken", &[Status(404)]) },
    Case {
        name: "an unknown link is not found, with the page that makes one",
        path: "/nlc-nothing",
        wants_page: true,
        expected: &[Status(404), Kind("text/html"), Has("nlc-nothing")],
        ..GET
    },
    // Looking.
    Case {
        name: "the home page is a page",
        wants_page: true,
        expected: &[Status(200), Kind("text/html"), Has("<form")],
        ..GET
    },
    Case {
        name: "the export has every link, one a line",
        path: "/.export",
        expected: &[
            Status(200),
            Line("NLC-Pl-Ain", "http://host.test/foo", "foo@example.com"),
            Line("nlc-user", "http://host.test/{{.User}}", "foo@example.com"),
        ],
        ..GET
    },
    Case {
        name: "the clicks are exported by id",
        path: "/.export-stats",
        expected: &[Status(200), LineBegins("nlcplain,"), LineBegins("nlcuser,")],
        ..GET
    },
    Case {
        name: "all links are on a page",
        path: "/.all",
        wants_page: true,
        expected: &[Status(200), Kind("text/html"), Has("NLC-Pl-Ain"), Has("nlc-user")],
        ..GET
    },
    Case {
        name: "links are found by owner, whatever the case",
        path: "/.search?q=owner:FOO@example.com",
        wants_page: true,
        expected: &[Status(200), Has("nlc-user")],
        ..GET
    },
    Case { name: "a search needs something to search for", path: "/.search", expected: &[Status(400)], ..GET },
    Case {
        name: "there is help",
        path: "/.help",
        wants_page: true,
        expected: &[Status(200), Kind("text/html"), Has(".Path")],
        ..GET
    },
    Case {
        name: "browsers can search",
        path: "/.opensearch",
        expected: &[Status(200), Kind("application/opensearchdescription+xml"), Has("{searchTerms}")],
        ..GET
    },
    Case { name: "there is no other page", path: "/.nothing", expected: &[Status(404)], ..GET },
    // Deleting is for the page alone.
    Case { name: "a program cannot delete", path: "/.delete/nlc-user", expected: &[Status(400)], ..MAKE },
    Case {
        name: "what is not there cannot be deleted",
        path: "/.delete/nlc-nothing",
        expected: &[Status(404)],
        ..MAKE
    },
    Case { name: "deleting needs a name", path: "/.delete/", expected: &[Status(400)], ..MAKE },
    // Where we are stricter.
    Case {
        name: "a name with a period behind one's own name may be made",
        form: &[("short", "nlc-plain."), ("long", "http://dot.test")],
        expected: &[Status(200)],
        ..MAKE
    },
    leads("and is then followed as it is", "/nlc-plain.", to!("http://dot.test")),
];
