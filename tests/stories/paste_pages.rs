//! Pastes over HTTP: tclip's interface with tclip's own manners, and the pages people look at.

use nightlatch::kernel::paste::CONTENT_MAX_BYTES;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode};

use crate::harness::{Lengths, Setting, Stage, story, story_with};
use crate::paste::{id, raw};

/// Somebody with a program or browser at an address of their own.
struct Visitor {
    http: Client,
    base: String,
}

impl Visitor {
    async fn at(stage: &Stage, last: u8) -> Self {
        nightlatch::outside::tls();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .local_address(std::net::IpAddr::from([127, 0, 0, last]));
        Self { http: http.build().unwrap(), base: stage.bot.address() }
    }

    /// On a device of this world's tailnet.
    async fn on(stage: &Stage, device: &str, last: u8) -> Self {
        stage.tailnet.sits_at(&format!("127.0.0.{last}"), device);
        Self::at(stage, last).await
    }

    async fn alice(stage: &Stage) -> Self {
        Self::on(stage, "alice-laptop", 71).await
    }

    async fn bob(stage: &Stage) -> Self {
        Self::on(stage, "bob-laptop", 72).await
    }

    /// Nobody the tailnet knows: a program of the bot's own machine.
    async fn stranger(stage: &Stage) -> Self {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).tls_certs_only([]);
        Self { http: http.unix_socket(stage.bot.socket()).build().unwrap(), base: "http://localhost".to_owned() }
    }

    /// As tclip's own command line client does.
    async fn tclip(&self, filename: &str, content: &str) -> Response {
        let form = [("content", content), ("filename", filename)];
        let request = self.http.post(format!("{}/api/post", self.base)).header("Accept", "text/plain").form(&form);
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    async fn read(&self, path: &str) -> (StatusCode, HeaderMap, String) {
        let answer = self.get(path).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    }

    async fn paste(&self, filename: &str, content: &str) -> String {
        let answer = self.tclip(filename, content).await;
        assert_eq!(answer.status(), StatusCode::OK);
        id(&answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn tclips_own_client_pastes_and_gets_the_address_without_a_line_end() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let answer = alice.tclip("timeline.md", "# log\n<é> & +\n").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        let url = answer.text().await.unwrap();
        assert_eq!(url, format!("https://nightlatch.example.ts.net/paste/{}", id(&url)));
        let (status, headers, text) = alice.read(&format!("/paste/{}/raw", id(&url))).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "# log\n<é> & +\n"));
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox; frame-ancestors 'none'");
        assert!(headers.get("content-disposition").is_none());
        // The same paste in Slack: it is alice's there too.
        stage.alice.command("/paste list").await;
        assert!(stage.alice.sees("#general").contains("timeline.md"), "{}", stage.alice.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn a_post_that_is_no_form_or_has_nothing_in_it_is_refused_as_tclip_refuses() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let post = |kind: &'static str, body: &'static str| {
            let request = alice.http.post(format!("{}/api/post", alice.base)).header("Content-Type", kind);
            async move {
                let answer = request.header("Accept", "text/plain").body(body).send().await.unwrap();
                format!("{} {}", answer.status().as_u16(), answer.text().await.unwrap().trim_end())
            }
        };
        let form = "application/x-www-form-urlencoded";
        assert_eq!(post("text/plain", "x").await, "400 bad content-type, should be a form");
        assert_eq!(post(form, "x=1").await, "400 include form values filename and data");
        assert!(post(form, "filename=a").await.starts_with("400 "));
        assert!(post(form, "filename=a&content=a%00b").await.starts_with("400 "));
        let multipart = "multipart/form-data; boundary=x";
        let parts = "--x\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\na.txt\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhello\r\n--x--\r\n";
        assert!(post(multipart, parts).await.starts_with("200 https://"));
        assert!(post("multipart/form-data; boundary=y", parts).await.starts_with("400 "));
        let get = alice.get("/api/post").await;
        assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
        let large = alice.tclip("a", &"x".repeat(CONTENT_MAX_BYTES + 1)).await;
        assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(large.text().await.unwrap(), "it has 3145729 bytes, and a paste can have at most 3145728.\n");
        let empty = alice.tclip("a", " ").await;
        assert_eq!(empty.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(empty.text().await.unwrap(), "there is nothing in it.\n");
        let larger = alice.tclip("a", &"x".repeat(11 << 20)).await;
        assert_eq!(larger.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(alice.tclip("a", &"é".repeat(CONTENT_MAX_BYTES / 2)).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_browsers_post_leads_to_the_page_and_a_secret_is_asked_about_first() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let post = |form: Vec<(&'static str, String)>| {
            let request = alice.http.post(format!("{}/api/post", alice.base)).header("Accept", "text/html");
            request.header("Sec-Fetch-Site", "same-origin").form(&form).send()
        };
        let answer = post(vec![("filename", "a".to_owned()), ("content", "b".to_owned())]).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(alice.get(&location).await.status(), StatusCode::OK, "{location}");
        let key = format!("AKIA{}", "ABCDEFGHIJKLMNOP");
        let asked = post(vec![("content", key.clone())]).await.unwrap();
        assert_eq!(asked.status(), StatusCode::OK);
        let page = asked.text().await.unwrap();
        assert!(page.contains("an AWS access key") && page.contains("Paste it anyway"), "{page}");
        let answer = post(vec![("content", key.clone()), ("anyway", "1".to_owned())]).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        // curl as it is: tclip would send it on, and nobody is there who could be asked.
        let program = alice.http.post(format!("{}/api/post", alice.base)).header("Accept", "*/*");
        let answer = program.form(&[("content", key)]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_another_site_pastes_nothing_in_the_name_of_whoever_looks_at_it() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "https://evil.example"),
            ("Origin", "null"),
            ("Origin", "http://127.0.0.1"),
        ] {
            let form = [("filename", "a"), ("content", "b")];
            let request = alice.http.post(format!("{}/api/post", alice.base)).header(name, value).form(&form);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        }
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
        let own = alice.http.post(format!("{}/api/post", alice.base)).header("Origin", &alice.base);
        let answer = own.form(&[("filename", "a"), ("content", "b")]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_page_shows_the_text_marked_and_harmless() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let id =
            alice.paste("</title><script>x</script>.rs", "// <script>alert(1)</script>\nlet x = \"</pre>\";\n").await;
        let (status, headers, page) = alice.read(&format!("/paste/{id}")).await;
        assert_eq!(status, StatusCode::OK);
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("<b class=\"c\">"), "{page}");
        assert!(page.contains("id=\"wrap\"") && page.contains("id=\"numbers\""), "{page}");
        assert!(page.contains("Delete for everybody"), "alice may delete it: {page}");
        let bob = Visitor::bob(stage).await;
        assert!(!bob.read(&format!("/paste/{id}")).await.2.contains("Delete for everybody"));
        let (_, headers, _) = alice.read(&format!("/paste/{id}/dl")).await;
        let name = headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment; filename=\"script_.rs\"") || name.starts_with("attachment; "), "{name}");
    })
    .await;
}

