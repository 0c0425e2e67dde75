//! What needs nobody: what is expected, what is over, what is fine.

use super::{INDENT, LEAST, Mark, Screen};
use crate::diagnosis::{Diagnosis, Finding, Severity, Summary};
use crate::report::inert::wrap;

impl Screen {
    pub(super) fn expected(&mut self, diagnosis: &Diagnosis) {
        let notices: Vec<&Finding> = diagnosis
            .findings
            .iter()
            .filter(|it| it.severity == Severity::Notice && it.accepted.is_none())
            .collect();
        if notices.is_empty() {
            return;
        }
        let expected = notices.iter().all(|notice| notice.area == "expected");
        let what = match (expected, notices.len()) {
            (true, _) => "expected",
            (false, 1) => "notice",
            (false, _) => "notices",
        };
        let head = self.marked(Mark::Notice, &format!("{} {what}, nothing to mend", notices.len()));
        self.line(&head);
        for notice in notices {
            let mut says = vec![notice.brief.clone()];
            if self.style.verbose || notice.brief.is_empty() {
                says.push(notice.explanation.clone());
            }
            self.pair(&notice.id, &says);
        }
    }

    /// Text that names an error which the facts contradict.
    pub(super) fn history(&mut self, diagnosis: &Diagnosis) {
        let old: Vec<_> = diagnosis.passed.iter().filter(|row| !row.history.is_empty()).collect();
        if old.is_empty() {
            return;
        }
        let head =
            self.marked(Mark::Notice, &format!("{} named in text, and contradicted by the facts", old.len()));
        self.line(&head);
        for row in old {
            let mut says = Vec::new();
            if let Some(last) = row.history.iter().filter_map(|excerpt| excerpt.last).max() {
                says.push(format!("last at {}", self.when(last)));
            }
            let mut places: Vec<&str> = row.history.iter().map(|excerpt| excerpt.place.as_str()).collect();
            places.dedup();
            says.extend(places.into_iter().map(|place| format!("in {place}")));
            self.pair(&row.id, &says);
        }
    }

    pub(super) fn fine(&mut self, diagnosis: &Diagnosis, summary: &Summary) {
        let head = self.marked(Mark::Fine, &format!("{} fine", summary.passed));
        let others = match summary.not_applicable {
            0 => String::new(),
            number => format!(", {number} not applicable here"),
        };
        let hint = if self.style.verbose || summary.passed == 0 { "" } else { "   -v lists them" };
        self.line(&format!("{head}{others}{hint}"));
        if self.style.verbose {
            self.names(&diagnosis.passed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
            if !diagnosis.not_applicable.is_empty() {
                self.line(&format!("  {} not applicable here", summary.not_applicable));
                self.names(&diagnosis.not_applicable.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
            }
        }
        self.line("");
    }

    fn names(&mut self, names: &[&str]) {
        let names = self.inert(&names.join(", "));
        for line in wrap(&names, self.style.width.saturating_sub(INDENT).max(LEAST)) {
            self.line(&format!("{:INDENT$}{line}", ""));
        }
    }
}
