//! What stands in the fields of a form: one way to read every kind of element.

use serde_json::Value;

/// The values of `state.values`, in the form's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormState {
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    block_id: String,
    action_id: String,
    values: Vec<String>,
}

impl FormState {
    /// Reads `{"values": {block_id: {action_id: element}}}`; anything else is an empty form.
    pub(super) fn read(state: Option<&Value>) -> Self {
        let blocks = state.and_then(|state| state.get("values")).and_then(Value::as_object);
        let mut fields = Vec::new();
        for (block_id, elements) in blocks.into_iter().flatten() {
            for (action_id, element) in elements.as_object().into_iter().flatten() {
                let (block_id, action_id) = (block_id.clone(), action_id.clone());
                fields.push(Field { block_id, action_id, values: element_values(element) });
            }
        }
        Self { fields }
    }

    /// What was typed or selected; the first of several. `None` if the field is empty or not there.
    pub fn value(&self, block_id: &str, action_id: &str) -> Option<&str> {
        self.values(block_id, action_id).first().map(String::as_str)
    }

    /// Everything selected, for elements that take several.
    pub fn values(&self, block_id: &str, action_id: &str) -> &[String] {
        let field = self.fields.iter().find(|field| field.block_id == block_id && field.action_id == action_id);
        field.map_or(&[], |field| &field.values)
    }
}

/// The values an element carries, whatever its kind; also used for the element of an action.
pub(super) fn element_values(element: &Value) -> Vec<String> {
    let one = [
        "/value",
        "/selected_option/value",
        "/selected_user",
        "/selected_conversation",
        "/selected_channel",
        "/selected_date",
        "/selected_time",
        "/selected_date_time",
    ];
    for pointer in one {
        match element.pointer(pointer) {
            Some(Value::String(text)) if !text.is_empty() => return vec![text.clone()],
            Some(Value::Number(number)) => return vec![number.to_string()],
            _ => {}
        }
    }
    if let Some(rich) = element.get("rich_text_value") {
        let mut text = String::new();
        flatten(rich, &mut text);
        return if text.is_empty() { Vec::new() } else { vec![text] };
    }
    let many = [
        ("selected_options", "/value"),
        ("selected_users", ""),
        ("selected_conversations", ""),
        ("selected_channels", ""),
        ("files", "/id"),
    ];
    for (name, pointer) in many {
        if let Some(items) = element.get(name).and_then(Value::as_array) {
            let texts = items.iter().filter_map(|item| item.pointer(pointer).and_then(Value::as_str));
            return texts.map(str::to_owned).collect();
        }
    }
    Vec::new()
}

/// The words of a rich text, without its formatting. Slack nests four deep; serde_json stops at 128.
fn flatten(node: &Value, text: &mut String) {
    if let Some(word) = node.get("text").and_then(Value::as_str) {
        text.push_str(word);
    }
    for child in node.get("elements").and_then(Value::as_array).into_iter().flatten() {
        flatten(child, text);
    }
}
