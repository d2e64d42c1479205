//! Broken settings of steps.

use super::{messages, with};

#[test]
fn settings_of_steps_are_checked() {
    let settings = "{ device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }";
    let second =
        format!("{settings}\n  - uses: tailscale.attribute\n    with: {}", settings.replace("prod_db", "PROD_db"));
    let told: Vec<String> = [
        "{ device: \"{{ inputs.devise }}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.reason }}\", key: custom:a, value: true }",
        "{ device: n123CNTRL, key: custom:a, value: true }",
        "{ device: \"{{ inputs.device | upper }}\", key: custom:a, value: true }",
        "{ device: \"{% if x %}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.device\", key: custom:a, value: true }",
        "{ device: \"{{ requester.mail }}\", key: custom:a, value: true }",
        "{ device: \"{{ steps.first.id }}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.device }}\", key: jit, value: \"true\" }",
        "{ device: \"{{ inputs.device }}\", key: \"custom:{{ requester.login }}\", value: 1, extra: 1 }",
        "{ key: \"custom:\" }",
        "[a]",
        &second,
    ]
    .iter()
    .map(|to| messages(&with(settings, to)))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    12:21 there is no input `devise` | did you mean `inputs.device`?
    12:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:21 `inputs.device | upper` is not just a name: {{ }} holds no logic | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 `{%` is not allowed: settings hold no logic | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 `{{` is not closed with `}}` | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 nothing is called `requester.mail` | did you mean `requester.email`?
    12:21 nothing is called `steps.first.id` | there is: inputs.hold, inputs.reason, inputs.device, requester.email, requester.login, requester.name
    12:49 `key` must start with custom: | write key: custom:jit_prod_db
    12:61 `value` must be true or false | write value: true (without quotes)
    12:49 `key` may hold letters, digits, `_` and `:` after custom: | write key: custom:jit_prod_db
    12:88 `value` must be true or false | write value: true (without quotes)
    12:91 unknown key `extra` | `tailscale.attribute` knows: device, key, value
    12:13 `device` is missing | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:13 `value` is missing | write value: true
    12:18 `key` may hold letters, digits, `_` and `:` after custom: | write key: custom:jit_prod_db
    12:11 `tailscale.attribute` must be a map of `key: value` lines, not a list | -
    13:5 touches the same thing as step 1 | take it out, or give it another key
    "#);
}
