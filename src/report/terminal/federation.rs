//! Federation field by field: each value once, with who has it, and where it parts from what the pods send.

use super::Screen;
use crate::diagnosis::{Contrast, Diagnosis, Field, Severity, Side};

/// Credentials that are shown without `-v`, the nearest first.
const CREDENTIALS: usize = 2;

impl Screen {
    /// With `-v`, where federation is broken.
    pub(super) fn federation(&mut self, diagnosis: &Diagnosis) {
        let broken =
            diagnosis.findings.iter().any(|it| it.area == "federation" && it.severity == Severity::Error);
        if self.style.verbose && broken && !diagnosis.federation.is_empty() {
            self.line("federation, field by field");
            self.fields(&diagnosis.federation);
            self.line("");
        }
    }

    pub(super) fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            self.field(field);
        }
    }

    fn field(&mut self, field: &Field) {
        let mut trusted: Vec<_> = field.trusted.iter().collect();
        trusted.sort_by_key(|it| !it.nearest);
        let most = if self.style.verbose { usize::MAX } else { CREDENTIALS };
        let left_out = trusted.len().saturating_sub(most);
        let said = [(&field.presented, "pods send it"), (&field.wanted, "the deployment wants it")];
        let said = said.into_iter().filter_map(|(value, who)| Some((value.clone()?, who.to_owned())));
        let trusts = trusted.into_iter().take(most).map(|it| {
            let nearest = if it.nearest { ", the nearest" } else { "" };
            (it.value.clone(), format!("{} trusts it{nearest}", it.credential))
        });
        let mut values: Vec<(String, Vec<String>)> = Vec::new();
        for (value, who) in said.chain(trusts) {
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, all)) => all.push(who),
                None => values.push((value, vec![who])),
            }
        }
        let mut values = values.into_iter();
        let Some((first, who)) = values.next() else { return };
        self.detail(&field.name, &first, usize::MAX);
        self.detail("", &who.join("; "), usize::MAX);
        for (value, who) in values {
            self.contrast(&Contrast {
                has: Side { label: "but".into(), value },
                wants: Side { label: "for".into(), value: first.clone() },
            });
            self.detail("", &who.join("; "), usize::MAX);
        }
        if left_out > 0 {
            self.detail("", &format!("and {left_out} more credentials (-v)"), 1);
        }
    }
}
