//! A guest that behaves as its settings say. What an engine has to stand is listed in [`Behave`];
//! the engine's tests match over it, so that a behaviour without a test does not compile.

mod identify;
mod keys;
mod payment;
mod report;
mod statement;

use galleria_sdk::prelude::*;
use serde::Deserialize;

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What the guest does when it is asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        pub enum Behave {
            $($(#[$doc])* $name,)*
        }
    };
}

behaviours! {
    // On a payment.
    /// Decides well: a document and a publication.
    Decide,
    /// Answers that it cannot.
    AskAgain,
    /// Never comes back.
    Loop,
    /// Takes ever more memory.
    EatMemory,
    /// A document larger than it may be.
    DecideTooMuch,
    /// A fault that says more than a decision may.
    FaultTooMuch,
    /// Ever more lines for people.
    LogTooMuch,
    /// Calls the host again and again.
    CallTooOften,
    /// Calls itself without end.
    Recurse,
    /// Crashes.
    Crash,
    /// Leaves with an exit code.
    Exit,
    /// Publishes what is no JSON.
    BadJson,
    /// A document whose name leads elsewhere.
    BadName,
    /// Two documents of one name.
    SameName,
    /// Writes to a directory it was not granted.
    OtherDirectory,
    /// Publishes to a topic it was not granted.
    OtherTopic,
    /// Sends to a target it was not granted.
    OtherTarget,
    /// Queues a receipt it was not granted.
    Receipt,
    /// A request that is none.
    BadRequest,
    /// Notes clock, randomness, arguments and environment.
    LookAround,
    /// Sleeps.
    Sleep,
    /// Sleeps for no time at all.
    Yield,
    /// Connects to a socket.
    Connect,
    /// Opens files.
    OpenFiles,
    /// Prints to standard output and error.
    Print,
    /// Logs with fields at every level.
    Log,
    /// Pulls sale lines where there are none to pull.
    PullOutsideRun,
    /// Writes output where there is none to write to.
    WriteOutsideRun,
    /// Seals two texts and opens them again.
    Seal,
    /// Opens texts that are broken in every way.
    OpenBroken,
    /// Opens a secret it was not granted.
    OpenOtherSecret,
    /// Opens a secret that it may do nothing with.
    OpenUseless,
    /// Asks of keys what its grant does not name.
    AskBeyondGrant,
    /// Seals a text longer than anyone may.
    SealTooMuch,
    /// Opens keys and keeps them all.
    KeepKeys,
    // On a member's code.
    /// Answers with what the code holds.
    Identify,
    /// Puts the number into its log and standard streams.
    TellInLog,
    /// Puts the number into a fault's reason.
    TellInFault,
    /// Puts the number into a fault's problems.
    TellInProblems,
    /// Puts the number into a wish to be asked again.
    TellInRetry,
    /// Puts the number into a panic's message.
    TellInPanic,
    /// Puts the number into the name of a secret.
    TellInSecret,
    /// Puts the number into the name of a directory.
    TellInDirectory,
    /// A member that is larger than it may be.
    AnswerTooMuch,
    // In a run.
    /// Sale lines into a file, activities counted.
    Copy,
    /// Asks for more rows at once than anyone may.
    PullTooMany,
    /// Pulls from a feed without end.
    PullForever,
    /// Writes to a directory it was not granted.
    OpenOther,
    /// Opens a file whose name leads elsewhere.
    OpenBadName,
    /// Writes more than it may.
    WriteTooMuch,
    /// Totals that say more than they may.
    TotalTooMuch,
    /// Its input into statement lines.
    ReadLines,
    /// Pulls its input without end.
    ReadForever,
    /// Says twice what holds for all of a statement.
    DescribeTwice,
    /// A statement line with a text longer than it may be.
    PushLongText,
    /// More lines at once than it may.
    PushMany,
    /// Ever more lines.
    PushTooMuch,
    /// A rate of more digits than a number has.
    PushBadRate,
    /// Settlement lines into a file.
    CopySettlement,
    /// Products into a file.
    CopyProducts,
}

/// What the guest reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What to do.
    pub behave: Behave,
    /// How the check of these settings ends.
    #[serde(default)]
    pub check: Check,
}

/// How the check of the settings ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Check {
    /// Well.
    #[default]
    Well,
    /// With two problems.
    Problems,
    /// With a crash.
    Crash,
    /// Never.
    Loop,
    /// With a key, which a check has none of.
    OpenKey,
}

/// The guest.
pub struct Guest;

impl Plugin for Guest {
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Problem> {
        match settings.check {
            Check::Well => vec![],
            Check::Problems => vec![
                Problem::new("behave", "is not what anyone would want"),
                Problem::new("check", "should be Well"),
            ],
            Check::Crash => panic!("crashed while checking"),
            Check::Loop => spin(),
            Check::OpenKey => {
                _ = Key::open("notes");
                vec![]
            }
        }
    }
}

/// Uses CPU time until it is stopped.
pub fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = std::hint::black_box(turns.wrapping_add(1));
    }
}

impl OnPayment for Guest {
    fn handle(cx: &Context<Settings>, sale: &Sale) -> Result<Decision, Fault> {
        payment::behave(cx, sale)
    }
}

/// Whatever its settings say, it writes down what came.
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
        report::behave(cx, window)
    }
}

impl IdentifyMember for Guest {
    fn identify(cx: &Context<Settings>, code: &str) -> Result<Option<Member>, Fault> {
        identify::behave(cx, code)
    }
}

impl ReadStatement for Guest {
    fn run(cx: &Context<Settings>) -> Result<Totals, Fault> {
        statement::behave(cx)
    }
}

impl WriteSettlement for Guest {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        report::behave(cx, window)
    }
}

impl ExportCatalogue for Guest {
    fn run(cx: &Context<Settings>, window: &Window) -> Result<Totals, Fault> {
        report::behave(cx, window)
    }
}

galleria_sdk::plugin!(
    Guest: OnPayment, OnFiscalMark, Report, IdentifyMember, ReadStatement, WriteSettlement, ExportCatalogue
);
