//! The program `cordon`: configuration, wiring and commands.
//!
//! A library beside the binary so that tests can start a whole [`host::Host`] in their own
//! process. Decides nothing about privacy requests: that is the engine's part.

pub mod built_in;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod demo;
mod doctor;
pub mod host;
pub mod output;
mod plugin_folder;
pub mod telemetry;
mod wire;
