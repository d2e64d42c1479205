//! How much one person may have: requests that wait, pastes, texts that wait for a second click. Nobody else has less for it.

use crate::harness::*;

fn few() -> Setting {
    Setting {
        more: "ceilings: { pending: 2, same: 9, pastes: 2, paste_mib: 1, drafts: 1 }".to_owned(),
        ..Setting::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_asks_for_so_much_at_a_time_and_everybody_else_goes_on() {
    story_with(few(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.command("/access prod-db 2h invoice 1205").await;
        stage.alice.command("/access prod-db 2h invoice 1206").await;
        assert_eq!(stage.requests().await.len(), 2);
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"nightlatch (only you): You have 2 requests that wait for a decision, and nobody may have more, so nothing was asked. Withdraw one (`/access list` shows them), or wait until somebody decides.");
        stage.carol.command("/access prod-db 2h hers").await;
        assert_eq!(stage.requests().await.len(), 3);
        // What is decided makes room.
        stage.alice.command("/access withdraw prod-db").await;
        stage.alice.command("/access prod-db 2h invoice 1207").await;
        assert_eq!(stage.requests().await.len(), 4);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_has_so_many_pastes_and_so_much_in_them() {
    story_with(few(), async |stage| {
        let mut said = Vec::new();
        for text in ["one", "two", "three"] {
            let delivered = stage.alice.command(&format!("/paste {text}")).await;
            said.push(delivered.body.unwrap_or_default()["text"].as_str().unwrap_or_default().to_owned());
        }
        insta::assert_snapshot!(said.join("\n"), @"
        Pasted: <https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000001|untitled>
        Pasted: <https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000002|untitled>
        You have 2 pastes here, and nobody may have more; delete some first, `/paste list` shows them.
        ");
        let secret = "/paste AKIAIOSFODNN7EXAMPLE and password=hunter2hunter2";
        let mut said = Vec::new();
        for _ in 0..2 {
            let delivered = stage.bob.command(secret).await;
            said.push(delivered.body.unwrap_or_default()["text"].as_str().unwrap_or_default().to_owned());
        }
        insta::assert_snapshot!(said.join("\n"), @"
        *untitled looks like it holds secrets.* Nothing was sent yet.
        • an AWS access key in line 1
        A key or password that was pasted has to be replaced: many people can read a paste.
        Nobody may have more texts waiting for a click than 1; press a button on one of yours first.
        ");
        stage.everybody_reads();
    })
    .await;
}
