//! `v1/` holds workflow files and what each of them means. They never change, and no build reads them otherwise: a file that
//! somebody wrote for an earlier version is theirs, and means what it meant.
//!
//! A new feature adds files: a YAML file, and its meaning written by `NIGHTLATCH_WRITE_MEANINGS=1 cargo test --test format`, which
//! writes only what is not there yet. Then FILES gets its name and fingerprint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nightlatch::catalog::{Catalog, meaning};
use nightlatch::steps::TYPES;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Set to write the meaning of files that have none yet.
const WRITE: &str = "NIGHTLATCH_WRITE_MEANINGS";

/// Every file that is frozen, with the SHA-256 of its text and of its meaning.
const FILES: &[(&str, &str)] = &[
    ("anyone", "eeb56e1f96f7b2702815b63938a1417d2fe8df31075a64473be1360eac9db5bb"),
    ("ask-for", "5b44530a071695d6f204e8963cdc9d0a9c41a9aa9b10017c1299fe0eedff654b"),
    ("asked-when", "adca8e90501b73fdd2eea8c5823648fa6a3fd3f88075b86be4e5181f357df02c"),
    ("automatic", "c76ec74930819ed767824bf365f546536e233f2c93e28cd4ae2880466413ce36"),
    ("customer-data", "2ff29608082ee17988a07b91add5d71f6d578bc7db00608d837a0e9809cf0d5c"),
    ("everything", "93c6d7d22223145054f597452747902a5a847cf45e20e57d102d1a5d06a8dd52"),
    ("extending", "b9db38d6af45af79455b9e93f37a0a135c69cc9061becfaa66b4b33120319d13"),
    ("extending-again", "bb5aab267153b069eba5198479a7094fd74cc0dbc39058f959594cf59b5e1e94"),
    ("extending-by-others", "692956207d221ded203e43f919af5683308e026535b80d096909b0f477417291"),
    ("glass", "7f2fb7f1bee2d4989016a86cb1afe29f0bcf26ad5c2ccd77eb5c3cade14b9a93"),
    ("glass-plain", "1afd541391d2eee35d1cd88f2034d98be3ec0ec77f68d147b7baae27a1ce4996"),
    ("house", "f430321af6fa00fa4b7bedd7dea011a98fdc83271aac2bae2a2f0c964e1af190"),
    ("http", "75f7c1948babde553379987036b708f4d828d665caaedd99f0684db824676d0b"),
    ("inputs", "2589383be9960fe03cb84c43d6c2b475a268aecb5625f00b866eae6ecab1a1c1"),
    ("labels", "06b44d810965efdde6695e87a367bbe0d2b75e0db282262b29a2e7129709fa81"),
    ("least", "b01b6cc07ba6efebc45ead937d9082079b1feac4d6f80ddc7c9ec7da62c9f22e"),
    ("link", "78c881ba69755f743ab3c45f94ff276b14f3d53ed5a5dbf998e4c9def0a960c2"),
    ("managers", "6fab6e5ae1e9db5b9d6cd31b4c059c03dd5995e23a0d52793c75b71fd6288ea2"),
    ("no-duration", "c8be09da3a90e79edfe6164e7f503a1ead2b7858340fb1f540573178da14ca15"),
    ("nobody-decides", "b28bb745f44aa4a7c13b7122e23d661c705dd6be7cf59685f414a6ef1453ecb7"),
    ("of-the-request", "1ae6fe8fc313522a268ea931f56d83d288b6c6fe77feee50b2c0c3c0c8e8e373"),
    ("patterns", "8006b36ccd04f92d628957809f9183a9d620941d6515297e558a06c29afc4d0f"),
    ("policy", "caa71272cbbb7955588996a030777e6c5faf9a881338a50cf9dd68371f4449a9"),
    ("policy-unguarded", "f22834e4e037b2b93179d36d01734f60f103f3311ba7cb551ab9f4b5aed10da6"),
    ("prod-db", "6063c709ea9a335d263778a7fc2b90c09b57acd25e372cbb2428270cc9c38d1e"),
    ("program", "006a57be3d404a4dc432d2396331a9715469ad1543401ac3b790ae7fd8e1518d"),
    ("slack", "30cbf3b3aae7ca4630e176e9c101159c802322d8cdee68f76b213bac31f1a1fc"),
    ("stages", "18300877b75f618c2ac193267b60acb5e80259ef0ec96851ecd3c08e6fa7135b"),
    ("staging-admin", "b855e478b365374b0f129cb7a43bd7bcfacd9f50e760b8193110ccc8c4bf8cf5"),
    ("tagged", "39b480ac55a4379ac8fe1dda5313c365d618d9fe4ebc0847d0199ef77649c124"),
    ("tags-and-shares", "3ff4a591f342a280240404c4a51c558a19aa9b0af9193e37188309b2f4de1fce"),
    ("tailnet", "0a126eda42eda214b63a7c9f08ed5701855f6094eaedfead0bd679661a95397a"),
    ("tell", "49ef914b617ec2051e70bca4dad5bdcaaf368a9a3510be22d3d0effe21219507"),
    ("triggers", "ad637d8b010e7135e5df319c316b4d213c11a10f80e5a0e0c408d03a0b660322"),
    ("urging", "9d5921c64b27539d05e8eb0ae7b08c5efab04113c27a84e72ddf328872bac29c"),
    ("when", "cd5bfa5fc86ad036851a104eaf8a0fb8a41585c67d196c3e573a83cea3958dc5"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/v1")
}

fn today() -> BTreeMap<String, Value> {
    let catalog = Catalog::read(&folder(), TYPES).unwrap_or_else(|report| panic!("no longer accepted:\n{report}"));
    catalog.workflows().map(|workflow| (workflow.name.clone(), meaning(workflow))).collect()
}

/// What differs; keys that today's meaning has beside are no difference.
fn differences(then: &Value, now: &Value, at: &str) -> Vec<String> {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) => {
            let compare = |(name, value): (&String, &Value)| match now.get(name) {
                Some(now) => differences(value, now, &format!("{at}.{name}")),
                None => vec![format!("{at}.{name} is gone")],
            };
            then.iter().flat_map(compare).collect()
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            let both = then.iter().zip(now).enumerate();
            both.flat_map(|(index, (then, now))| differences(then, now, &format!("{at}[{index}]"))).collect()
        }
        _ if then == now => Vec::new(),
        _ => vec![format!("{at} was {then} and is {now}")],
    }
}

