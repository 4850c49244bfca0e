//! Tests of the engine with real components: one guest whose settings select its behaviour, and
//! hand-written components for cases that no SDK produces.

mod behaviours;
mod engines;
mod feeds;
mod fixtures;
mod hostile;
mod isolation;
mod keys;
mod kit;
mod loading;
mod members;
mod resources;
mod runs;
mod statements;
mod three_languages;
mod wat;
