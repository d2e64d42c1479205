//! Writing the policy file: read, changed in place, validated, replaced only if it is still what was read, and read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::target::{Holding, Target, TargetError};
use crate::clock::Clock;
use crate::hujson::{Document, HujsonError};
use crate::kernel::{Failure, RequestId};
use crate::outside::tailscale::{PolicyText, Replaced, Tailscale, TailscaleError, Verdict};
use crate::planted::{Fault, is_planted};
use crate::steps::tailscale::{failure, refusal};

/// The largest file that is touched, unless the configuration says otherwise.
pub const MAX_BYTES: usize = 1 << 20;
/// So often it is read again and merged when others write it at the same time.
const ATTEMPTS_MAX: u32 = 8;
/// Before it is read again after somebody else's write; longer each time.
const PAUSE: Duration = Duration::from_millis(150);
/// Pauses before it is read again after ours: readings may lag.
const READ_AGAIN_AFTER: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// Over which tailnet.
pub(super) struct Writing {
    pub tailscale: Tailscale,
    pub clock: Clock,
    /// A larger file is not touched.
    pub max_bytes: usize,
    /// What others took out of it of theirs is put back.
    pub put_back: BTreeSet<RequestId>,
}

/// What was read back.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Who is new and cannot be let in, while others can.
    pub refused: BTreeMap<RequestId, Failure>,
    pub taken_away: BTreeSet<RequestId>,
    pub left_alone: BTreeMap<RequestId, (String, bool)>,
    /// Whose entries others had taken out, and stand in it again.
    pub put_back: BTreeSet<RequestId>,
}

/// Why the file is not as it should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("{0}")]
    Call(#[from] TailscaleError),
    #[error("the tailnet's policy file cannot be changed safely: {0}")]
    Text(#[from] TargetError),
    #[error("tailscale would refuse the changed policy file: {0}")]
    Refused(String),
    #[error("the tailnet's policy file is changed by others all the time")]
    Contended,
}

impl From<HujsonError> for Why {
    fn from(error: HujsonError) -> Self {
        Self::Text(error.into())
    }
}

impl Why {
    pub fn failure(&self) -> Failure {
        match self {
            Self::Call(error) => failure(error),
            Self::Text(TargetError::Text(HujsonError::TooLarge { .. })) => {
                refusal(self.to_string(), "make room in the policy file, then try again")
            }
            Self::Text(_) => refusal(self.to_string(), "correct the policy file, then try again"),
            Self::Refused(_) => refusal(self.to_string(), "correct the policy file or the workflow, then try again"),
            Self::Contended => {
                Failure { what: self.to_string(), advice: String::new(), retryable: true, retry_after_ms: None }
            }
        }
    }
}

impl Writing {
    /// Makes the file hold what `live` want and nothing of `leaving`. `new`: who of them is not confirmed yet.
    pub async fn write(
        &self,
        live: &[Holding],
        leaving: &[Holding],
        new: &BTreeSet<RequestId>,
    ) -> Result<Written, Why> {
        let mut refused = BTreeMap::new();
        let mut put_back = BTreeSet::new();
        for attempt in 0..ATTEMPTS_MAX {
            if attempt > 0 {
                self.clock.pause(PAUSE.saturating_mul(attempt)).await;
            }
            let file = self.tailscale.policy_text().await?;
            let document = Document::read(&file.text, self.max_bytes)?;
            let wanted: Vec<Holding> =
                live.iter().filter(|holding| !refused.contains_key(&holding.id)).cloned().collect();
            let target = match self.judged(&file, &document, &wanted, leaving).await? {
                Ok(target) => target,
                Err(why) if wanted.iter().any(|holding| new.contains(&holding.id)) => {
                    refused.extend(self.refused((&file, &document), &wanted, leaving, new, &why).await?);
                    continue;
                }
                Err(why) => return Err(why),
            };
            // Of an answer that was lost it is not known; what was to be put back stands there in the end.
            put_back.extend(target.put_back);
            let done = Written {
                refused: refused.clone(),
                taken_away: target.taken_away,
                left_alone: target.left_alone,
                put_back: put_back.clone(),
            };
            let text = target.document.text();
            if text == file.text {
                return Ok(done);
            }
            let made_from = match is_planted(Fault::OverwritesPolicy) {
                true => self.tailscale.policy_text().await?.etag,
                false => file.etag.clone(),
            };
            match self.tailscale.replace_policy(&text, &made_from).await {
                Ok(Replaced::Yes) if self.reads_as(&text, &file.text).await? => return Ok(done),
                // Somebody wrote it meanwhile: what is there now tells what is left to do.
                Ok(_) => {}
                Err(error) if error.may_have_happened() && attempt.saturating_add(1) < ATTEMPTS_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Why::Contended)
    }

    /// What the file is to become, if Tailscale would take it.
    async fn judged(
        &self,
        file: &PolicyText,
        document: &Document,
        live: &[Holding],
        leaving: &[Holding],
    ) -> Result<Result<Target, Why>, TailscaleError> {
        let target = match Target::of(document, live, leaving, &self.put_back) {
            Ok(target) => target,
            Err(error) => return Ok(Err(error.into())),
        };
        let text = target.document.text();
        if text == file.text {
            return Ok(Ok(target));
        }
        Ok(match self.tailscale.validate_policy(&text).await? {
            Verdict::Good => Ok(target),
            Verdict::Bad(words) => Err(Why::Refused(words)),
        })
    }

    /// Finds out of who is new which cannot be let in, each with the reason: halves of them are tried until one is left. If it does
    /// not work without any of them, it is none of theirs, and the reason is everybody's.
    async fn refused(
        &self,
        (file, document): (&PolicyText, &Document),
        live: &[Holding],
        leaving: &[Holding],
        new: &BTreeSet<RequestId>,
        first: &Why,
    ) -> Result<BTreeMap<RequestId, Failure>, Why> {
        let (asking, mut accepted): (Vec<Holding>, Vec<Holding>) =
            live.iter().cloned().partition(|holding| new.contains(&holding.id));
        self.judged(file, document, &accepted, leaving).await??;
        let mut refused = BTreeMap::new();
        let mut groups = vec![asking];
        while let Some(mut group) = groups.pop() {
            let together: Vec<Holding> = accepted.iter().chain(&group).cloned().collect();
            match self.judged(file, document, &together, leaving).await? {
                Ok(_) => accepted = together,
                Err(why) if group.len() == 1 => {
                    refused.extend(group.into_iter().map(|holding| (holding.id, why.failure())));
                }
                Err(_) => {
                    let rest = group.split_off(group.len() / 2);
                    groups.extend([rest, group]);
                }
            }
        }
        // Whoever is refused is left out the next time; nobody: the file was read at a moment that has passed.
        if refused.is_empty() {
            tracing::debug!(why = %first, "what was refused together is taken now");
        }
        Ok(refused)
    }

    /// Whether the file reads as this. Readings may lag: where it still reads as it was, it is read again for some seconds.
    async fn reads_as(&self, text: &str, was: &str) -> Result<bool, TailscaleError> {
        for pause in READ_AGAIN_AFTER {
            let now = self.tailscale.policy_text().await?;
            if now.text == text {
                return Ok(true);
            }
            if now.text != was {
                return Ok(false);
            }
            self.clock.pause(pause).await;
        }
        Ok(false)
    }
}
