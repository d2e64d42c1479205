//! More of what is asked of a server of go links: unusual ways to ask, and corners of names, addresses and templates.

use super::case::Case;
use super::case::Expected::{Field, Has, Kind, Location, Status};
use super::cases::{GET, MAKE, NEVER};

const MADE: Case =
    Case { expected: &[Status(200), Kind("application/json"), Field("Owner", "foo@example.com")], ..MAKE };
const LEADS: Case = Case { expected: &[Status(302)], ..GET };

/// In this order, after the others.
pub const EDGES: &[Case] = &[
    // Ways to send a form.
    Case {
        name: "a form may have parts",
        form: &[("short", "nlc-parts"), ("long", "http://parts.test")],
        is_multipart: true,
        ..MADE
    },
    Case { name: "its fields may stand in the query", path: "/?short=nlc-queried&long=http://queried.test", ..MADE },
    Case {
        name: "what is in the form counts before what is in the query",
        path: "/?short=nlc-both&long=http://query.test",
        form: &[("long", "http://form.test")],
        expected: &[Status(200), Field("Short", "nlc-both"), Field("Long", "http://form.test")],
        ..MAKE
    },
    Case {
        name: "the first of two fields counts",
        form: &[("short", "nlc-first"), ("long", "http://one.test"), ("long", "http://two.test")],
        expected: &[Status(200), Field("Long", "http://one.test")],
        ..MAKE
    },
    // Methods.
    Case {
        name: "a link is followed by any method",
        method: "POST",
        path: "/nlc-parts/x",
        expected: &[Status(302), Location("http://parts.test/x")],
        ..GET
    },
    Case {
        name: "a link is looked for without being read",
        method: "HEAD",
        path: "/nlc-parts",
        expected: &[Status(302), Location("http://parts.test")],
        ..GET
    },
    // Names.
    Case {
        name: "no name at all is the home page's",
        path: "//nlc-parts",
        wants_page: true,
        expected: &[Status(404)],
        ..GET
    },
    Case {
        name: "a plus leads to details whatever follows",
        path: "/nlc-parts+/x?y",
        expected: &[Status(302), Location("/.detail/nlc-parts")],
        ..GET
    },
    Case {
        name: "a plus leads to details of what is not there",
        path: "/nlc-nothing+",
        expected: &[Status(302), Location("/.detail/nlc-nothing")],
        ..GET
    },
    Case { name: "punctuation is no part of details", path: "/.detail/nlc-parts.", expected: &[Status(404)], ..GET },
    Case { name: "details need a name", path: "/.detail/", expected: &[Status(404)], ..GET },
    Case {
        name: "details have nothing behind the name",
        path: "/.detail/nlc-parts/x",
        expected: &[Status(404)],
        ..GET
    },
    Case {
        name: "a page is wanted in capitals too",
        path: "/.detail/nlc-parts",
        accept: Some("TEXT/HTML"),
        expected: &[Status(200), Kind("text/html")],
        ..GET
    },
    Case { name: "an underscore is a letter", form: &[("short", "_nlc.x-y_z9"), ("long", "http://name.test")], ..MADE },
    Case {
        name: "a name of that kind is followed",
        path: "/_NLC.xy_z9",
        expected: &[Status(302), Location("http://name.test")],
        ..LEADS
    },
    Case {
        name: "an umlaut is none",
        form: &[("short", "ünlc"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    Case {
        name: "a line break is no part of a name",
        form: &[("short", "nlc-x\n"), ("long", "http://x.test")],
        expected: &[Status(400)],
        ..MAKE
    },
    // Addresses.
    Case {
        name: "space before an address is left out",
        form: &[("short", "nlc-space-before"), ("long", " http://x.test\n")],
        expected: &[Status(200), Field("Long", "http://x.test")],
        ours_alone: Some(NEVER),
        ..MAKE
    },
    Case {
        name: "and the address can be read",
        path: "/nlc-space-before",
        expected: &[Status(302), Location("http://x.test")],
        ours_alone: Some(NEVER),
        ..GET
    },
    Case {
        name: "a line break in an address is refused",
        form: &[("short", "nlc-break"), ("long", "http://x.test/\nset-cookie: a=b")],
        expected: &[Status(400)],
        ours_alone: Some(NEVER),
        ..MAKE
    },
    Case {
        name: "and such an address leads nowhere",
        path: "/nlc-break",
        expected: &[Status(404)],
        ours_alone: Some(NEVER),
        ..GET
    },
    Case {
        name: "a line break that was typed is no header",
        path: "/nlc-parts/a%0D%0Ax:%20y",
        expected: &[Status(500)],
        ..GET
    },
    Case {
        name: "a port and a user may stand in an address",
        form: &[("short", "nlc-port"), ("long", "http://u:p@host.test:8080/a;b=1?x#y")],
        ..MADE
    },
    Case {
        name: "and stay there",
        path: "/nlc-port?z=1",
        expected: &[Status(302), Location("http://u:p@host.test:8080/a;b=1?x=&z=1#y")],
        ..LEADS
    },
    Case {
        name: "an address may be of numbers",
        form: &[("short", "nlc-ip"), ("long", "http://[fd7a:115c:a1e0::1]:80/{{.Path}}")],
        ..MADE
    },
    Case {
        name: "and is one",
        path: "/nlc-ip/x",
        expected: &[Status(302), Location("http://[fd7a:115c:a1e0::1]:80/x")],
        ..LEADS
    },
    Case {
        name: "a script is no destination",
        form: &[("short", "nlc-script"), ("long", "javascript:alert(1)")],
        expected: &[Status(400), Has("`javascript:` is code")],
        ours_alone: Some(NEVER),
        ..MAKE
    },
    // Templates.
    Case {
        name: "a pattern knows the digits of ASCII alone",
        path: "/nlc-match/%D9%A3",
        expected: &[Status(302), Location("http://search.test/%D9%A3")],
        ..LEADS
    },
    Case {
        name: "a template may have an else with",
        form: &[
            ("short", "nlc-else-with"),
            ("long", "http://x.test/{{with .Path}}{{.}}{{else with .User}}{{.}}{{end}}"),
        ],
        ..MADE
    },
    Case {
        name: "which is taken",
        path: "/nlc-else-with",
        expected: &[Status(302), Location("http://x.test/foo@example.com")],
        ..LEADS
    },
    Case {
        name: "a template may name what with found",
        form: &[
            ("short", "nlc-named"),
            (
                "long",
                "http://x.test/{{with $x := .Path | ToUpper}}{{$x}}{{.}}{{end}}{{printf \"-%s-%v\" \"\\u00e9\\\"\" true}}",
            ),
        ],
        ..MADE
    },
    Case {
        name: "and write it twice",
        path: "/nlc-named/ab",
        expected: &[Status(302), Location("http://x.test/ABAB-%C3%A9%22-true")],
        ..LEADS
    },
    Case {
        name: "a pipe goes into the last place",
        form: &[
            ("short", "nlc-last"),
            ("long", "http://x.test/{{.Path | printf \"%s-%s\" \"a\"}}?q={{urlquery .Path \"&\"}}{{html \"<\"}}"),
        ],
        ..MADE
    },
    Case {
        name: "and comes out there",
        path: "/nlc-last/b%20c",
        expected: &[Status(302), Location("http://x.test/a-b%20c?q=b+c%26&lt;")],
        ..LEADS
    },
    Case {
        name: "a wrong index is found when it is followed",
        form: &[("short", "nlc-slice"), ("long", "http://x.test/{{slice .Path 0 3}}")],
        ..MADE
    },
    Case { name: "and fails then", path: "/nlc-slice/ab", expected: &[Status(500)], ..GET },
    Case {
        name: "or does not",
        path: "/nlc-slice/abcd",
        expected: &[Status(302), Location("http://x.test/abc")],
        ..LEADS
    },
    Case {
        name: "an if may be asked of numbers",
        form: &[
            ("short", "nlc-if"),
            ("long", "http://x.test/{{if gt (len .Path) 2}}long{{else if le (len .Path) 0}}none{{else}}short{{end}}"),
        ],
        ..MADE
    },
    Case {
        name: "which is answered",
        path: "/nlc-if/abc",
        expected: &[Status(302), Location("http://x.test/long")],
        ..LEADS
    },
    Case { name: "each time", path: "/nlc-if", expected: &[Status(302), Location("http://x.test/none")], ..LEADS },
    // Where we differ on purpose.
    Case { name: "a link may lead to the links themselves", form: &[("short", "nlc-home"), ("long", "/")], ..MADE },
    Case {
        name: "and to no other site whatever is typed behind it",
        path: "/nlc-home//evil.test",
        expected: &[Status(302), Location("/evil.test")],
        ours_alone: Some("golink lets whoever writes the address choose the site"),
        ..GET
    },
    Case {
        name: "a name is no longer than people can type",
        form: &[("short", LONG_NAME), ("long", "http://x.test")],
        expected: &[Status(400)],
        ours_alone: Some("a longer one could not be typed in Slack beside an address"),
        ..MAKE
    },
    Case {
        name: "a template may define others",
        form: &[("short", "nlc-define"), ("long", "{{define \"x\"}}y{{end}}http://x.test/{{template \"x\"}}")],
        expected: &[Status(400)],
        ours_alone: Some("no link is known that needs them, so we say no at once"),
        ..MAKE
    },
    Case {
        name: "a search may be for words",
        path: "/.search?q=parts.test",
        expected: &[Status(200), Has("nlc-parts")],
        ours_alone: Some("golink searches by owner alone"),
        ..GET
    },
    Case {
        name: "metrics are not among the links",
        path: "/.metrics",
        expected: &[Status(404)],
        ours_alone: Some("ours are at /metrics"),
        ..GET
    },
];

const LONG_NAME: &str = "nlc-0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\
                         0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
