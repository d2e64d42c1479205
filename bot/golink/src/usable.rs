//! Whether a destination can ever be followed: tried when it is saved, so that nobody finds out by clicking.

use super::expand::{ExpandError, Visit, expand};
use super::go_url::GoUrl;

/// What people put behind a name, in the kinds that templates tell apart.
const PATHS: [&str; 5] = ["", "a", "12", "AB-123", "something/longer than-that/2026-01-31"];
/// These are run by the browser of whoever follows them, in the name of the page they come from.
const CODE: [&str; 3] = ["javascript", "data", "vbscript"];

/// Fine if it leads somewhere for at least one of the things that may stand behind the name; else why not, in words that follow
/// "the destination ...:".
pub fn usable(long: &str) -> Result<(), String> {
    let is_template = long.contains("{{");
    if !is_template && long.split_whitespace().skip(1).any(|word| word.contains("://")) {
        return Err("these are two addresses, and a link leads to one".to_owned());
    }
    let mut first = None;
    let mut leads = false;
    // Without a template the rest is put behind, and changes nothing about what stands in front.
    let paths = if is_template { &PATHS[..] } else { &[""] };
    for path in paths {
        let visit = Visit { path, query: "", user: Some("you@example.com"), now: 0 };
        match address(long, &visit) {
            Ok(scheme) if CODE.contains(&scheme.as_str()) => {
                return Err(format!("`{scheme}:` is code that runs in the browser of whoever follows the link"));
            }
            Ok(_) => leads = true,
            Err(why) => drop(first.get_or_insert(why)),
        }
    }
    match first {
        Some(why) if !leads => Err(why),
        _ => Ok(()),
    }
}

/// The scheme of where it leads.
fn address(long: &str, visit: &Visit<'_>) -> Result<String, String> {
    let target = expand(long, visit).map_err(|why| match why {
        ExpandError::Address(why) => why.to_string(),
        ExpandError::Template(why) => why,
        ExpandError::NoUser => "it depends on who follows it".to_owned(),
    })?;
    let url = GoUrl::parse(&target.address).map_err(|why| why.to_string())?;
    if matches!(target.scheme.as_str(), "http" | "https")
        && let Some(why) = url.has_no_host()
    {
        return Err(why);
    }
    Ok(target.scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_followed_is_told_with_the_reason() {
        let said = |long: &str| format!("{long} -> {}", usable(long).map_or_else(|why| why, |()| "fine".to_owned()));
        let all = [
            "https://x.example/",
            "https://x.example:8443/a?b=c#d",
            "http://[fd7a::1]:80/",
            "https://x.example/50%25",
            "mailto:a@b.c",
            "slack://open",
            "/other",
            "http://{{.Path}}.x.example/",
            "https://x.example/{{slice .Path 0 4}}",
            "https://x.example/{{if Match `^[A-Z]+-[0-9]+$` .Path}}{{.Path}}{{else}}{{.Foo}}{{end}}",
            "\"https://x.example/\"",
            "`https://x.example/`",
            "https://x.example/%zz",
            "https://x.example/%",
            "https://x.example/ https://y.example/",
            "https://",
            "https:",
            "https:///path",
            "https://:80/",
            "https://x.example:99999/",
            "https://x.example:0/",
            "https://x.example:80:80/",
            "https://x y.example/",
            "https://x.example/{{.Foo}}",
            "https://x.example/{{.Path.Foo}}",
            "https://x.example/{{.Now.IsZero}}",
            "{{printf \"%x\" .Path}}",
            "{{printf \"%c\" 65}}",
            "{{.}}",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "{{if .Path}}javascript:alert(1){{else}}https://x.example/{{end}}",
            "https://x.example/\na",
        ];
        insta::assert_snapshot!(all.map(said).join("\n"), @r#"
        https://x.example/ -> fine
        https://x.example:8443/a?b=c#d -> fine
        http://[fd7a::1]:80/ -> fine
        https://x.example/50%25 -> fine
        mailto:a@b.c -> fine
        slack://open -> fine
        /other -> fine
        http://{{.Path}}.x.example/ -> fine
        https://x.example/{{slice .Path 0 4}} -> fine
        https://x.example/{{if Match `^[A-Z]+-[0-9]+$` .Path}}{{.Path}}{{else}}{{.Foo}}{{end}} -> fine
        "https://x.example/" -> its first part has a colon
        `https://x.example/` -> its first part has a colon
        https://x.example/%zz -> `%zz` is no escape
        https://x.example/% -> `%` is no escape
        https://x.example/ https://y.example/ -> these are two addresses, and a link leads to one
        https:// -> its host is missing
        https: -> its host is missing
        https:///path -> its host is missing
        https://:80/ -> its host is missing
        https://x.example:99999/ -> there is no port 99999
        https://x.example:0/ -> there is no port 0
        https://x.example:80:80/ -> its host has two ports
        https://x y.example/ -> its host has an invalid character
        https://x.example/{{.Foo}} -> there is no `.Foo`; a link knows `.Path`, `.User` and `.Now`
        https://x.example/{{.Path.Foo}} -> a text has no `.Foo`
        https://x.example/{{.Now.IsZero}} -> `.Now.IsZero` is not supported here; `.Now.Format` is
        {{printf "%x" .Path}} -> `printf` cannot write a text as `%x`
        {{printf "%c" 65}} -> `printf` cannot write a whole number as `%c`
        {{.}} -> `.` is everything at once; write `.Path`, `.User` or `.Now`
        javascript:alert(1) -> `javascript:` is code that runs in the browser of whoever follows the link
        JavaScript:alert(1) -> `javascript:` is code that runs in the browser of whoever follows the link
        data:text/html,x -> `data:` is code that runs in the browser of whoever follows the link
        vbscript:x -> `vbscript:` is code that runs in the browser of whoever follows the link
        {{if .Path}}javascript:alert(1){{else}}https://x.example/{{end}} -> `javascript:` is code that runs in the browser of whoever follows the link
        https://x.example/
        a -> it has a control character
        "#);
    }

    proptest::proptest! {
        #[test]
        fn no_destination_makes_it_panic(long in "[\\PC{}.|()\"`$ ]{0,60}") {
            let _ = (usable(&long), usable(&format!("{{{{{long}}}}}")), usable(&format!("https://{long}")));
        }
    }
}
