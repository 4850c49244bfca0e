//! Compiles `proto/tax.proto` without `protoc`.

use protox::prost::Message as _;
use std::path::Path;

const FOLDER: &str = "proto";
const FILE: &str = "tax.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let files = protox::compile([FILE], [FOLDER])?;
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("tax.pb"), files.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
