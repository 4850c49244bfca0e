//! A guest whose settings select its behaviour. [`Behaviour`] lists all behaviours that the engine must
//! handle. The engine's tests match over it, so a behaviour without a test does not compile.

mod identify;
mod keys;
mod payment;
mod report;
mod statement;

use galleria_sdk::prelude::*;
use serde::Deserialize;

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What the guest does in a call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        pub enum Behaviour {
            $($(#[$doc])* $name,)*
        }

        impl Behaviour {
            /// All behaviours.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

behaviours! {
    // At `on-payment`.
    /// Returns a decision with a document and a publication.
    Decide,
    /// Returns the fault `retry`.
    Retry,
    /// Never returns.
    Loop,
    /// Allocates memory without end.
    AllocateMemory,
    /// Returns a document above the output limit.
    DecideTooMuch,
    /// Returns a fault above the output limit.
    FaultTooMuch,
    /// Writes log lines beyond the limit.
    LogTooMuch,
    /// Calls the host without end.
    CallTooOften,
    /// Recurses without end.
    Recurse,
    /// Crashes.
    Crash,
    /// Adds beyond 64 bits.
    Overflow,
    /// Exits with an exit code.
    Exit,
    /// Publishes invalid JSON.
    BadJson,
    /// Returns a document whose name leads to another directory.
    BadName,
    /// Returns two documents with the same name.
    SameName,
    /// Publishes 101 events.
    DecideTooMany,
    /// Returns 101 notes.
    NoteTooMany,
    /// Publishes with a key of 2,000 bytes.
    LongKey,
    /// Returns a document for a directory without a grant.
    OtherDirectory,
    /// Publishes to a topic without a grant.
    OtherTopic,
    /// Sends to a target without a grant.
    OtherTarget,
    /// Queues a receipt without a grant.
    Receipt,
    /// Returns a request with an invalid header.
    BadRequest,
    /// Notes clock, randomness, arguments and environment.
    ReadEnvironment,
    /// Sleeps.
    Sleep,
    /// Sleeps for a duration of zero.
    Yield,
    /// Connects to a socket.
    Connect,
    /// Opens files.
    OpenFiles,
    /// Prints to standard output and error.
    Print,
    /// Logs with fields at every level.
    Log,
    /// Pulls sale lines outside a run.
    PullOutsideRun,
    /// Writes output outside a run.
    WriteOutsideRun,
    /// Encrypts two texts and decrypts them.
    Encrypt,
    /// Decrypts texts that are broken in every way.
    DecryptBroken,
    /// Opens a secret without a grant.
    OpenOtherSecret,
    /// Opens a secret whose grant names no operation.
    OpenWithoutOperations,
    /// Uses operations of keys that the grant does not name.
    ExceedGrant,
    /// Encrypts a text above the limit.
    EncryptTooMuch,
    /// Opens many keys and keeps all of them open.
    KeepKeys,
    // At `identify-member`.
    /// Returns the member in the code.
    Identify,
    /// Puts the number into its log and standard streams.
    PutInLog,
    /// Puts the number into a fault's reason.
    PutInFault,
    /// Puts the number into a fault's problems.
    PutInProblems,
    /// Puts the number into the reason of `retry`.
    PutInRetry,
    /// Puts the number into a panic's message.
    PutInPanic,
    /// Puts the number into the name of a secret.
    PutInSecret,
    /// Puts the number into the name of a directory.
    PutInDirectory,
    /// Returns a member with 101 attributes.
    AnswerTooMany,
    /// Returns a member above the output limit.
    AnswerTooMuch,
    // At stream points.
    /// Writes sale lines to a file and counts activities.
    Copy,
    /// Requests more rows than a batch may have.
    PullTooMany,
    /// Pulls one row at a time.
    PullSingly,
    /// Pulls from a feed without end.
    PullForever,
    /// Opens a file in a directory without a grant.
    OpenOther,
    /// Opens a file whose name leads to another directory.
    OpenBadName,
    /// Opens thousands of files and drops each.
    OpenAndDrop,
    /// Opens many files and keeps all.
    OpenAndKeep,
    /// Writes more than the output limit.
    WriteTooMuch,
    /// Opens a file twice.
    OpenTwice,
    /// Returns totals with 101 sums.
    TotalTooMany,
    /// Returns totals above the output limit.
    TotalTooMuch,
    /// Reads its input as statement lines.
    ReadLines,
    /// Reads its input without end.
    ReadForever,
    /// Sends the statement's header twice.
    DescribeTwice,
    /// Pushes a statement line with a text above the limit.
    PushLongText,
    /// Pushes more lines than one call may have.
    PushMany,
    /// Pushes lines without end.
    PushTooMuch,
    /// Pushes a line whose rate has too large a scale.
    PushBadRate,
    /// Writes settlement lines to a file.
    CopySettlement,
    /// Writes products to a file.
    CopyProducts,
}

/// The guest's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The behaviour.
    pub behave: Behaviour,
    /// The outcome of checking these settings.
    #[serde(default)]
    pub check: Check,
}

/// The outcome of checking the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Check {
    /// No problem.
    #[default]
    Pass,
    /// Two problems.
    Problems,
    /// A crash.
    Crash,
    /// Does not end.
    Loop,
    /// Opens a key, which a check does not have.
    OpenKey,
    /// A problem for each schedule, which describes it.
    Schedules,
}

/// The guest.
pub struct Guest;

impl Plugin for Guest {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        match settings.check {
            Check::Pass => vec![],
            Check::Problems => vec![
                Problem::new("behave", "must be another behaviour"),
                Problem::new("check", "must be Pass"),
            ],
            Check::Crash => panic!("crashed while checking"),
            Check::Loop => spin(),
            Check::OpenKey => {
                _ = Key::open("notes");
                vec![]
            }
            Check::Schedules => vec![],
        }
    }

    fn check_schedules(settings: &Settings, schedules: &[RunSchedule]) -> Vec<Problem> {
        let described = schedules.iter().map(|schedule| {
            let first = schedule.windows.first();
            let last = first.map_or("", |window| &window.last);
            let zone = schedule.zone.as_deref().unwrap_or("own");
            let text = format!(
                "{} {} {zone} {}",
                schedule.point, schedule.at, schedule.per_store
            );
            Problem::new(schedule.name.clone(), format!("{text} {last}"))
        });
        match settings.check {
            Check::Schedules => described.collect(),
            _ => vec![],
        }
    }
}

