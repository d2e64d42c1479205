//! From a form to an ask that can be saved, by what is known here or by facts read outside.
//!
//! Nobody's answer waits for Slack or Tailscale: what the directory knows lets somebody ask. What it does not know is saved as it was
//! typed and looked up afterwards (`typed`), so that nobody is refused by what is old.

use std::collections::BTreeMap;

use nightlatch_guardrails::Guardrails;
use sha2::{Digest, Sha256};

use super::Engine;
use super::asking::{AskError, Form, Found, Prepared, read};
use super::directory::{List, Whose};
use super::guarding::{Wanted, all_read};
use super::people::{About, slack_failure};
use super::reading::ReadError;
use crate::inputs::device::{none_tagged, not_one_of};
use crate::inputs::person::is_slack_id;
use crate::kernel::guardrail::{Action, Judgement};
use crate::kernel::input::PersonShown;
use crate::kernel::origin::Origin;
use crate::kernel::workflow::{Clause, InputKind, OwnRequest};
use crate::kernel::{Ask, Failure, Person, RequestId, Standing, Who, Workflow, matching, policy};
use crate::outside::tailscale::Device;

/// A list of devices is recent enough to say that somebody has none.
const RECENT_MS: i64 = 30_000;
/// Devices that are named when one has to be chosen.
const NAMED_MAX: usize = 5;

/// Where the facts come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Facts {
    /// What is known here.
    Known,
    /// Read from Slack and the tailnet; lists that are not older than this.
    Fresh { since: i64 },
}

/// The device of an ask.
enum Chosen {
    NotNeeded,
    One(Device),
    Several(Vec<Device>),
    NoneOwned,
    NotOwn(String),
    /// Nobody has looked lately.
    NotRead,
}

impl Engine {
    /// Checks the form against what is known here; nobody outside is asked.
    ///
    /// # Errors
    /// `Wrong`, `NoDevice` as far as is known, or `Failed` if our own records cannot be read; nothing is saved and nothing is sent.
    pub async fn prepare(&self, slack_id: &str, form: &Form) -> Result<Prepared, AskError> {
        self.prepare_from(slack_id, form, Facts::Known, None).await
    }

    /// The same with facts from here or from outside. `id` is the request's, if it has one already.
    pub(super) async fn prepare_from(
        &self,
        slack_id: &str,
        form: &Form,
        facts: Facts,
        id: Option<RequestId>,
    ) -> Result<Prepared, AskError> {
        let workflow = &form.workflow;
        self.wrong_at_once(slack_id, form).await?;
        let Some((person, asker)) = self.asking(slack_id, form, facts).await? else { return Ok(Prepared::Unknown) };
        // Broken glass waits for nobody.
        let nobody_can = match form.breaks_glass {
            true => None,
            false => self.why_nobody_can(workflow, (&person, asker.as_deref()), facts).await?,
        };
        // What passes by itself needs nobody.
        let may_be_permitted = self.catalog().guardrails().is_some_and(Guardrails::has_permits);
        let may_pass = matches!(facts, Facts::Fresh { .. }) && (may_be_permitted || workflow.may_pass_by_itself());
        if let Some(why) = nobody_can.clone().filter(|_| !may_pass) {
            return match facts {
                Facts::Known => Ok(Prepared::Unknown),
                Facts::Fresh { .. } => Err(why),
            };
        }
        let Some(people) = self.people_named(form, facts).await? else { return Ok(Prepared::Unknown) };
        let Some(devices) = self.devices_meant(form, &person, facts).await? else { return Ok(Prepared::Unknown) };
        let found = Found { devices, people };
        let mut read = read(form, &found);
        if form.breaks_glass {
            read.check_glass(workflow);
        }
        if !read.wrong.is_empty() {
            return Err(AskError::Wrong(read.wrong));
        }
        if !read.missing.is_empty() {
            return Ok(Prepared::Incomplete { missing: read.missing, devices: found.devices });
        }
        let id = id.unwrap_or_else(|| RequestId(self.inner.ids.next(self.inner.clock.now_ms())));
        let mut ask = Ask {
            id,
            workflow: workflow.clone().into(),
            requester: person,
            asker,
            inputs: read.values,
            hold_ms: read.hold_ms,
            reason: read.reason,
            device: read.device,
            seal: String::new(),
            channel: form.channel.clone(),
            origin: Origin::Typed,
            may_be_permitted,
            judged: None,
            judged_asker: None,
            breaks_glass: form.breaks_glass,
            active: self.active_if_said(workflow).await.map_err(|error| AskError::Failed(unread(&error)))?,
        };
        ask.seal = seal(&ask);
        if matches!(facts, Facts::Known) && self.guardrails_for(asked_as(&ask)).is_some() {
            return Ok(Prepared::Unknown);
        }
        (ask.judged, ask.judged_asker) = self.judged_asks(&ask).await?;
        if let Some(why) = nobody_can
            && !self.would_pass(&ask).await.map_err(AskError::Failed)?
        {
            return Err(why);
        }
        Ok(Prepared::Complete(Box::new(ask)))
    }

