//! A plugin as an author writes it, checked natively.

use galleria_sdk::prelude::*;

struct Counting;

impl Plugin for Counting {
    type Settings = NoSettings;
}

impl OnPayment for Counting {
    fn handle(_cx: &Context<NoSettings>, sale: &Sale) -> Result<Decision, Fault> {
        Ok(Decision::new().note("lines", sale.lines.len().to_string()))
    }
}

impl OnReply for Counting {
    fn handle(_: &Context<NoSettings>, _: &Outgoing, _: &Reply) -> Result<Decision, Fault> {
        Ok(Decision::new())
    }
}

impl Report for Counting {
    fn run(_: &Context<NoSettings>, _: &Window) -> Result<Totals, Fault> {
        Ok(Totals::default())
    }
}

galleria_sdk::plugin!(Counting: OnPayment, OnReply, Report);
