//! The main job: ask, approve, have it, and it is gone on time.

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn access_is_granted_on_approval_and_taken_back_when_time_is_up() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204 is stuck").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), Some(true.into()));
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ring_smoke() {
    story_everywhere(async |stage| {
        let engine = stage.bot.engine().await;
        let form = nightlatch::engine::asking::Form::from_words(
            engine.catalog().find("prod-db").unwrap().clone(),
            "2h invoice 1204",
            None,
        );
        let nightlatch::engine::asking::Prepared::Complete(ask) = engine.prepare("U0ALICE01", &form).await.unwrap()
        else {
            panic!()
        };
        let seal = ask.seal.clone();
        let told = engine.ask(*ask, Some("d1".into())).await.unwrap();
        drop(engine);
        stage.bot.settle().await;
        println!("{}", stage.bob.sees("#access"));
        let press = nightlatch::kernel::Event::Pressed {
            by: "U0BOB0001".into(),
            button: nightlatch::kernel::Button::Approve { confirmed: false },
            channel: None,
            seal,
        };
        let engine = stage.bot.engine().await;
        engine
            .tell(nightlatch::kernel::Actor::Person { slack_id: "U0BOB0001".into() }, &told.request.id, press, None)
            .await
            .unwrap();
        drop(engine);
        stage.bot.settle().await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), Some(true.into()));
        stage.advance(2.hours()).await;
        println!("{}", stage.bob.sees("#access"));
        println!("{}", stage.alice.reads());
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_prod_db"), None);
        stage.everybody_reads();
    })
    .await;
}
