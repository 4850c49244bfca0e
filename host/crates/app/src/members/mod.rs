//! Identifies the member of a scanned code by the plugin of the store. This is a sensitive point.
//!
//! Owns the limits of attempts, the time of the answer, and the stored digests. Never stores or
//! logs a code or an answer, and never returns the reason of a refusal: a caller that learned which
//! codes decrypt could decrypt all of them.

mod allowance;
mod turns;

pub use allowance::{Allowance, Client};
use galleria_ports::in_tx;
use turns::Turns;

use crate::core::Core;
use crate::sensitive::{DigestKey, at_floor};
use galleria_domain::plugin::Point;
use galleria_domain::{Context, Digest, Member, Scope, Store};
use galleria_ports::Error;
use galleria_ports::plugins::{CallOutcome, LoadedPlugin, Usage};
use galleria_ports::records::JournalRow;
use galleria_ports::trace;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How members are identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPolicy {
    /// The allowance of each store, for all clients.
    pub per_store: Allowance,
    /// The allowance of each client, at all stores.
    pub per_client: Allowance,
    /// The minimum time of an answer.
    pub floor: Duration,
    /// The maximum number of calls in flight.
    pub calls: usize,
    /// The same for one store; must be lower.
    pub calls_per_store: usize,
    /// The key of the stored digests of codes, answers and clients.
    pub digest_key: DigestKey,
}

impl MemberPolicy {
    /// The defaults of `host.toml`, which gives their reasons, with this key.
    pub fn with(digest_key: DigestKey) -> Self {
        Self {
            per_store: Allowance {
                burst: 300,
                every: Duration::from_millis(200),
            },
            per_client: Allowance {
                burst: 60,
                every: Duration::from_secs(1),
            },
            floor: Duration::from_millis(250),
            calls: 4,
            calls_per_store: 2,
            digest_key,
        }
    }
}

/// A scanned code. It is wiped when dropped and never printed.
pub struct Code(Zeroizing<String>);

impl Code {
    /// A scanned code.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// Identifies members. Cheap to clone.
#[derive(Clone)]
pub struct Members {
    core: Core,
    policy: Arc<MemberPolicy>,
    /// Limits the calls in flight.
    turns: Arc<Turns>,
}

impl Members {
    pub(crate) fn new(core: Core, policy: MemberPolicy) -> Self {
        let turns = Turns::new(policy.calls, policy.calls_per_store);
        Self {
            core,
            turns: Arc::new(turns),
            policy: Arc::new(policy),
        }
    }
}

/// One attempt, from its request to its journal row.
struct Attempt {
    store: Store,
    plugin: LoadedPlugin,
    context: Context,
    code: Code,
}

impl Members {
    /// Returns the member of a code, as identified by the first plugin in `retailer.toml` that
    /// serves the store. `None` is the only refusal: for invalid codes of every kind, and for
    /// plugins that fail.
    ///
    /// Every answer waits for the floor, successful ones too: one path is simpler, and a quarter of
    /// a second at a scanner is not noticeable.
    pub async fn identify(
        &self,
        store: &str,
        client: Client,
        code: Code,
    ) -> Result<Option<Member>, Error> {
        let (members, store) = (self.clone(), store.to_owned());
        // A separate task: if the client disconnects, the attempt still counts and is in the
        // journal.
        let outcome = tokio::spawn(async move { members.attempt(&store, &client, code).await });
        let outcome = at_floor(&*self.core.clock, self.policy.floor, outcome).await;
        // The message of a panic may contain the code.
        outcome.unwrap_or_else(|_| Err(Error::Internal("identifying a member ended early".into())))
    }

