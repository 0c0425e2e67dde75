//! `fix`: what mends what was found, in order. Nothing is ever run.

use super::arguments::{Fix, FixFormat};
use super::examination::Examination;
use super::{Failure, output};
use crate::diagnosis::{self, Diagnosis, Severity, Standing, WRONG_TARGET, steps};
use crate::gate::{self, ending, exit};
use crate::report;

pub(super) async fn fix(wanted: &Fix) -> Result<u8, Failure> {
    let mut examination = Examination::begin(&wanted.examine).await?;
    let name = wanted.name.as_deref();
    if let Some(name) = name {
        examination.rule(name)?;
    }
    let facts = name.map(|name| examination.facts_for(name));
    examination.look(facts.as_ref()).await?;
    let whole = examination.diagnose(name.map(str::to_owned), Severity::Error);
    let steps = steps(&whole, &examination.snapshot, name);
    if steps.steps.is_empty() {
        if wanted.output == FixFormat::Json {
            output::put(&report::steps_in_json(&steps))?;
        }
        return Ok(nothing(&examination, &whole, name));
    }
    output::put(&match wanted.output {
        FixFormat::Text => report::steps_on_terminal(&steps, output::style(wanted.color, false)),
        FixFormat::Sh => report::steps_as_posix_script(&steps),
        FixFormat::Powershell => report::steps_as_powershell_script(&steps),
        FixFormat::Json => report::steps_in_json(&steps),
    })?;
    Ok(if examination.stopped { exit::INTERRUPTED } else { exit::FINE })
}

/// Why there are no steps: a script that does nothing would look like one that mended something.
fn nothing(examination: &Examination, diagnosis: &Diagnosis, name: Option<&str>) -> u8 {
    let policy = gate::Policy { interrupted: examination.stopped, ..gate::Policy::default() };
    let end = ending(diagnosis, policy);
    if diagnosis.findings.iter().any(|finding| finding.id == WRONG_TARGET) {
        output::note(&format!("nothing to mend here: {}", end.because));
        return end.code;
    }
    let Some(name) = name else {
        output::note(&match end.because.as_str() {
            "" => "nothing was found that has to be mended".to_owned(),
            because => format!("nothing was found that has to be mended, but {because}"),
        });
        return end.code;
    };
    let standing = diagnosis::verified(diagnosis, &examination.rules, name).standing;
    let (told, code) = match standing {
        Standing::Fixed => (format!("{name} is not found: there is nothing to mend"), exit::FINE),
        Standing::NotYet => {
            (format!("{name} is right and still spreads: wait, and verify"), exit::INCONCLUSIVE)
        }
        Standing::Unchanged => (format!("{name} is as it should be: there is nothing to mend"), exit::FINE),
        Standing::Behind => (
            format!("{name} cannot show while something that stands before it is broken: see check"),
            exit::FINDINGS,
        ),
        Standing::Unknown => (
            format!("{name} could not be examined: `mzv-doctor why {name}` says what is missing"),
            exit::INCONCLUSIVE,
        ),
    };
    output::note(&told);
    if examination.stopped { exit::INTERRUPTED } else { code }
}
