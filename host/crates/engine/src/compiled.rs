//! A component, compiled and linked. Slots with the same file share it.

use crate::call::Call;
use crate::capability;
use crate::inspect::ComponentFile;
use crate::points::Points;
use crate::wasi;
use galleria_domain::plugin::Inspection;
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre, Linker};

/// A component, compiled and linked.
pub(crate) struct Compiled {
    pub inspection: Arc<Inspection>,
    pub pre: InstancePre<Call>,
    pub points: Points,
}

impl Compiled {
    /// Links the imported capabilities, which every slot that shares the component was granted. Other
    /// imports are linked to functions that deny and count.
    pub fn link(
        base: &Linker<Call>,
        component: &Component,
        file: &ComponentFile,
    ) -> wasmtime::Result<Self> {
        let inspection = &file.inspection;
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
