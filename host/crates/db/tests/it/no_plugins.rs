//! A host without plugins.

use galleria_domain::{Context, Decision, Member, Totals};
use galleria_ports::plugins::{Argument, CallOutcome, LoadedPlugin, Plugins, Stream, Streams};

pub struct NoPlugins;

impl Plugins for NoPlugins {
    fn all(&self) -> Vec<LoadedPlugin> {
        Vec::new()
    }
    fn react(&self, _: &LoadedPlugin, _: &Context, _: &Argument) -> CallOutcome<Decision> {
        unreachable!("no plugin is called")
    }
    fn identify(&self, _: &LoadedPlugin, _: &Context, _: &str) -> CallOutcome<Option<Member>> {
        unreachable!("no plugin is called")
    }
    fn run(&self, _: &LoadedPlugin, _: &Context, _: &Stream, _: Streams) -> CallOutcome<Totals> {
        unreachable!("no plugin is called")
    }
}