    async fn attempt(
        &self,
        store: &str,
        client: &Client,
        code: Code,
    ) -> Result<Option<Member>, Error> {
        let store = self.core.store(store).await?;
        self.core.check_in_service(&store.retailer)?;
        let serving = self.core.plugins.serving(&store, Point::IdentifyMember);
        let Some(plugin) = serving.into_iter().next() else {
            return Err(Error::Conflict {
                code: "not_served",
                message: format!("no plugin of store {} identifies members", store.id),
            });
        };
        self.count_attempt(&store, client).await?;
        let now = self.core.clock.now();
        let context = context(&store, &plugin, now);
        let attempt = Attempt {
            store,
            plugin,
            context,
            code,
        };
        let (attempt, called) = self.call_plugin(attempt).await?;
        let (outcome, member) = match called.outcome {
            Ok(Some(member)) => ("identified", Some(member)),
            Ok(None) => ("refused", None),
            Err(fault) => {
                // Only the fault's code: the message and the place of a crash may reveal the
                // number.
                tracing::warn!(
                    retailer = attempt.plugin.slot.retailer,
                    slot = attempt.plugin.slot.name,
                    store = attempt.store.id,
                    fault = fault.code(),
                    "a plugin failed to identify a member"
                );
                (fault.code(), None)
            }
        };
        self.keep_attempt(&attempt, outcome, member.as_ref(), called.usage)
            .await?;
        Ok(member)
    }

    async fn call_plugin(
        &self,
        attempt: Attempt,
    ) -> Result<(Attempt, CallOutcome<Option<Member>>), Error> {
        let turn = self.turns.take(&attempt.store.id).await?;
        let plugins = std::sync::Arc::clone(&self.core.plugins);
        // The span of a sensitive point has no outcome, only its duration.
        let span = tracing::info_span!(
            target: trace::TARGET, "plugin call", plugin = attempt.plugin.slot.plugin,
            point = Point::IdentifyMember.name(),
        );
        let outcome = tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            let Attempt {
                plugin,
                context,
                code,
                ..
            } = &attempt;
            let called = plugins.identify(plugin, context, &code.0);
            drop(turn);
            (attempt, called)
        });
        outcome
            .await
            .map_err(|_| Error::Internal("a plugin's call ended early".into()))
    }

    /// Records the attempt before its answer is returned.
    async fn keep_attempt(
        &self,
        attempt: &Attempt,
        outcome: &str,
        member: Option<&Member>,
        usage: Usage,
    ) -> Result<(), Error> {
        let now = self.core.clock.now();
        let key = &self.policy.digest_key;
        let row = attempt.row(key, outcome, member, usage, now);
        let settings = attempt.context.settings.clone();
        self.core
            .records
            .write(in_tx!(|tx, row, settings| {
                tx.blob_put_many(&[(&row.settings, &settings)], now).await?;
                tx.journal_insert(&row).await
            }))
            .await
    }
}

impl Attempt {
    /// The journal row, with keyed digests instead of references to texts.
    fn row(
        &self,
        key: &DigestKey,
        outcome: &str,
        member: Option<&Member>,
        usage: Usage,
        now: Timestamp,
    ) -> JournalRow {
        let Attempt {
            store,
            plugin,
            context,
            code,
        } = self;
        let answer = Zeroizing::new(serde_json::json!(member).to_string());
        JournalRow {
            event_id: context.event_id.clone(),
            subscriber: plugin.slot.name.clone(),
            retailer: store.retailer.clone(),
            store_id: store.id.clone(),
            order_id: None,
            attempt: context.attempt,
            outcome: outcome.to_owned(),
            detail: None,
            plugin: plugin.slot.plugin.clone(),
            component: plugin.inspection.digest.to_string(),
            settings: Digest::of(context.settings.as_bytes()).to_string(),
            argument: key.digest("code", &code.0),
            decision: Some(key.digest("answer", &answer)),
            // Whole milliseconds: microseconds would reveal how far the plugin came.
            cpu_us: i64::try_from(usage.cpu.as_micros().div_ceil(1_000) * 1_000)
                .unwrap_or(i64::MAX),
            memory_bytes: i64::try_from(usage.memory_bytes).unwrap_or(i64::MAX),
            output_bytes: 0,
            at: now,
        }
    }
}

fn context(store: &Store, plugin: &LoadedPlugin, now: Timestamp) -> Context {
    Context {
        event_id: format!("{}:{}", Point::IdentifyMember, uuid::Uuid::now_v7()),
        attempt: 1,
        occurred_at: store.local_text(now),
        business_date: store.business_date(now).to_string(),
        settings: plugin.slot.settings_of(store).to_owned(),
        scope: Scope::Store(store.clone()),
        counters: Vec::new(),
        prior: Vec::new(),
    }
}
