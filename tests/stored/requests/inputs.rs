//! An example of every kind of input and of what can be filled in.

use nightlatch::kernel::Ask;
use nightlatch::kernel::condition::Condition;
use nightlatch::kernel::input::{InputValue, PersonShown};
use nightlatch::kernel::request::DeviceShown;
use nightlatch::kernel::workflow::{Choosable, Input, InputKind, Pattern};

use super::{bob, input};

/// Inputs of every kind, with everything that they can say, and a value for each.
pub(super) fn fill_in(ask: &mut Ask) {
    let pattern = || Some(Pattern { regex: "^INC-[0-9]+".to_owned(), help: Some("start with the ticket".to_owned()) });
    let option = |value: &str| Choosable { value: value.to_owned(), label: value.to_uppercase() };
    let options = || vec![option("eu"), option("us")];
    let text =
        InputKind::Text { max_length: 20, required: false, pattern: pattern(), default: Some("INC-1".to_owned()) };
    let choice = |many, default: &[&str]| InputKind::Choice {
        options: options(),
        many,
        default: default.iter().map(|word| (*word).to_owned()).collect(),
        required: default.is_empty(),
        pattern: None,
    };
    let bob = bob();
    let chosen = |words: &[&str], many| {
        let chosen = words.iter().map(|word| (*word).to_owned()).collect();
        InputValue::Choice { chosen, many }
    };
    let all = [
        ("ticket", text, InputValue::Text { text: "INC-7".to_owned() }),
        ("region", choice(false, &[]), chosen(&["eu"], false)),
        ("regions", choice(true, &["us"]), chosen(&["eu", "us"], true)),
        ("whom", InputKind::Person { required: true, pattern: None }, InputValue::Person(PersonShown::from(&bob))),
        (
            "count",
            InputKind::Number { min: -1, max: 9, default: Some(1), required: false },
            InputValue::Number { number: 3 },
        ),
        ("writes", InputKind::Flag { default: false }, InputValue::Flag { on: true }),
        (
            "link",
            InputKind::Link { required: true, pattern: pattern() },
            InputValue::Link { url: "https://example.com/INC-7".to_owned() },
        ),
    ];
    ask.active = Some("• Production database: Alice until 1 Mar 14:00 UTC".to_owned());
    ask.workflow.labels = vec!["production".to_owned()];
    ask.judged = crate::judged::judgements().pop().map(Box::new);
    for (name, kind, value) in all {
        ask.workflow.inputs.push(Input { help: Some("What it is for".to_owned()), ..input(name, name, kind) });
        ask.inputs.insert(name.to_owned(), value);
    }
    let server = DeviceShown {
        node_id: "nCI7CNTRL".to_owned(),
        name: "ci-7".to_owned(),
        os: "linux".to_owned(),
        addresses: vec!["100.64.0.7".to_owned()],
    };
    let tagged = InputKind::Device { of: vec!["tag:ci".to_owned()] };
    ask.workflow.inputs.push(input("server", "Server", tagged));
    ask.inputs.insert("server".to_owned(), InputValue::Device(server));
    let link = ask.workflow.inputs.iter_mut().find(|input| input.name == "link");
    if let Some(link) = link {
        link.when = Condition([("writes".to_owned(), true.into())].into_iter().collect());
    }
}
