//! Many calls at once against a tailnet that limits them: they wait their turn, ends first, and nobody is told of a limit.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::*;
use crate::outside::tailscale::TailscaleError;

const NODE: &str = "nALICE1CNTRL";

#[tokio::test]
async fn a_limit_is_waited_for_and_is_no_failure() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    client.users().await.expect("users");
    world.set_calls_per_second(Some(50));
    let asked = (0..120).map(|_| async { client.for_an_end().attributes(NODE).await });
    let failed: Vec<TailscaleError> = join_all(asked).await.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed, Vec::new());
    assert!(world.calls_refused() <= 12, "{} of 120 were refused", world.calls_refused());
}

#[tokio::test]
async fn ends_go_before_whoever_looks_something_up_and_older_ends_before_younger_ones() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    client.users().await.expect("users");
    // From here on one a second.
    world.set_calls_per_second(Some(1));
    client.users().await.expect("users");
    world.fault(Endpoint::Users, Fault::RateLimited("1".to_owned()), Some(1));
    let (older, younger) = (client.for_an_end(), client.for_an_end());
    let before = world.calls().len();
    let wanted = ["first", "look-up", "younger", "older"];
    let told = std::sync::Mutex::new(Vec::new());
    let note = |name: &'static str| told.lock().expect("names").push(name);
    tokio::join!(
        biased;
        async {
            client.users().await.expect("it waits");
            note(wanted[0]);
        },
        async {
            while world.calls().len() == before {
                tokio::task::yield_now().await;
            }
            tokio::join!(
                async {
                    client.device(NODE).await.expect("a device");
                    note(wanted[1]);
                },
                async {
                    younger.attributes(NODE).await.expect("attributes");
                    note(wanted[2]);
                },
                async {
                    older.attributes(NODE).await.expect("attributes");
                    note(wanted[3]);
                },
            );
        },
    );
    let told = told.into_inner().expect("names");
    let place = |name: &str| told.iter().position(|told| *told == name).expect("it was told");
    assert!(place("older") < place("younger") && place("younger") < place("look-up"), "{told:?}");
    assert_eq!(told.iter().copied().collect::<BTreeSet<_>>().len(), 4);
}

#[tokio::test]
async fn no_retry_after_puts_an_end_off_by_more_than_a_minute() {
    let ten_years = "315360000";
    for text in [ten_years, "Sat, 01 Jan 2050 00:00:00 GMT", "99999999999999999999"] {
        let (world, clock) = world().await;
        let client = client(&world, &clock);
        world.fault(Endpoint::DeleteAttribute, Fault::RateLimited(text.to_owned()), Some(1));
        let told = client.for_an_end().delete_attribute(NODE, KEY).await;
        match told {
            Err(TailscaleError::RateLimited { retry_after_ms: Some(wait), .. }) => assert!(wait <= 60_000, "{wait}"),
            other => assert!(text.len() == 20 && other.is_ok(), "{text}: {other:?}"),
        }
        // Whoever comes next is told at once how long it is, and does not call.
        let calls = world.calls().len();
        if text == ten_years {
            let told = client.for_an_end().attributes(NODE).await.expect_err("closed");
            assert!(told.retry_after_ms().is_some_and(|wait| wait <= 60_000), "{told:?}");
            assert_eq!(world.calls().len(), calls);
        }
    }
}
