//! Broken workflow files and what people are told about them.

use super::*;
use crate::steps::TYPES;

#[test]
fn the_workflows_that_come_with_nightlatch_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let catalog = Catalog::read(&folder, TYPES).unwrap();
    let prod_db = catalog.find("prod-db").unwrap();
    assert_eq!(
        prod_db.hold().map(|(input, default_ms, _)| (input.name.as_str(), default_ms)),
        Some(("hold", 3_600_000))
    );
    assert_eq!(catalog.nearest("prod-bd"), Some("prod-db"));
}
