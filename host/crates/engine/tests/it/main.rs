//! The engine against real components: one guest that behaves as its settings say, and a few written
//! by hand for what no SDK would build.

mod behaviours;
mod engines;
mod feeds;
mod fixtures;
mod keys;
mod kit;
mod loading;
mod members;
mod runs;
mod statements;
mod wat;
