//! Making, replacing, editing and deleting go links.

use secrecy::SecretString;

use super::{By, Wish, ephemeral, form, named, sentences, typed, wanted};
use crate::engine::links::{LinkError, Links, Saving};
use crate::kernel::Actor;
use crate::kernel::link::{Draft, Expect, Link, LinkRefusal, Visit, check_destination, check_name, expand};
use crate::notices::links::{self as words, Doubt};
use crate::slack::answer::Answer;
use crate::slack::surface::Surface;

impl Surface {
    /// `/go name https://...`
    pub(super) async fn make_link(&self, by: &By, short: &str, long: &str) -> Result<Answer, LinkError> {
        let wish = Wish { short: wanted(short).to_owned(), long: long.to_owned(), ..Wish::default() };
        self.grant_wish(by, wish).await
    }

    /// Makes or replaces a link, or asks first.
    pub(super) async fn grant_wish(&self, by: &By, wish: Wish) -> Result<Answer, LinkError> {
        let links = self.links();
        let asker = links.asker(&by.slack_id).await?;
        let editor = asker.editor()?;
        if check_name(&wish.short).is_ok() {
            check_destination(&wish.long)?;
            if let Some(doubt) = doubt(&links, &wish.short, &wish.long).filter(|_| !wish.is_unusual) {
                let known = Wish { is_unusual: true, ..wish.clone() };
                return Ok(ephemeral(words::unusual(&wish.short, &wish.long, doubt, &known.value())));
            }
        }
        match self.save_link(by, &links, editor, &wish, None).await {
            Ok((link, was_there)) => {
                let address = links.address_of(&link.short);
                let shown = self.shown(&link, &link.short, &address, asker.login());
                Ok(ephemeral(words::saved(&shown, was_there)))
            }
            Err(LinkError::Refused(LinkRefusal::Exists { link } | LinkRefusal::Changed { link })) => {
                let seen = Wish { seen: Some(link.fingerprint()), ..wish.clone() };
                let address = links.address_of(&link.short);
                let shown = self.shown(&link, &link.short, &address, asker.login());
                if shown.is_mine && link.long == wish.long.trim() {
                    return Ok(ephemeral(words::already(&shown)));
                }
                if !seen.fits() {
                    return Ok(Answer::ephemeral(sentences::refused(&LinkRefusal::Exists { link })));
                }
                Ok(ephemeral(words::replace(&shown, &wish.long, &seen.value())))
            }
            Err(LinkError::Refused(LinkRefusal::NotYours { short, owner })) => match links.find(&wish.short).await {
                Ok(Some(link)) => {
                    let address = links.address_of(&link.short);
                    Ok(ephemeral(words::not_yours(&self.shown(&link, &link.short, &address, None))))
                }
                _ => Err(LinkRefusal::NotYours { short, owner }.into()),
            },
            Err(error) => Err(error),
        }
    }

    /// Saves it for this editor; also whether there was one before.
    pub(super) async fn save_link(
        &self,
        by: &By,
        links: &Links,
        editor: crate::kernel::link::Editor,
        wish: &Wish,
        owner: Option<String>,
    ) -> Result<(Link, bool), LinkError> {
        let draft = Draft { short: wish.short.clone(), long: wish.long.trim().to_owned(), owner };
        let expect = match &wish.seen {
            Some(seen) => Expect::As(seen.clone()),
            None => Expect::New,
        };
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        let was_there = wish.seen.is_some();
        let saving = Saving { actor, editor, draft, expect, delivery: Some(by.key.clone()) };
        links.save(saving).await.map(|link| (link, was_there))
    }

