//! Markdown as a page, made safe twice: comrak leaves raw HTML out, ammonia lets through only what is known.

use std::collections::HashSet;
use std::time::Duration;

use ammonia::UrlRelative;

use crate::kernel::paste::Paste;

/// Larger texts are not drawn.
const RENDERED_MAX_BYTES: usize = 512 * 1024;
/// How long drawing may take before it is given up.
const RENDER_LIMIT: Duration = Duration::from_secs(2);

/// Whether the paste is Markdown, by what was said or by its name.
pub(super) fn is_markdown(paste: &Paste) -> bool {
    let ending = paste.filename.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let kind = paste.language.clone().or(ending).unwrap_or_default();
    matches!(kind.as_str(), "md" | "markdown" | "mdown")
}

/// The page's HTML; none if it is too large or takes too long.
pub(super) async fn render(text: String) -> Option<String> {
    if text.len() > RENDERED_MAX_BYTES {
        return None;
    }
    let work = tokio::task::spawn_blocking(move || safe(&text));
    tokio::time::timeout(RENDER_LIMIT, work).await.ok()?.ok()
}

fn safe(text: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    let html = comrak::markdown_to_html(text, &options);
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        // A link to one of our own addresses would be followed with the reader's identity.
        .url_relative(UrlRelative::Deny)
        // Pictures would tell their owner who reads this; the page's policy keeps them out, and so do we.
        .rm_tags(["img", "map", "area"])
        .add_tags(["input"])
        .add_tag_attributes("input", ["checked", "disabled"])
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "")
        .link_rel(Some("noopener noreferrer nofollow"));
    cleaner.clean(&html).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_drawn() {
        insta::assert_snapshot!(safe("# Log\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n```rs\nfn <b>\n```\nhttps://a.test"), @r#"
        <h1>Log</h1>
        <ul>
        <li><input checked="" disabled="" type="checkbox"> done</li>
        </ul>
        <table>
        <thead>
        <tr>
        <th>a</th>
        <th>b</th>
        </tr>
        </thead>
        <tbody>
        <tr>
        <td>1</td>
        <td><del>2</del></td>
        </tr>
        </tbody>
        </table>
        <pre><code>fn &lt;b&gt;
        </code></pre>
        <p><a href="https://a.test" rel="noopener noreferrer nofollow">https://a.test</a></p>
        "#);
    }

    #[test]
    fn what_could_act_is_left_out() {
        let nasty = "<script>alert(1)</script><img src=x onerror=alert(1)> <iframe src=//evil></iframe>\n\n\
            [a](javascript:alert(1)) [b](data:text/html;base64,x) [c](/api/delete/1) ![d](https://evil.test/pixel) \
            <a href=\"https://ok.test\" onclick=\"x()\" style=\"x\" target=_top>e</a> [f](https://ok.test \"t\\\" onmouseover=x\")\n\n\
            <form action=/api/post><button>g</button></form><style>*{}</style><svg/onload=x><math><mtext></mtext></math>\n";
        let html = safe(nasty);
        for word in [
            "<script",
            "onerror",
            "<iframe",
            "javascript:",
            "data:",
            "/api/delete",
            "<img",
            "evil.test/pixel\"",
            "onclick",
            "style=",
            "<form",
            "<button",
            "<style",
            "<svg",
            "<math",
            "onmouseover=x",
        ] {
            let is_inert =
                !html.contains(word) || (word == "onmouseover=x" && html.contains("title=\"t&quot; onmouseover=x\""));
            assert!(is_inert, "{word} in {html}");
        }
        assert!(html.contains("https://ok.test"), "{html}");
    }

    #[test]
    fn deep_nesting_is_survived() {
        for piece in ["> ", "[", "*", "- ", "**a", "![", "<b>"] {
            let _ = safe(&piece.repeat(5_000));
        }
    }
}
