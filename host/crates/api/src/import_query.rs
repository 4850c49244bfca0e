//! The query parameters of imports: those of every import, and those of one kind of file.

/// Declares the query parameters of an import: those of every import, then its own ones. An import `with reason` is
/// recorded in the audit log.
macro_rules! import_query {
    ($name:ident with reason { $($own:tt)* }) => {
        import_query!($name {
            $($own)*
            /// The reason, for the audit log.
            #[serde(default)]
            #[param(required = false, max_length = 1000)]
            reason: String,
        });
    };
    ($name:ident { $($own:tt)* }) => {
        /// Options of an import.
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        struct $name {
            /// Validate the file and report what the import would do, without importing it.
            #[serde(default)]
            #[param(required = false, default = false)]
            dry_run: bool,
            /// Import a file without rows, such as one with only a header. Without it, such a file is rejected.
            #[serde(default)]
            #[param(required = false, default = false)]
            allow_empty: bool,
            /// How to treat a `'` before a text that a spreadsheet would evaluate.
            #[serde(default)]
            #[param(required = false, inline)]
            guards: galleria_app::tabular::Guards,
            $($own)*
        }

        impl $name {
            /// The options of every import.
            fn options(&self) -> galleria_app::tabular::ImportOptions {
                galleria_app::tabular::ImportOptions {
                    dry_run: self.dry_run,
                    allow_empty: self.allow_empty,
                    guards: self.guards,
                }
            }
        }
    };
}
