//! The extension points and capabilities of the contract, each declared once.
//!
//! Each table is a macro that passes its rows to a macro of the caller. The host's enums, the engine's
//! calls, the traits of the Rust SDK and the table in `sdk/GUIDE.md` derive from these rows. The tests of
//! this crate compare the rows with the WIT files, which define the functions and their types.
//!
//! This crate has no dependencies, because components contain it through the SDK.

/// Passes all extension points to the macro `$callback`, after any further tokens of the caller.
///
/// Each row has the documentation, the variant, the module that the bindings generate, the name in the
/// contract, and the world of `worlds.wit` that exports it alone. Then follows:
///
/// - for `react` points, the variant of the argument enum with the arguments of `handle`;
/// - for `answer` points, the function with its argument and answer;
/// - for `stream` points, the variant of the run enum with the arguments of `run`;
/// - for all points, `served` if this host calls it, otherwise `planned`. The host refuses a plugin that
///   exports a planned point.
#[macro_export]
macro_rules! extension_points {
    ($callback:ident $($context:tt)*) => {
        $callback! {
            $($context)*
            react {
                /// An order was paid.
                OnPayment on_payment "on-payment" "on-payment-export" Payment(sale: Sale), served;
                /// Money was returned to the customer.
                OnRefund on_refund "on-refund" "on-refund-export" Refund(refund: Refund), served;
                /// An order was cancelled, or a paid order was reversed.
                OnVoid on_void "on-void" "on-void-export" Void(cancelled: Cancellation), served;
                /// Staff verified a basket.
                OnVerification on_verification "on-verification" "on-verification-export" Verification(verified: Verification), served;
                /// A tax authority issued a mark.
                OnFiscalMark on_fiscal_mark "on-fiscal-mark" "on-fiscal-mark-export" FiscalMark(mark: FiscalMark), served;
                /// A drawer was counted and closed.
                OnShiftEnd on_shift_end "on-shift-end" "on-shift-end-export" ShiftEnd(shift: Shift), served;
                /// A target replied to a request.
                OnReply on_reply "on-reply" "on-reply-export" Reply(request: Outgoing, reply: Reply), planned;
            }
            answer {
                /// Identifies the member behind a scanned code.
                IdentifyMember identify_member "identify-member" "identify-member-export"
                    identify(code: str) -> Option<Member>, served;
                /// Verifies a login.
                VerifyLogin verify_login "verify-login" "verify-login-export"
                    verify(login: Login) -> Option<Identity>, planned;
            }
            stream {
                /// Writes a file about a window of business dates.
                Report report "report" "report-export" Report(window: Window), served;
                /// Reads a provider's statement.
                ReadStatement read_statement "read-statement" "read-statement-export" Statement(), served;
                /// Writes the retailer's settlement file.
                WriteSettlement write_settlement "write-settlement" "write-settlement-export" Settlement(window: Window), served;
                /// Writes the retailer's product file.
                ExportCatalogue export_catalogue "export-catalogue" "export-catalogue-export" Catalogue(window: Window), served;
            }
        }
    };
}

/// Passes all capabilities to the macro `$callback`, after any further tokens of the caller.
///
/// Each row has the documentation, the variant, the module that the bindings generate, the name in the
/// contract, and `served` if this host implements the capability, otherwise `planned`. The host refuses a
/// plugin that needs a planned capability.
#[macro_export]
macro_rules! capabilities {
    ($callback:ident $($context:tt)*) => {
        $callback! {
            $($context)*
            /// Log lines for people. Every plugin has it.
            Log log "log" served;
            /// Encryption, decryption and authentication with the retailer's keys.
            Secrets secrets "secrets" served;
            /// Verification of login tokens.
            Tokens tokens "tokens" planned;
            /// HTTP questions to targets.
            Http http "http" planned;
            /// The file that a run reads.
            Input input "input" served;
            /// Complete sales, refunds, voids and shifts of a window.
            Activities activities "activities" served;
            /// Sale lines of a window.
            SaleLines sale_lines "sale-lines" served;
            /// Products of the catalogue.
            Products products "products" served;
            /// Matched statement lines.
            Settlement settlement "settlement" served;
            /// The lines of a statement that a run reads.
            Statement statement "statement" served;
            /// Files that a run writes in pieces.
            Output output "output" served;
        }
    };
}

/// The contract's package in WIT.
pub const PACKAGE: &str = "galleria:retail";

/// The version of the contract that this host and these SDKs speak.
pub const VERSION: &str = "0.2.0";

/// The maximum number of files that a run may have open at once: each needs a descriptor of the host's process.
pub const OPEN_FILES: usize = 64;

/// Returns whether this host works with a component, a manifest or a recorded event of `version`. All
/// patches of one minor version work together.
pub fn is_supported(version: &str) -> bool {
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    minor(version).is_some() && minor(version) == minor(VERSION)
}
