//! A host without plugins.

use galleria_domain::{Context, Decision, Member, Totals};
use galleria_ports::plugins::{Argument, Called, Loaded, Plugins, Stream, Streams};

pub struct NoPlugins;

impl Plugins for NoPlugins {
    fn all(&self) -> &[Loaded] {
        &[]
    }
    fn react(&self, _: &Loaded, _: &Context, _: &Argument) -> Called<Decision> {
        unreachable!("no plugin is called")
    }
    fn identify(&self, _: &Loaded, _: &Context, _: &str) -> Called<Option<Member>> {
        unreachable!("no plugin is called")
    }
    fn run(&self, _: &Loaded, _: &Context, _: &Stream, _: Streams) -> Called<Totals> {
        unreachable!("no plugin is called")
    }
}