    /// What can be told to be wrong without looking anything up.
    async fn wrong_at_once(&self, slack_id: &str, form: &Form) -> Result<(), AskError> {
        let mut wrong = read(form, &Found::default()).wrong;
        wrong.retain(|(name, _)| form.workflow.input(name).is_none_or(|input| !is_looked_up(&input.kind)));
        if wrong.is_empty() {
            return Ok(());
        }
        wrong.extend(self.wrong_device(slack_id, form).await);
        Err(AskError::Wrong(wrong))
    }

    /// The device that is meant, or all that may be. Nothing: what is known is not enough to say.
    async fn devices_meant(&self, form: &Form, person: &Person, facts: Facts) -> Result<Option<Vec<Device>>, AskError> {
        match (self.chosen(form, person, facts).await?, facts) {
            (Chosen::NotNeeded, _) => Ok(Some(Vec::new())),
            (Chosen::One(device), _) => Ok(Some(vec![device])),
            (Chosen::Several(several), _) => Ok(Some(several)),
            (Chosen::NoneOwned, _) if form.for_whom.is_some() => Err(AskError::Failed(Failure {
                what: "whoever it is for has no device in the tailnet".to_owned(),
                advice: "it can be asked for when they have connected one".to_owned(),
                retryable: false,
                retry_after_ms: None,
            })),
            (Chosen::NoneOwned, _) => Err(AskError::NoDevice),
            (Chosen::NotOwn(_), Facts::Known) | (Chosen::NotRead, _) => Ok(None),
            (Chosen::NotOwn(why), Facts::Fresh { .. }) => {
                let input = form.workflow.device().map(|input| input.name.clone()).unwrap_or_default();
                let theirs = why.replace("your devices", "their devices");
                Err(AskError::Wrong(vec![(input, if form.for_whom.is_some() { theirs } else { why })]))
            }
        }
    }

    /// What guardrails say to it, if any has a say in it; what is known is not enough to be judged by.
    pub(super) async fn judged_ask(&self, ask: &Ask, who: &Person) -> Result<Option<Box<Judgement>>, AskError> {
        let action = asked_as(ask);
        let Some(guardrails) = self.guardrails_for(action) else { return Ok(None) };
        let wanted = Wanted { action, ask, hold_ms: ask.hold_ms, who, stage: None };
        let judged = self.judged(&guardrails, wanted).await.map_err(AskError::Failed)?;
        Judgement::let_through(Some(&judged)).map_err(AskError::Refused)?;
        Ok(Some(Box::new(judged)))
    }

    /// Who asks, if they may; nothing if what is known does not say so.
    pub(super) async fn requester(
        &self,
        slack_id: &str,
        form: &Form,
        facts: Facts,
    ) -> Result<Option<Person>, AskError> {
        let (workflow, rules) = (&form.workflow, form.workflow.askers());
        let may = |person: &Person| match form.breaks_glass {
            true => policy::may_break_glass(workflow, person).map(drop),
            false => policy::may_ask(workflow, person).map(drop),
        };
        if matches!(facts, Facts::Known) {
            let person = self.inner.directory.person(slack_id, &rules).await.map_err(AskError::Failed)?;
            let is_known = |person: &Person| person.login.is_some() || !workflow.takes_login(person);
            return Ok(person.filter(|person| is_known(person) && may(person).is_ok()));
        }
        let action = if form.breaks_glass { Action::BreakGlass } else { Action::Ask };
        let guardrails = self.guardrails_for(action);
        let mut rules = rules;
        rules.extend(guardrails.iter().flat_map(|guardrails| guardrails.groups().iter().cloned()));
        let none = About::default();
        let looked = self.inner.people.looked_up(slack_id, (&rules, &none), true).await.map_err(AskError::Failed)?;
        let looked = all_read(guardrails.as_ref(), looked).map_err(AskError::Failed)?;
        let (failure, person) = (looked.failure(), looked.person);
        // Somebody the tailnet does not know is in none of its groups either, and should hear the reason and not that.
        if person.login.is_none() && person.standing == Standing::Member && workflow.takes_login(&person) {
            return Err(AskError::NoTailnetUser { email: person.email });
        }
        match (may(&person), failure) {
            (Ok(_), _) => Ok(Some(person)),
            (Err(why), Some(failure)) if why.hangs_on_membership() => Err(AskError::Failed(failure)),
            (Err(why), _) => Err(AskError::Refused(why)),
        }
    }

