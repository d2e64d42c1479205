//! Markdown as a page, made safe twice: comrak leaves raw HTML out, ammonia lets through only what is known.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ammonia::UrlRelative;
use comrak::Arena;
use comrak::adapters::SyntaxHighlighterAdapter;
use comrak::nodes::NodeValue;
use comrak::options::Plugins;
use tokio::sync::Semaphore;

use super::highlight;
use crate::kernel::paste::Paste;

/// Larger texts are not drawn.
const RENDERED_MAX_BYTES: usize = 512 * 1024;
/// How long drawing may take before it is given up.
const RENDER_LIMIT: Duration = Duration::from_secs(2);
/// Drawing that was given up goes on until it is done: no more than these at a time.
const DRAWING_MAX: usize = 2;
/// Quotes in quotes; the time an HTML parser needs grows with the square of it.
const QUOTES_DEEP_MAX: usize = 100;
/// Of this character in a text; the time comrak needs grows with the square of it.
const AMPERSANDS_MAX: usize = 16_000;

/// Whether the paste is Markdown, by what was said or by its name.
pub(super) fn is_markdown(paste: &Paste) -> bool {
    let ending = paste.filename.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    let kind = paste.language.clone().or(ending).unwrap_or_default();
    matches!(kind.as_str(), "md" | "markdown" | "mdown")
}

/// Draws Markdown. Cloning shares the limit of how much at a time.
#[derive(Clone)]
pub(super) struct Drawing {
    hands: Arc<Semaphore>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { hands: Arc::new(Semaphore::new(DRAWING_MAX)) }
    }
}

impl Drawing {
    /// The page's HTML; none if the text is too large or too odd, or takes too long.
    pub(super) async fn of(&self, text: String) -> Option<String> {
        if text.len() > RENDERED_MAX_BYTES || !is_tame(&text) {
            return None;
        }
        highlight::ready().await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let drawing = async {
            let hand = self.hands.clone().acquire_owned().await.ok()?;
            let work = tokio::task::spawn_blocking(move || {
                let _hand = hand;
                safe(&text, &stopped)
            });
            work.await.ok()
        };
        let drawn = tokio::time::timeout(RENDER_LIMIT, drawing).await;
        // Code is coloured line by line, and each line looks at this.
        stop.store(true, Ordering::Relaxed);
        drawn.ok()?
    }
}

/// Whether a text has nothing in it that is known to take for ever.
fn is_tame(text: &str) -> bool {
    let opens = |character: &char| " \t>-*+.)0123456789".contains(*character);
    let depth = |line: &str| line.chars().take_while(opens).filter(|character| *character == '>').count();
    text.matches('&').count() <= AMPERSANDS_MAX && text.lines().all(|line| depth(line) <= QUOTES_DEEP_MAX)
}

/// Code in a text, in the colours that a paste of code has.
struct Coloured<'s> {
    stop: &'s AtomicBool,
}

impl SyntaxHighlighterAdapter for Coloured<'_> {
    fn write_highlighted(&self, output: &mut dyn fmt::Write, language: Option<&str>, code: &str) -> fmt::Result {
        output.write_str(&highlight::lines_in(code, language, self.stop).html)
    }

    fn write_pre_tag(&self, output: &mut dyn fmt::Write, _: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        output.write_str("<pre class=\"code\">")
    }

    fn write_code_tag(&self, output: &mut dyn fmt::Write, _: HashMap<&'static str, Cow<'_, str>>) -> fmt::Result {
        output.write_str("<code>")
    }
}

/// Pictures would tell their owner who reads this: each becomes a link that says what it shows.
fn without_pictures<'t>(arena: &'t Arena<'t>, root: comrak::nodes::Node<'t>) {
    for node in root.descendants() {
        let is_bare = node.first_child().is_none();
        let picture = match &node.data.borrow().value {
            NodeValue::Image(link) => Some(link.clone()),
            _ => None,
        };
        if let Some(link) = picture {
            node.data.borrow_mut().value = NodeValue::Link(link);
            if is_bare {
                node.append(arena.alloc(NodeValue::Text("picture".into()).into()));
            }
        }
    }
}

fn safe(text: &str, stop: &AtomicBool) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    let (arena, coloured) = (Arena::new(), Coloured { stop });
    let root = comrak::parse_document(&arena, text, &options);
    without_pictures(&arena, root);
    let mut plugins = Plugins::default();
    plugins.render.codefence_syntax_highlighter = Some(&coloured);
    let mut html = String::new();
    // Writing into a string fails only where something of ours says so, and nothing does.
    if comrak::format_html_with_plugins(root, &options, &mut html, &plugins).is_err() {
        return String::new();
    }
    let classes = |names: &[&'static str]| names.iter().copied().collect::<HashSet<_>>();
    let mut cleaner = ammonia::Builder::default();
    cleaner
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        // A link to one of our own addresses would be followed with the reader's identity.
        .url_relative(UrlRelative::Deny)
        // They are links by now; the page's policy keeps pictures out too.
        .rm_tags(["img", "map", "area"])
        .allowed_classes(HashMap::from([
            ("pre", classes(&["code"])),
            ("span", classes(&["l"])),
            ("b", classes(&highlight::class_names())),
        ]))
        .add_tags(["input"])
        .add_tag_attributes("input", ["checked", "disabled"])
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "")
        .link_rel(Some("noopener noreferrer nofollow"));
    cleaner.clean(&html).to_string()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn safe(text: &str) -> String {
        super::safe(text, &AtomicBool::new(false))
    }

    #[test]
    fn code_has_its_colours_and_a_picture_is_a_link() {
        insta::assert_snapshot!(safe("```rust\nfn a() {}\n```\n![a cat](https://cats.test/1.png) ![](https://cats.test/2.png)"), @r#"
        <pre class="code"><code><span class="l"><b class="k">fn</b> <b class="f">a</b>() {}</span></code></pre>
        <p><a href="https://cats.test/1.png" rel="noopener noreferrer nofollow">a cat</a> <a href="https://cats.test/2.png" rel="noopener noreferrer nofollow">picture</a></p>
        "#);
    }

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
        <pre class="code"><code><span class="l"><b class="k">fn</b> <b class="k">&lt;</b>b<b class="k">&gt;</b></span></code></pre>
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
            let _ = safe(&piece.repeat(2_000));
        }
    }

    #[tokio::test]
    async fn what_would_be_drawn_for_minutes_is_not_begun() {
        for text in [
            "> ".repeat(RENDERED_MAX_BYTES / 2),
            format!("fine\n\n 1. {}", ">".repeat(RENDERED_MAX_BYTES / 2)),
            "&".repeat(RENDERED_MAX_BYTES),
            "x".repeat(RENDERED_MAX_BYTES + 1),
        ] {
            assert_eq!(Drawing::default().of(text).await, None);
        }
        let fine = Drawing::default().of("> > a & b -> c >> d".to_owned()).await.unwrap();
        assert!(fine.starts_with("<blockquote>\n<blockquote>\n<p>a &amp; b -&gt; c"), "{fine}");
    }

    #[tokio::test]
    async fn what_is_given_up_does_not_pile_up() {
        let drawing = Drawing::default();
        let all = u32::try_from(DRAWING_MAX).unwrap();
        let busy = drawing.hands.clone().acquire_many_owned(all).await.unwrap();
        let mut waiting = Box::pin(drawing.of("# a".to_owned()));
        assert_eq!(waiting.as_mut().now_or_never(), None, "more are drawn than there are hands");
        drop(busy);
        assert_eq!(waiting.await.as_deref(), Some("<h1>a</h1>\n"));
    }
}