    /// The button Edit and `/go edit NAME`: the form with what is there now.
    pub(super) async fn edit_link(
        &self,
        by: &By,
        name: &str,
        trigger: Option<&SecretString>,
    ) -> Result<Answer, LinkError> {
        let links = self.links();
        let Some(typed) = typed(named(name)) else { return Ok(Answer::ephemeral(sentences::OLD_BUTTON)) };
        let (asker, found) = tokio::join!(links.asker(&by.slack_id), links.find_forgiving(&typed.short));
        let asker = asker?;
        let Some(link) = found? else { return Ok(Answer::ephemeral(sentences::NOT_THERE)) };
        let address = links.address_of(&link.short);
        let shown = self.shown(&link, &link.short, &address, asker.login());
        if !shown.is_mine {
            // Links of people who are gone are anybody's; only the tailnet says who is.
            let known = links.known().await?;
            if crate::kernel::link::may_edit(Some(&link), &asker.editor()?, &known).is_err() {
                return Ok(ephemeral(words::not_yours(&shown)));
            }
        }
        let wish = Wish {
            short: link.short.clone(),
            long: link.long.clone(),
            seen: Some(link.fingerprint()),
            is_unusual: false,
        };
        let owner = if shown.is_mine { link.owner.clone() } else { asker.login.unwrap_or_default() };
        self.open_link_form(&wish, Some(&owner), None, trigger).await
    }

    /// The form for a link that is not there, for those who could save it.
    pub(super) async fn new_link_form(
        &self,
        by: &By,
        wish: &Wish,
        note: Option<&str>,
        trigger: Option<&SecretString>,
    ) -> Result<Answer, LinkError> {
        self.links().asker(&by.slack_id).await?;
        self.open_link_form(wish, None, note, trigger).await
    }

    /// Opens the form; `owner` for a link that is there.
    pub(super) async fn open_link_form(
        &self,
        wish: &Wish,
        owner: Option<&str>,
        note: Option<&str>,
        trigger: Option<&SecretString>,
    ) -> Result<Answer, LinkError> {
        let Some(trigger) = trigger else { return Ok(Answer::ephemeral(sentences::not_opened(None))) };
        let links = self.links();
        let view = match form::view(wish, owner, note) {
            Some(view) => view,
            None => {
                let page = words::deletion(&links.page_of(&wish.short), false);
                return Ok(Answer::ephemeral(format!("The destination is too long for a form in Slack. {page}")));
            }
        };
        match self.engine.slack().views_open(trigger, &view).await {
            Ok(_) => Ok(Answer::Nothing),
            Err(error) => {
                tracing::warn!(%error, "a form could not be opened");
                Ok(Answer::ephemeral(sentences::not_opened(Some(&error))))
            }
        }
    }

    /// The button Delete, for links that stand here.
    pub(super) async fn delete_link(&self, by: &By, name: &str) -> Result<Answer, LinkError> {
        let links = self.links();
        let asker = links.asker(&by.slack_id).await?;
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        let link = links.delete(name, asker.editor()?, actor, Some(by.key.clone())).await?;
        let (name, long) = (format!("go/{}", link.short), link.long.clone());
        let code = crate::slack::sentences::code;
        let wish = Wish { short: link.short, long: link.long, ..Wish::default() };
        let undo = Some(form::again(&wish.value())).filter(|_| wish.fits());
        let text = format!("{} is deleted. It led to {}", code(&name), code(&long));
        Ok(ephemeral(words::plainly(&text, undo.into_iter().collect())))
    }
}

/// Whether it leads, as far as can be told, to something that is no web page, or to itself. Templates are tried with nothing
/// behind the name and somebody as the user.
pub(super) fn doubt(links: &Links, short: &str, long: &str) -> Option<Doubt> {
    if links.is_own_circle(short, long) {
        return Some(Doubt::Itself);
    }
    if !long.contains("{{") && long.trim().contains(char::is_whitespace) {
        return Some(Doubt::Spaces);
    }
    let visit = Visit { path: "", query: "", user: Some("you@example.com"), now: 0 };
    let target = expand(long.trim(), &visit).ok()?;
    let is_usual = match target.scheme.as_str() {
        // Links may lead to other go links.
        "" => target.address.starts_with('/'),
        scheme => words::is_web(scheme),
    };
    (!is_usual).then_some(Doubt::NoWebAddress)
}