    /// Why not every stage can be met by enough different people, nobody in two places; nothing if it can.
    async fn why_nobody_can(
        &self,
        workflow: &Workflow,
        (person, asker): (&Person, Option<&Person>),
        facts: Facts,
    ) -> Result<Option<AskError>, AskError> {
        let directory = &self.inner.directory;
        let unread = |error: crate::store::StoreError| AskError::Failed(error.into());
        let clauses: Vec<(&Clause, OwnRequest)> = workflow
            .approve
            .iter()
            .flat_map(|stage| stage.clauses.iter().map(|one| (one, stage.own_request)))
            .collect();
        let needs: Vec<u32> = clauses.iter().map(|(clause, _)| clause.needed()).collect();
        // Of so many people there is always one who is not needed elsewhere.
        let enough = usize::try_from(needs.iter().sum::<u32>()).unwrap_or(usize::MAX);
        let about = self.about_own(person);
        for is_fresh in [false, true] {
            if is_fresh && matches!(facts, Facts::Known) {
                return Ok(Some(AskError::NobodyCanApprove));
            }
            let mut humans: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            let mut unread_rule = None;
            let mut needs = needs.clone();
            for (index, (clause, own)) in clauses.iter().enumerate() {
                let found = match is_fresh {
                    false => directory.candidates(&about.named(&clause.by), enough).await.map_err(unread)?,
                    true => self.inner.people.candidates(&clause.by, &about).await,
                };
                unread_rule = unread_rule.or_else(|| found.unread.clone());
                if found.has_unlisted {
                    // Nobody can say who is in it: whoever it takes is believed to be there.
                    needs.get_mut(index).into_iter().for_each(|need| *need = 0);
                    continue;
                }
                // What one asks for somebody else is decided by neither.
                let without = Some(person).filter(|_| *own == OwnRequest::Never || asker.is_some());
                let most = enough.saturating_add(1);
                let humans_found = directory.humans(&found.names, most, without).await.map_err(unread)?;
                for human in humans_found.into_iter().filter(|human| !asker.is_some_and(|one| is_called(one, human))) {
                    humans.entry(human).or_default().push(index);
                }
            }
            if matching::can_fill(&needs, &humans.into_values().collect::<Vec<_>>()) {
                return Ok(None);
            }
            // Whoever it names could be enough.
            if let Some(failure) = unread_rule {
                return Err(AskError::Failed(failure));
            }
        }
        let takes_manager = clauses.iter().any(|(clause, _)| clause.by.iter().all(|who| *who == Who::Manager));
        if takes_manager && about.has_no_manager() {
            let named = person.login.as_ref().or(person.email.as_ref()).unwrap_or(&person.slack_id);
            return Ok(Some(AskError::NoManager { person: named.clone() }));
        }
        Ok(Some(AskError::NobodyCanApprove))
    }

    /// The people whom the form names, by what was typed for them; nobody stands for who is no full member. Nothing: what is known is
    /// not enough to say.
    async fn people_named(&self, form: &Form, facts: Facts) -> Result<Option<Vec<(String, PersonShown)>>, AskError> {
        let mut people = Vec::new();
        for input in form.asked().into_iter().filter(|input| matches!(input.kind, InputKind::Person { .. })) {
            let Some(named) = form.value(&input.name) else { continue };
            let person = match facts {
                Facts::Known if !is_slack_id(named) => return Ok(None),
                Facts::Known => match self.inner.directory.person(named, &[]).await.map_err(AskError::Failed)? {
                    Some(person) => Some(person),
                    None => return Ok(None),
                },
                Facts::Fresh { .. } => self.person_named(named).await.map_err(AskError::Failed)?,
            };
            people.extend(person.map(|person| (named.to_owned(), PersonShown::from(&person))));
        }
        Ok(Some(people))
    }

