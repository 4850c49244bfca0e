//! The enumerations.

use super::Reader;
use crate::proto;
use galleria_domain::tax::{TaxKind, TaxRoute, Treatment};

impl From<TaxKind> for proto::TaxKind {
    fn from(kind: TaxKind) -> Self {
        match kind {
            TaxKind::Percent => Self::Percent,
            TaxKind::FixedPerUnit => Self::FixedPerUnit,
            TaxKind::Division => Self::Division,
        }
    }
}

impl From<Treatment> for proto::Treatment {
    fn from(treatment: Treatment) -> Self {
        match treatment {
            Treatment::Standard => Self::Standard,
            Treatment::Reduced => Self::Reduced,
            Treatment::Luxury => Self::Luxury,
            Treatment::Zero => Self::Zero,
            Treatment::Exempt => Self::Exempt,
        }
    }
}

impl From<TaxRoute> for proto::TaxRoute {
    fn from(route: TaxRoute) -> Self {
        match route {
            TaxRoute::Embedded => Self::Embedded,
            TaxRoute::Grpc => Self::Grpc,
            TaxRoute::Http => Self::Http,
        }
    }
}

impl Reader {
    pub(super) fn kind(&mut self, field: impl FnOnce() -> String, number: i32) -> TaxKind {
        match proto::TaxKind::try_from(number) {
            Ok(proto::TaxKind::Unspecified | proto::TaxKind::Percent) => TaxKind::Percent,
            Ok(proto::TaxKind::FixedPerUnit) => TaxKind::FixedPerUnit,
            Ok(proto::TaxKind::Division) => TaxKind::Division,
            Err(_) => {
                self.reject(field(), format!("must be a value of TaxKind, got {number}"));
                TaxKind::Percent
            }
        }
    }

    pub(super) fn treatment(
        &mut self,
        field: impl FnOnce() -> String,
        number: i32,
    ) -> Option<Treatment> {
        Some(match proto::Treatment::try_from(number) {
            Ok(proto::Treatment::Unspecified) => return None,
            Ok(proto::Treatment::Standard) => Treatment::Standard,
            Ok(proto::Treatment::Reduced) => Treatment::Reduced,
            Ok(proto::Treatment::Luxury) => Treatment::Luxury,
            Ok(proto::Treatment::Zero) => Treatment::Zero,
            Ok(proto::Treatment::Exempt) => Treatment::Exempt,
            Err(_) => {
                self.reject(
                    field(),
                    format!("must be a value of Treatment, got {number}"),
                );
                return None;
            }
        })
    }
}