#[tokio::test]
async fn markdown_is_drawn_without_what_could_act() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let text = "# Title\n\n<script>alert(1)</script>\n[x](javascript:alert(1)) [del](/api/delete/1) ![p](https://evil.test/p)\n";
        let id = alice.paste("notes.md", text).await;
        let (status, _, page) = alice.read(&format!("/paste/{id}/md")).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("<h1>Title</h1>"), "{page}");
        for bad in ["<script", "javascript:", "/api/delete", "<img"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert_eq!(alice.read(&format!("/paste/{id}")).await.2, page, "Markdown opens as the page it makes");
        assert!(page.contains("Delete for everybody") && page.contains("https://evil.test/p") && page.contains(">p</a>"));
        let (_, _, lines) = alice.read(&format!("/paste/{id}/source")).await;
        assert!(lines.contains("id=\"L1\"") && !lines.contains("<article"), "{lines}");
        let code = alice.paste("code.md", "```rust\nfn a() {}\n```\n").await;
        let (_, _, page) = alice.read(&format!("/paste/{code}")).await;
        assert!(page.contains("<b class=\"k\">fn</b>"), "code in Markdown has its colours: {page}");
        let nameless = alice.paste("", "\n  # the first line\nsecond\n").await;
        assert!(alice.read("/paste/list").await.2.contains(&format!("<a href=\"/paste/{nameless}\">the first line</a>")));
        assert!(alice.read(&format!("/paste/{nameless}")).await.2.contains("<h1>the first line</h1>"));
        let plain = alice.paste("notes.txt", text).await;
        let answer = alice.get(&format!("/paste/{plain}/md")).await;
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.headers()["location"], format!("/paste/{plain}"));
    })
    .await;
}

