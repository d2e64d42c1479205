//! The front door, and what is said where there is nothing.

use insta::assert_snapshot;
use reqwest::{Client, StatusCode};

use crate::harness::{Setting, Stage, story, story_with};

/// A browser on a device, or on the bot's own machine.
async fn look(stage: &Stage, device: Option<&str>, path: &str) -> (StatusCode, String) {
    nightlatch::outside::tls();
    let http = Client::builder().no_proxy().tls_certs_only([]);
    let (http, base) = match device {
        Some(device) => {
            stage.tailnet.sits_at("127.0.0.81", device);
            (http.local_address(std::net::IpAddr::from([127, 0, 0, 81])), stage.bot.address())
        }
        None => (http.unix_socket(stage.bot.socket()), "http://localhost".to_owned()),
    };
    let request = http.build().unwrap().get(format!("{base}{path}")).header("Accept", "text/html,*/*;q=0.8");
    let answer = request.send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// What a reader sees of a page's middle, a line for each block.
fn seen(page: &str) -> String {
    let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
    let mut text = String::new();
    let mut is_tag = true;
    for character in main.chars() {
        match character {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(character),
            _ => {}
        }
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace("&#x2F;", "/")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_page_shows_what_is_there_and_what_is_one_s_own() {
    story(async |stage| {
        stage.alice.command("/go wiki https://wiki.example/").await;
        stage.alice.command("/paste a first line of hers").await;
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let (status, page) = look(stage, Some("bob-laptop"), "/").await;
        assert_eq!(status, StatusCode::OK);
        assert_snapshot!(seen(&page), @"
        Hello Bob Brandt
        Waiting for you
        ⏳ Production database, Alice asks for 2h on alice-laptop
        lapses in 8 hours · invoice 1204
        Decide in Slack: on the message there, or in my Home tab.
        What you hold
        You hold nothing. In Slack, /access asks for something.
        Go links
        go/wiki https://wiki.example/
        Your pastes
        You have none. Paste something, or type /paste in Slack.
        ");
        stage.bob.press("Approve").await;
        let (_, page) = look(stage, Some("alice-laptop"), "/").await;
        assert_snapshot!(seen(&page), @"
        Hello Alice Ames
        Waiting for you
        Nothing waits for your decision.
        What you hold
        🟢 Production database on alice-laptop
        active, ends in 2 hours · give it back with /access return prod-db
        Go links
        go/wiki https://wiki.example/
        Your pastes
        a first line of hers just now, 20 bytes
        ");
        let (status, page) = look(stage, None, "/").await;
        assert_eq!(status, StatusCode::OK);
        assert_snapshot!(seen(&page), @"
        Nightlatch
        The tailnet does not know you here. Open this page from your own device on the tailnet to see what is yours.
        Go links
        go/wiki https://wiki.example/
        ");
        assert!(!page.contains("alice"), "whoever is not known reads nothing about people: {page}");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_none_is_a_page_with_the_way_on() {
    story(async |stage| {
        for path in ["/nosuch", "/a/b/c?x=1", "/go/.nosuch", "/paste/nosuch"] {
            let (status, page) = look(stage, Some("bob-laptop"), path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(page.contains("aria-label=\"Pages\"") && page.contains("rel=\"icon\""), "{path}: {page}");
        }
        let (status, icon) = look(stage, Some("bob-laptop"), "/favicon.ico").await;
        assert!(status == StatusCode::OK && icon.starts_with("<svg"), "{icon}");
        // A program gets a line.
        let answer = reqwest::get(format!("{}/nosuch", stage.bot.address())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert_eq!(answer.text().await.unwrap(), "there is nothing at this address\n");
        // So does one that uses an address in another way than it can be used.
        let post = Client::new().post(format!("{}/paste/list", stage.bot.address()));
        let answer = post.body("text").send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers()["allow"].to_str().unwrap()),
            (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD")
        );
        let said = "POST is not possible at this address; nothing was changed; programs post to /api/post\n";
        assert_eq!(answer.text().await.unwrap(), said);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_in_direct_messages_loses_its_button_when_it_was_used() {
    let setting =
        Setting::default().prod_db(&[("own_request: never", "own_request: confirm"), ("announce: \"#access\"\n", "")]);
    story_with(setting, async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press("Approve").await;
        assert!(
            stage.bob.sees("@nightlatch").contains("[Yes, approve my own request]"),
            "{}",
            stage.bob.sees("@nightlatch")
        );
        stage.bob.press("Yes, approve my own request").await;
        let seen = stage.bob.sees("@nightlatch");
        assert!(!seen.contains("[Yes, approve my own request]") && seen.contains("Your press is saved"), "{seen}");
        stage.bob.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}
