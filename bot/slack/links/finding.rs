//! Following and finding: changes nothing, except that sharing says something in a channel.

use std::time::Duration;

use super::{By, ephemeral, named, sentences, typed};
use crate::engine::links::{Asker, Counted, Followed, LinkError};
use crate::kernel::Subject;
use crate::kernel::link::{ExpandError, Typed, check_name};
use crate::notices::links::{self as words, Row};
use crate::slack::answer::Answer;
use crate::slack::surface::Surface;

/// Names like an unknown one are left out if they cannot be had in this time.
const NEAREST_LIMIT: Duration = Duration::from_millis(500);
/// So is how often a link was followed.
const CLICKS_LIMIT: Duration = Duration::from_millis(500);

impl Surface {
    /// `/go name/path?query`
    pub(super) async fn follow_link(&self, by: &By, text: &str) -> Result<Answer, LinkError> {
        let links = self.links();
        let Some(typed) = typed(text) else {
            links.asker(&by.slack_id).await?;
            return Ok(ephemeral(words::unknown(text, &[], false)));
        };
        let (asker, followed) = self.followed_by(by, &typed).await?;
        match followed {
            Some(followed) => {
                let typed = typed.show(&followed.link.short);
                let address = links.address_of(&typed);
                let shown = self.shown(&followed.link, &typed, &address, asker.login());
                Ok(ephemeral(words::followed(&shown, &followed.target)))
            }
            None => self.unknown_link(&typed).await,
        }
    }

    /// Where it leads for whoever did this. Who they are in the tailnet matters only to some links; a tailnet that does not
    /// answer must not keep the others.
    async fn followed_by(&self, by: &By, typed: &Typed) -> Result<(Asker, Option<Followed>), LinkError> {
        let links = self.links();
        let asker = links.asker(&by.slack_id).await?;
        match (links.follow(typed, asker.login()).await, &asker.login) {
            (Err(LinkError::Nowhere(ExpandError::NoUser)), Err(why)) => Err(why.clone()),
            (followed, _) => Ok((asker, followed?)),
        }
    }

    async fn unknown_link(&self, typed: &Typed) -> Result<Answer, LinkError> {
        let links = self.links();
        let short = super::wanted(&typed.short);
        // Offering names is a kindness; that there is no such link is known without it.
        let near = tokio::time::timeout(NEAREST_LIMIT, links.nearest(short)).await;
        let near = near.ok().and_then(Result::ok).unwrap_or_default();
        let near: Vec<(String, String)> =
            near.into_iter().map(|link| (link.short.clone(), links.address_of(&link.short))).collect();
        Ok(ephemeral(words::unknown(short, &near, check_name(short).is_ok())))
    }

    /// The button Share here: what it leads to is looked up again, for the person who presses.
    pub(super) async fn share_link(&self, by: &By, value: &str, channel: Option<&str>) -> Result<Answer, LinkError> {
        let links = self.links();
        let Some(channel) = channel else { return Ok(Answer::ephemeral(sentences::NO_CHANNEL)) };
        let Some(typed) = typed(value) else { return Ok(Answer::ephemeral(sentences::OLD_BUTTON)) };
        let Some(followed) = self.followed_by(by, &typed).await?.1 else {
            return self.unknown_link(&typed).await;
        };
        let typed = typed.show(&followed.link.short);
        let address = links.address_of(&typed);
        let shown = self.shown(&followed.link, &typed, &address, None);
        let said = words::shared(&by.slack_id, &shown, &followed.target);
        let about = Subject::Link(followed.link.id());
        self.engine.say(&by.slack_id, (channel, None), (said.text, said.blocks), about, Some(by.key.clone())).await?;
        Ok(Answer::ephemeral(sentences::SHARED))
    }

    /// The button Details, and `/go delete NAME`, which says where that is done.
    pub(super) async fn details_of_link(&self, by: &By, name: &str) -> Result<Answer, LinkError> {
        let links = self.links();
        let asker = links.asker(&by.slack_id).await?;
        let Some(typed) = typed(named(name)) else { return Ok(Answer::ephemeral(sentences::OLD_BUTTON)) };
        let Some(link) = links.find_forgiving(&typed.short).await? else {
            return self.unknown_link(&typed).await;
        };
        let clicks = tokio::time::timeout(CLICKS_LIMIT, links.clicks_of(&link.id())).await.ok().and_then(Result::ok);
        let address = links.address_of(&link.short);
        let shown = self.shown(&link, &link.short, &address, asker.login());
        let page = links.page_of(&link.short);
        let now = self.engine.clock().now_ms();
        Ok(ephemeral(words::details(&shown, clicks, &page, links.golink(), now)))
    }

    pub(super) async fn search_links(&self, by: &By, text: &str) -> Result<Answer, LinkError> {
        self.links().asker(&by.slack_id).await?;
        let found = self.links().search(text).await?;
        let text = crate::slack::sentences::code(text);
        let heading = match found.len() {
            1 => format!("One go link with {text}:"),
            many => format!("{many} go links with {text}:"),
        };
        let none = format!("No go link has {text} in its name, destination or owner.");
        Ok(ephemeral(words::list(&heading, &none, &self.rows(found))))
    }

    pub(super) async fn own_links(&self, by: &By) -> Result<Answer, LinkError> {
        let asker = self.links().asker(&by.slack_id).await?;
        let own = self.links().owned_by(&asker.login?).await?;
        let heading = match own.len() {
            1 => "One go link is yours:".to_owned(),
            many => format!("{many} go links are yours:"),
        };
        Ok(ephemeral(words::list(
            &heading,
            "No go link is yours yet. `/go NAME https://...` makes one.",
            &self.rows(own),
        )))
    }

    pub(super) async fn top_links(&self, by: &By) -> Result<Answer, LinkError> {
        self.links().asker(&by.slack_id).await?;
        let mut top = self.links().top().await?;
        top.truncate(10);
        Ok(ephemeral(words::list("Followed most:", "No go link was followed yet.", &self.rows(top))))
    }

    fn rows(&self, counted: Vec<Counted>) -> Vec<Row> {
        let links = self.links();
        let row = |Counted { link, clicks }: Counted| Row { address: links.address_of(&link.short), link, clicks };
        counted.into_iter().map(row).collect()
    }
}
