//! What happens in the workspace and concerns us. Everything else is acknowledged and forgotten.

use serde_json::Value;

use super::answer::Answer;
use super::envelope::EventCallback;
use super::surface::{By, Surface};
use crate::engine::directory::List;
use crate::outside::slack::SlackUser;

/// The events we want; the app's manifest subscribes to exactly these.
pub const WANTED: &[&str] =
    &["app_home_opened", "subteam_created", "subteam_members_changed", "subteam_updated", "team_join", "user_change"];

impl Surface {
    pub(super) async fn happened(&self, by: &By, event: &EventCallback) -> Answer {
        match event.kind.as_str() {
            "app_home_opened" => {
                let tab = event.event.get("tab").and_then(Value::as_str);
                if tab.is_none_or(|tab| tab == "home") && !by.slack_id.is_empty() {
                    self.publish_home(&by.slack_id).await;
                }
            }
            // Somebody came, left, became a guest, changed their address: what we remember of them is old.
            "user_change" | "team_join" => {
                self.engine.slack().forget_user(&by.slack_id);
                if let Some(user) = event.event.get("user").and_then(SlackUser::from_value) {
                    self.engine.directory().note_person(&user).await;
                }
            }
            "subteam_created" | "subteam_members_changed" | "subteam_updated" => {
                self.engine.directory().want(List::Groups);
            }
            _ => {}
        }
        Answer::Nothing
    }
}