#[tokio::test]
async fn whoever_the_tailnet_does_not_know_reads_with_the_address_and_changes_nothing() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let id = alice.paste("a.txt", "x").await;
        let stranger = Visitor::stranger(stage).await;
        assert_eq!(stranger.get(&format!("/paste/{id}/raw")).await.status(), StatusCode::OK);
        for path in ["/paste/list", "/paste/", &format!("/api/delete/{id}")] {
            assert_eq!(stranger.get(path).await.status(), StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(stranger.tclip("a", "b").await.status(), StatusCode::FORBIDDEN);
        let from_the_internet = stranger.http.get(format!("{}/paste/{id}", stranger.base));
        let answer = from_the_internet.header("Tailscale-Funnel-Request", "?1").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let misled = alice.http.get(format!("{}/paste/{id}", alice.base)).header("Host", "evil.example");
        let answer = misled.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(answer.text().await.unwrap().starts_with("this server is not known by the name in your address line"));
        assert!(raw(stage, &id).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn delete_is_for_the_owner_as_at_tclip_and_never_by_a_link_in_a_browser() {
    story(async |stage| {
        let (alice, bob) = (Visitor::alice(stage).await, Visitor::bob(stage).await);
        let id = alice.paste("a.txt", "x").await;
        let path = format!("/api/delete/{id}");
        assert_eq!(bob.get(&path).await.status(), StatusCode::FORBIDDEN);
        let link = alice.http.get(format!("{}{path}", alice.base)).header("Sec-Fetch-Site", "same-origin");
        assert_eq!(link.send().await.unwrap().status(), StatusCode::SEE_OTHER);
        // In a page of another site, over plain http: `<img referrerpolicy=no-referrer>` and `<script>`.
        for (name, value) in [("Accept", "image/avif,image/webp,*/*;q=0.8"), ("Accept", "*/*")] {
            let picture = alice.http.get(format!("{}{path}", alice.base)).header(name, value);
            let picture = picture.header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0");
            assert_eq!(picture.send().await.unwrap().status(), StatusCode::SEE_OTHER, "{value}");
        }
        assert!(raw(stage, &id).await.is_some());
        let button = |site: &'static str| {
            let request = alice.http.post(format!("{}/paste/{id}/delete", alice.base));
            request
                .headers(HeaderMap::from_iter([("sec-fetch-site".parse().unwrap(), HeaderValue::from_static(site))]))
                .send()
        };
        assert_eq!(button("cross-site").await.unwrap().status(), StatusCode::FORBIDDEN);
        assert_eq!(button("same-origin").await.unwrap().status(), StatusCode::SEE_OTHER);
        assert_eq!(raw(stage, &id).await, None);
        let other = alice.paste("b.txt", "x").await;
        assert_eq!(alice.get(&format!("/api/delete/{other}")).await.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(alice.get(&format!("/paste/{other}")).await.status(), StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn the_list_has_pages_of_25_and_not_what_grants_hold() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        for number in 0..26 {
            alice.paste(&format!("note{number:02}.txt"), "x").await;
            stage.clock.advance(1.seconds());
        }
        let (_, _, first) = alice.read("/paste/list").await;
        assert!(
            first.contains("note25.txt") && first.contains("note01.txt") && !first.contains("note00.txt"),
            "{first}"
        );
        assert!(first.contains("/paste/list?page=1"), "{first}");
        let (_, _, second) = alice.read("/paste/list?page=1").await;
        assert!(second.contains("note00.txt") && !second.contains("note01.txt"), "{second}");
        assert_eq!(alice.get("/paste/list?page=nonsense").await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_paste_whose_time_is_up_is_not_shown_even_before_it_is_removed() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let form = [("filename", "a.txt"), ("content", "x"), ("keep", "1h")];
        let request = alice.http.post(format!("{}/api/post", alice.base)).header("Accept", "text/plain").form(&form);
        let id = id(&request.send().await.unwrap().text().await.unwrap());
        assert_eq!(alice.get(&format!("/paste/{id}")).await.status(), StatusCode::OK);
        stage.clock.advance(60.minutes());
        assert_eq!(alice.get(&format!("/paste/{id}")).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(alice.get(&format!("/paste/{id}/raw")).await.status(), StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn with_a_tclip_configured_nothing_new_is_pasted_here() {
    let tclip = nightlatch::playground::tclip::TclipWorld::start("nightlatch").await.unwrap();
    let setting = Setting { more: format!("tclip: {{ url: {} }}", tclip.url()), ..Setting::default() };
    story_with(setting, async |stage| {
        let alice = Visitor::alice(stage).await;
        assert_eq!(alice.tclip("a", "b").await.status(), StatusCode::CONFLICT);
        let answer = alice.get("/paste/list").await;
        assert_eq!(answer.headers()["location"], format!("{}/paste/list", tclip.url()));
    })
    .await;
}

#[tokio::test]
async fn what_a_browser_sends_has_the_line_ends_that_were_typed_and_a_program_s_bytes_stay() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let post = async |body: &'static str, browser: bool| {
            let request = alice.http.post(format!("{}/api/post", alice.base)).body(body);
            let mut request = request.header("Content-Type", "application/x-www-form-urlencoded");
            if browser {
                request = request.header("Sec-Fetch-Site", "same-origin").header("Accept", "text/html");
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            let place = answer.headers()["location"].to_str().unwrap().to_owned();
            raw(stage, place.trim_start_matches("/paste/")).await.unwrap()
        };
        let script = "content=%23!/bin/sh%0D%0Aecho hi%0D%0A%0D%0Aone%0Dtwo";
        assert_eq!(post(script, true).await, "#!/bin/sh\necho hi\n\none\rtwo");
        assert_eq!(post(script, false).await, "#!/bin/sh\r\necho hi\r\n\r\none\rtwo");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_text_is_refused_by_both_kinds_of_form() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let post = async |kind: &str, body: Vec<u8>| {
            let request = alice.http.post(format!("{}/api/post", alice.base)).header("Content-Type", kind);
            let answer = request.header("Accept", "text/plain").body(body).send().await.unwrap();
            format!("{} {}", answer.status().as_u16(), answer.text().await.unwrap().trim_end())
        };
        let said = "400 it is not a text (it must be UTF-8 without zero bytes).";
        let pairs = "application/x-www-form-urlencoded";
        for body in ["filename=a.txt&content=caf%E9", "filename=a%E9.txt&content=x", "content=x&language=%FF"] {
            assert_eq!(post(pairs, body.as_bytes().to_vec()).await, said, "{body}");
        }
        let mut parts = b"--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\ncaf\xe9\r\n--x--\r\n".to_vec();
        assert_eq!(post("multipart/form-data; boundary=x", parts.clone()).await, said);
        parts = parts.iter().map(|byte| if *byte == 0xe9 { b'e' } else { *byte }).collect();
        let name = b"--x\r\nContent-Disposition: form-data; name=\"filename\"\r\n\r\na\xe9.txt\r\n".to_vec();
        assert_eq!(post("multipart/form-data; boundary=x", [name, parts].concat()).await, said);
        assert!(post(pairs, b"content=50%zz".to_vec()).await.starts_with("200 "));
    })
    .await;
}

#[tokio::test]
async fn who_can_read_a_paste_is_said_before_and_after() {
    story(async |stage| {
        let alice = Visitor::alice(stage).await;
        let everybody = "Everybody on this tailnet can read it";
        assert!(alice.read("/paste/").await.2.contains(everybody));
        let id = alice.paste("a.txt", "x").await;
        assert!(alice.read(&format!("/paste/{id}")).await.2.contains(everybody));
        stage.alice.command("/paste").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("Everybody on the tailnet can read it and find it in the list"), "{modal}");
    })
    .await;
}