    /// A full member by Slack id or e-mail address, read from Slack and the tailnet.
    async fn person_named(&self, named: &str) -> Result<Option<Person>, Failure> {
        let slack_id = if is_slack_id(named) {
            named.to_owned()
        } else {
            let found = self.inner.slack.lookup_by_email(named).await.map_err(|error| slack_failure(&error))?;
            let Some(user) = found else { return Ok(None) };
            user.id
        };
        let person = self.inner.people.fresh(&slack_id, true).await?;
        Ok(Some(person).filter(|person| person.standing == Standing::Member))
    }

    /// The device that was named, or the only one there is. What the directory does not know is looked for in a list that is not
    /// older than the facts have to be.
    async fn chosen(&self, form: &Form, person: &Person, facts: Facts) -> Result<Chosen, AskError> {
        let (Some(input), Some(login)) = (form.device(), &person.login) else { return Ok(Chosen::NotNeeded) };
        let named = form.value(&input.name);
        let whose = Whose::of(input, login);
        let found = self.chosen_now(&whose, named).await.map_err(AskError::Failed)?;
        if !matches!(found, Chosen::NoneOwned | Chosen::NotOwn(_)) {
            return Ok(found);
        }
        match facts {
            // Whoever has just connected one is not told that they have none.
            Facts::Known if self.inner.directory.age_ms(List::Devices).is_none_or(|age| age > RECENT_MS) => {
                self.inner.directory.want(List::Devices);
                return Ok(Chosen::NotRead);
            }
            Facts::Known => self.inner.directory.want(List::Devices),
            Facts::Fresh { since } => {
                self.inner.directory.read_since(List::Devices, since).await.map_err(AskError::Failed)?;
                return self.chosen_now(&whose, named).await.map_err(AskError::Failed);
            }
        }
        Ok(found)
    }

    /// Every mistake is said at once, also of a device that is known to be somebody else's. Nothing is asked in any case.
    async fn wrong_device(&self, slack_id: &str, form: &Form) -> Option<(String, String)> {
        let input = form.device()?;
        let named = form.value(&input.name)?;
        let person = self.inner.directory.person(slack_id, &[]).await.ok()??;
        match self.chosen_now(&Whose::of(input, &person.login?), Some(named)).await.ok()? {
            Chosen::NotOwn(why) => Some((input.name.clone(), why)),
            _ => None,
        }
    }

    async fn chosen_now(&self, whose: &Whose, named: Option<&str>) -> Result<Chosen, Failure> {
        let directory = &self.inner.directory;
        if let Some(named) = named {
            if let Some(device) = directory.device(whose, named).await? {
                return Ok(Chosen::One(device));
            }
            let all = directory.devices(whose, "", NAMED_MAX).await?;
            return Ok(match (all.is_empty(), whose) {
                (true, Whose::Own(_)) => Chosen::NoneOwned,
                (true, Whose::Tagged(tags)) => Chosen::NotOwn(none_tagged(tags)),
                (false, Whose::Own(_)) => Chosen::NotOwn(not_one_of(named, &[], &all)),
                (false, Whose::Tagged(tags)) => Chosen::NotOwn(not_one_of(named, tags, &all)),
            });
        }
        let mut all = directory.devices(whose, "", 2).await?;
        Ok(match (all.pop(), whose) {
            (None, Whose::Own(_)) => Chosen::NoneOwned,
            (None, Whose::Tagged(tags)) => Chosen::NotOwn(none_tagged(tags)),
            (Some(only), _) if all.is_empty() => Chosen::One(only),
            (Some(second), _) => Chosen::Several(all.into_iter().chain([second]).collect()),
        })
    }
}

/// Our own records did not say who holds what.
fn unread(error: &ReadError) -> Failure {
    tracing::error!(%error, "who holds what cannot be read");
    Failure {
        what: "my records could not be read".to_owned(),
        advice: String::new(),
        retryable: true,
        retry_after_ms: None,
    }
}

/// Whether the directory calls this person so.
fn is_called(person: &Person, human: &str) -> bool {
    let names = [Some(&person.slack_id), person.email.as_ref(), person.login.as_ref()];
    names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(human))
}

/// Glass that is to be broken is another thing than a request that waits.
fn asked_as(ask: &Ask) -> Action {
    if ask.breaks_glass { Action::BreakGlass } else { Action::Ask }
}

/// Whether its value is looked up by name, so that it cannot be judged before.
fn is_looked_up(kind: &InputKind) -> bool {
    matches!(kind, InputKind::Device { .. } | InputKind::Person { .. })
}

/// Fingerprint of what people are shown and approve.
pub(super) fn seal(ask: &Ask) -> String {
    let text = serde_json::to_vec(ask).unwrap_or_default();
    hex::encode(Sha256::digest(text)).chars().take(12).collect()
}