#[test]
fn every_frozen_file_means_what_it_meant() {
    let today = today();
    let mut wrong = Vec::new();
    for (name, now) in &today {
        let path = folder().join(format!("{name}.json"));
        if std::env::var_os(WRITE).is_some() && !path.exists() {
            std::fs::write(&path, format!("{now:#}\n")).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let then: Value = serde_json::from_str(&text).unwrap();
        wrong.extend(differences(&then, now, name));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn frozen_files_never_change() {
    let read = |name: &str, ending: &str| std::fs::read(folder().join(format!("{name}.{ending}"))).unwrap_or_default();
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let mut digest = Sha256::new();
            digest.update(read(&name, "yaml"));
            digest.update(read(&name, "json"));
            found.push((name, hex::encode(digest.finalize())));
        }
    }
    found.sort();
    let known: Vec<(String, String)> =
        FILES.iter().map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned())).collect();
    assert_eq!(found, known, "a frozen file changed, or a new one is not in FILES yet");
}

#[test]
fn a_difference_is_seen() {
    let then = serde_json::json!({ "steps": [{ "uses": "a", "with": { "x": 1 } }], "ask": ["b"] });
    let mut now = then.clone();
    now["steps"][0]["with"]["y"] = 2.into();
    assert_eq!(differences(&then, &now, "w"), Vec::<String>::new());
    now["steps"][0]["with"]["x"] = 2.into();
    now["ask"] = serde_json::json!(["b", "c"]);
    assert_eq!(
        differences(&then, &now, "w"),
        ["w.steps[0].with.x was 1 and is 2", r#"w.ask was ["b"] and is ["b","c"]"#]
    );
}
