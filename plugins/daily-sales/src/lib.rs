//! skeleton
use galleria_sdk::prelude::*;
/// x
pub struct DailySales;
impl Plugin for DailySales { type Settings = NoSettings; }
impl Report for DailySales {
    fn run(cx: &Context<NoSettings>, _: &Window) -> Result<Totals, Fault> {
        cx.store()?;
        Ok(Totals::default())
    }
}
galleria_sdk::plugin!(DailySales: Report);
