//! Examples of what people typed, and why nothing came of it.

use nightlatch::kernel::effect::Effect;
use nightlatch::kernel::origin::Origin;
use nightlatch::kernel::{NotAsked, Refusal, Standing, Typed};

use crate::requests::{NOON, Named, failure, named, start};

fn not_asked() -> Vec<NotAsked> {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    vec![
        NotAsked::Refused { why: Refusal::Standing { standing: Standing::Guest } },
        NotAsked::Wrong { inputs: vec![("device".to_owned(), "`x` is not one of your devices (laptop)".to_owned())] },
        NotAsked::Missing { inputs: texts(&["device"]), devices: texts(&["laptop", "desktop"]) },
        NotAsked::NobodyCanApprove,
        NotAsked::NoManager { person: "alice@example.com".to_owned() },
        NotAsked::NoTailnetUser { email: Some("alice@example.com".to_owned()) },
        NotAsked::NoDevice,
        NotAsked::NotLent,
        NotAsked::Failed { failure: failure() },
    ]
}

/// What was typed and waits to be looked up, and what is to be answered.
pub fn typed_asks() -> Named<Effect> {
    let values = [("hold", "2h"), ("reason", "invoice 1204")];
    let typed = |view: Option<&str>| Typed {
        by: "U0ALICE01".to_owned(),
        workflow: "prod-db".to_owned(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        channel: view.is_none().then(|| "C0GENERAL1".to_owned()),
        view: view.map(str::to_owned),
        at: NOON,
        origin: Origin::Typed,
        breaks_glass: view.is_some(),
        for_whom: view.map(|_| "U0BOB0001".to_owned()),
    };
    let by_schedule = Typed { channel: None, origin: start().origin(), ..typed(None) };
    let mut list = named(vec![
        ("start a workflow", Effect::StartWorkflow { start: Box::new(start()) }),
        ("complete what came by schedule", Effect::Complete { typed: by_schedule }),
        ("complete", Effect::Complete { typed: typed(None) }),
        ("complete a form", Effect::Complete { typed: typed(Some("V0FORM0001")) }),
        ("answer", Effect::Answer { typed: typed(None), not_asked: None }),
    ]);
    for why in not_asked() {
        let name = format!("answer {}", crate::variants::not_asked(&why));
        list.push((name, Effect::Answer { typed: typed(None), not_asked: Some(why) }));
    }
    list
}
