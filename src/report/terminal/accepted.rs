//! What stands and fails nothing, since somebody answers for it or an earlier run told it.

use super::{Mark, Screen, counted};
use crate::diagnosis::Diagnosis;
use crate::report::rows::accepted;

impl Screen {
    pub(super) fn accepted(&mut self, diagnosis: &Diagnosis) {
        let rows = accepted(diagnosis);
        if rows.is_empty() {
            return;
        }
        let number = counted(rows.len(), "accepted finding, which fails", "accepted findings, which fail");
        let head = self.marked(Mark::Notice, &format!("{number} nothing"));
        self.line(&head);
        for (finding, why) in rows {
            self.pair(&finding.id, &[finding.subject.clone(), why]);
        }
    }
}
