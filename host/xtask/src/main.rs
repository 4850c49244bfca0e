//! Work on the repository.
mod day;
mod root;

fn main() -> anyhow::Result<()> {
    let folder = root::root().join("retailers/flying-tiger");
    let text = day::generate(&folder, 7, 300)?;
    std::fs::write("/tmp/day.jsonl", text)?;
    Ok(())
}
