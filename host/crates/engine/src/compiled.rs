//! A component, compiled and linked: what slots with the same file share.

use crate::bindings::points;
use crate::call::Call;
use crate::capability;
use crate::inspect::Inspected;
use crate::wasi;
use galleria_domain::plugin::{Inspection, Point};
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre, Linker};

macro_rules! points {
    ($($module:ident = $point:ident,)*) => {
        /// Where each extension point stands in the component.
        pub(crate) struct Points {
            pub settings: points::settings::GuestIndices,
            $(pub $module: Option<points::$module::GuestIndices>,)*
        }

        impl Points {
            fn find(pre: &InstancePre<Call>, inspection: &Inspection) -> wasmtime::Result<Self> {
                Ok(Self {
                    settings: points::settings::GuestIndices::new(pre)?,
                    $($module: inspection
                        .exports
                        .contains(&Point::$point)
                        .then(|| points::$module::GuestIndices::new(pre))
                        .transpose()?,)*
                })
            }

            /// Whether every function has the contract's type. Needs an instance.
            pub fn check_types(
                &self,
                store: &mut wasmtime::Store<Call>,
                instance: &wasmtime::component::Instance,
            ) -> wasmtime::Result<()> {
                self.settings.load(&mut *store, instance)?;
                $(if let Some(point) = &self.$module {
                    point.load(&mut *store, instance)?;
                })*
                Ok(())
            }
        }
    };
}

points! {
    on_payment = OnPayment,
    on_refund = OnRefund,
    on_void = OnVoid,
    on_verification = OnVerification,
    on_fiscal_mark = OnFiscalMark,
    on_shift_end = OnShiftEnd,
    on_reply = OnReply,
    identify_member = IdentifyMember,
    verify_login = VerifyLogin,
    report = Report,
    read_statement = ReadStatement,
    write_settlement = WriteSettlement,
    export_catalogue = ExportCatalogue,
}

/// A component, compiled and linked.
pub(crate) struct Compiled {
    pub inspection: Arc<Inspection>,
    pub pre: InstancePre<Call>,
    pub points: Points,
}

impl Compiled {
    /// Links what it imports. Every slot that shares it was granted all of that; what it imports
    /// besides denies and counts.
    pub fn link(
        base: &Linker<Call>,
        component: &Component,
        inspected: &Inspected,
    ) -> wasmtime::Result<Self> {
        let inspection = &inspected.inspection;
        let mut linker = base.clone();
        for import in &inspection.imports {
            capability::link(&mut linker, *import)?;
        }
        wasi::link_denials(&mut linker, component)?;
        let pre = linker.instantiate_pre(component)?;
        let points = Points::find(&pre, inspection)?;
        Ok(Self {
            inspection: Arc::new(inspection.clone()),
            pre,
            points,
        })
    }
}
