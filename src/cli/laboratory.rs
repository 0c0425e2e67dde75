//! `lab`: list scenarios, or stage one for any client to look at.

use std::fmt::Write;

use jiff::Timestamp;

use super::arguments::Lab;
use super::interrupt::Interrupt;
use super::{Failure, output};
use crate::gate::exit;
use crate::lab;

pub(super) async fn lab(verb: Lab) -> Result<u8, Failure> {
    match verb {
        Lab::List => {
            let scenarios = lab::scenarios()?;
            let widest = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
            let mut text = String::new();
            for scenario in scenarios {
                // Writing to a string does not fail.
                let _written = writeln!(text, "{:widest$}   {}", scenario.name, scenario.title);
            }
            output::put(&text)?;
        }
        Lab::Serve { scenario, latency } => {
            let mut interrupt = Interrupt::listen();
            let staged = {
                let mut world = lab::load(&scenario, Timestamp::now())?;
                world.latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
                lab::stage(world).await?
            };
            let mut text = String::new();
            for (name, value) in staged.variables() {
                let _written = writeln!(text, "export {name}='{value}'");
            }
            output::put(&text)?;
            output::note(&format!("{scenario} is staged; Ctrl-C ends it and removes its files"));
            interrupt.wait().await;
            for call in staged.unexpected() {
                output::note(&format!("asked to change something: {call}"));
            }
        }
    }
    Ok(exit::FINE)
}
