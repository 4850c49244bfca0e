//! The routes, one file per resource.

use crate::endpoint::Routes;

/// Declares the modules and collects their routes. The OpenAPI document lists them in this order.
macro_rules! resources {
    ($($name:ident)*) => {
        $(pub(crate) mod $name;)*

        /// Every route except the OpenAPI document itself.
        pub(crate) fn all() -> Routes {
            Routes::new()$(.merge($name::routes()))*
        }
    };
}

resources! {
    stores members products orders payments refunds voids verifications shifts documents movements
    fiscal runs events dead_letters parked outgoing plugins operations timeline statements statement_lines status
    health metrics docs
}
