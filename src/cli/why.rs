//! `why`: each clause of a name's rule, what it read, and what decided.

use super::arguments::{Why, WhyFormat};
use super::examination::{Examination, observed};
use super::{Failure, output};
use crate::diagnosis;
use crate::gate::exit;
use crate::report;

pub(super) async fn why(wanted: &Why) -> Result<u8, Failure> {
    let mut examination = Examination::begin(&wanted.examine).await?;
    examination.rule(&wanted.name)?;
    let facts = observed(examination.facts_for(&wanted.name));
    examination.look(Some(&facts)).await?;
    let rule = examination.rule(&wanted.name)?;
    let all = diagnosis::why(&examination.snapshot, &examination.rules, rule);
    output::put(&match wanted.output {
        WhyFormat::Terminal => {
            let style = output::style(wanted.color, wanted.verbose);
            report::why_on_terminal(&all, examination.snapshot.observed_at, style)
        }
        WhyFormat::Json => report::why_in_json(&all),
    })?;
    Ok(if examination.stopped { exit::INTERRUPTED } else { exit::FINE })
}