/// Uses CPU time until the host stops the call.
pub fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

impl OnPayment for Guest {
    fn handle(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
        payment::execute(cx, sale)
    }
}

/// Writes the mark into a document, with any settings.
impl OnFiscalMark for Guest {
    fn handle(_: &Context<Settings>, mark: &FiscalMark) -> Result<Decision, Fault> {
        let receipt = match &mark.of {
            Origin::Sale(sale) => format!("sale {}", sale.entry.receipt),
            Origin::Reference(entry) => format!("refund {}", entry.receipt),
            Origin::None => "nothing".to_owned(),
        };
        let body = format!(
            "{} {} of {receipt} at {}",
            mark.scheme, mark.mark, mark.issued_at
        );
        let name = format!("mark-{}.txt", mark.mark);
        Ok(Decision::new().document("poslog", name, "text/plain", body))
    }
}

impl Report for Guest {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        report::execute(cx, window)
    }
}

impl IdentifyMember for Guest {
    fn identify(cx: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
        identify::execute(cx, code)
    }
}

impl ReadStatement for Guest {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        statement::execute(cx)
    }
}

impl WriteSettlement for Guest {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        report::execute(cx, window)
    }
}

impl ExportCatalogue for Guest {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        report::execute(cx, window)
    }
}

galleria_sdk::plugin!(
    Guest: OnPayment, OnFiscalMark, Report, IdentifyMember, ReadStatement, WriteSettlement, ExportCatalogue
);
