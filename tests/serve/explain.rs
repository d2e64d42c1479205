//! Who may and why, from the command line: by people of the running bot, and by a snapshot of them when nothing runs.

use std::time::Duration;

use crate::control::{asked, run};
use crate::scene::Scene;
use crate::signals::{exit_code, signal};

const GUARDRAIL: &str = r#"
@id("short") @reason("two hours are enough")
forbid (principal, action == Action::"ask", resource) when { context.hold > 7200 };
"#;

fn lines_with<'t>(text: &'t str, words: &str) -> Vec<&'t str> {
    text.lines().filter(|line| line.contains(words)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_explained_and_a_change_is_compared() {
    let scene = Scene::set().await;
    let folder = scene.folder.path();
    std::fs::create_dir_all(folder.join("policies")).expect("a folder");
    std::fs::write(folder.join("policies/short.cedar"), GUARDRAIL).expect("a guardrail");
    let (code, said) = run(&scene, &["explain", "prod-db", "alice@example.com"]).await;
    assert_eq!((code, said.contains("does it run, with this configuration?")), (Some(1), true), "{said}");
    let child = scene.start().await;
    let (code, said) = run(&scene, &["explain", "prod-db", "alice@example.com", "--hold", "2h"]).await;
    assert_eq!((code, said.lines().next()), (Some(0), Some("asks: yes, in group:engineering (`ask`)")), "{said}");
    let (_, said) = run(&scene, &["explain", "prod-db", "alice@example.com", "--hold", "3h"]).await;
    assert_eq!(said.lines().next(), Some("asks: no, a guardrail does not allow it, short: two hours are enough"));
    let (code, said) = run(&scene, &["explain", "prod-bd", "alice@example.com"]).await;
    assert_eq!((code, said.contains("did you mean prod-db?")), (Some(1), true), "{said}");
    let (code, snapshot) = run(&scene, &["snapshot"]).await;
    assert_eq!(code, Some(0), "{snapshot}");
    assert!(snapshot.contains("alice@example.com") && snapshot.contains("group:engineering"), "{snapshot}");
    for (_, secret) in scene.secrets() {
        assert!(!snapshot.contains(&secret), "a secret is in it");
    }
    std::fs::write(folder.join("people.json"), &snapshot).expect("a file");
    asked(&scene).await;
    signal(&child, "-TERM");
    assert_eq!(exit_code(child, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
    let (code, said) = run(&scene, &["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 decision of guardrails judged again, all of them the same"), "{said}");

    let offline = ["--snapshot", "people.json"];
    let (code, said) = run(&scene, &[&["explain", "prod-db"][..], &offline].concat()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(!lines_with(&said, "Alice").is_empty() && !lines_with(&said, "Bob").is_empty(), "{said}");
    let (code, said) = run(&scene, &[&["explain", "prod-db", "alise@example.com"][..], &offline].concat()).await;
    assert_eq!((code, said.contains("did you mean alice@example.com?")), (Some(1), true), "{said}");

    for part in ["workflows", "policies"] {
        std::fs::create_dir_all(folder.join("new").join(part)).expect("a folder");
    }
    let workflow = std::fs::read_to_string(folder.join("workflows/prod-db.yaml")).expect("a workflow");
    std::fs::write(folder.join("new/workflows/prod-db.yaml"), &workflow).expect("a workflow");
    std::fs::write(folder.join("new/policies/short.cedar"), GUARDRAIL).expect("a guardrail");
    let (code, said) = run(&scene, &[&["impact", ".", "new"][..], &offline].concat()).await;
    assert_eq!((code, said.contains("gains or loses anything")), (Some(0), true), "{said}");
    let narrower = workflow.replace("ask: [group:engineering]", "ask: [group:dba]");
    assert_ne!(narrower, workflow);
    std::fs::write(folder.join("new/workflows/prod-db.yaml"), narrower).expect("a workflow");
    let (code, said) = run(&scene, &[&["impact", ".", "new"][..], &offline].concat()).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("alice@example.com") && said.contains("can no longer ask for: it takes group:dba"), "{said}");
    revisions(&scene, &workflow).await;
    let (_, said) = run(&scene, &[&["impact", ".", "new", "--format", "json"][..], &offline].concat()).await;
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&said[0]["can"], &said[0]["gains"]), (&"ask".into(), &false.into()), "{said}");
}

/// A folder as it was in a revision, with the `git` that is here.
async fn revisions(scene: &Scene, before: &str) {
    let new = scene.folder.path().join("new");
    let git = |words: &[&str]| {
        let name = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com", "-c", "commit.gpgsign=false"];
        let done = std::process::Command::new("git").args(name).args(words).current_dir(&new).output().expect("git");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let now = std::fs::read_to_string(new.join("workflows/prod-db.yaml")).expect("a workflow");
    std::fs::write(new.join("workflows/prod-db.yaml"), before).expect("a workflow");
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "before"]);
    std::fs::write(new.join("workflows/prod-db.yaml"), now).expect("a workflow");
    let (people, config) = (scene.folder.path().join("people.json"), scene.folder.path().join("nightlatch.yaml"));
    let told = async |words: &[&str]| {
        let told = tokio::process::Command::new(env!("CARGO_BIN_EXE_nightlatch"))
            .args(words)
            .arg("--config")
            .arg(&config)
            .arg("--snapshot")
            .arg(&people)
            .current_dir(&new)
            .output()
            .await
            .expect("it runs");
        (told.status.code(), String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned())
    };
    let (code, said) = told(&["impact", "HEAD:", "."]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("can no longer ask for: it takes group:dba"), "{said}");
    let (code, said) = told(&["impact", "HEAD:", "HEAD:"]).await;
    assert_eq!((code, said.contains("gains or loses anything")), (Some(0), true), "{said}");
    for (words, why) in [
        (["impact", "nowhere:", "."], "there is no revision nowhere"),
        (["impact", "--output=x:", "."], "unexpected argument"),
        (["impact", "HEAD:elsewhere", "."], "there was no folder elsewhere/workflows/ with files then"),
    ] {
        let (code, said) = told(&words).await;
        assert!(code != Some(0) && said.contains(why), "{words:?}: {said}");
    }
}
