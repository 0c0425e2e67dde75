//! What is wrong: each cause with its evidence, what follows from it, and what mends it.

use owo_colors::Style as Paint;

use super::{INDENT, LABEL, LEAST, Mark, Screen};
use crate::diagnosis::{Diagnosis, Excerpt, Finding, Remedy, Severity};
use crate::report::inert::{columns, wrap};
use crate::report::rows::wrong;
use crate::report::shell;

/// Lines of explanation without `-v`.
pub(super) const EXPLAINED: usize = 4;
/// Lines of a quoted text without `-v`.
const QUOTED: usize = 2;
/// Lines of a value without `-v`.
const EVIDENCE: usize = 6;
/// Names in a row without `-v`.
const NAMED: usize = 3;
/// Quoted texts of one finding without `-v`.
const EXCERPTS: usize = 2;

/// Every cause with what it explains, near things first. Each finding is shown: one whose explanation leads nowhere
/// stands as a cause.
pub(in crate::report) fn tree(wrong: &[Finding]) -> Vec<(&Finding, Vec<&Finding>)> {
    let named = |id: &str| wrong.iter().any(|finding| finding.id == id);
    let mut shown = vec![false; wrong.len()];
    let mut causes = Vec::new();
    for pass in 0..2 {
        for (at, finding) in wrong.iter().enumerate() {
            let explained = finding.caused_by.iter().any(|id| *id != finding.id && named(id));
            if shown[at] || (pass == 0 && explained) {
                continue;
            }
            shown[at] = true;
            causes.push((finding, consequences(finding, wrong, &mut shown)));
        }
    }
    causes
}

fn consequences<'a>(cause: &'a Finding, wrong: &'a [Finding], shown: &mut [bool]) -> Vec<&'a Finding> {
    let mut reached = vec![cause.id.as_str()];
    let mut found: Vec<usize> = Vec::new();
    loop {
        let next: Vec<usize> = wrong
            .iter()
            .enumerate()
            .filter(|(at, finding)| {
                !found.contains(at)
                    && !std::ptr::eq(*finding, cause)
                    && finding.caused_by.iter().any(|id| *id != finding.id && reached.contains(&id.as_str()))
            })
            .map(|(at, _)| at)
            .collect();
        if next.is_empty() {
            return found.into_iter().map(|at| &wrong[at]).collect();
        }
        for at in next {
            shown[at] = true;
            reached.push(&wrong[at].id);
            found.push(at);
        }
    }
}

impl Screen {
    pub(super) fn causes(&mut self, diagnosis: &Diagnosis) {
        let wrong = wrong(diagnosis);
        for (cause, consequences) in tree(&wrong) {
            let again = wrong.iter().filter(|other| other.id == cause.id).count() > 1;
            self.title(cause, again);
            self.proof(cause);
            self.consequences(&consequences);
            let known = |id: &&String| !wrong.iter().any(|finding| finding.id == **id);
            let behind: Vec<String> = cause.caused_by.iter().filter(known).cloned().collect();
            if !behind.is_empty() {
                let names = self.some(&behind);
                self.detail("because", &format!("of {names}: accepted"), usize::MAX);
            }
            if !cause.perhaps.is_empty() {
                let spreads = |name: &String| {
                    diagnosis.inconclusive.iter().any(|row| row.id == *name && row.settling().is_some())
                };
                let (moving, open): (Vec<String>, Vec<String>) =
                    cause.perhaps.iter().cloned().partition(spreads);
                for (names, how) in [(moving, "still spreading"), (open, "not examined")] {
                    if !names.is_empty() {
                        let names = self.some(&names);
                        self.detail("perhaps", &format!("because of {names}: {how}"), usize::MAX);
                    }
                }
            }
            self.line("");
            let most = if self.style.verbose { usize::MAX } else { EXPLAINED };
            self.detail("why", &cause.explanation, most);
            if let Some(remedy) = &cause.remedy {
                self.line("");
                self.remedy(remedy);
            }
            if cause.is_of_a_rule() {
                self.then(cause, &diagnosis.again);
            }
            if self.style.verbose {
                self.background(cause);
            }
            self.line("");
        }
    }

    pub(super) fn title(&mut self, cause: &Finding, again: bool) {
        let mark = if cause.severity == Severity::Error { Mark::Error } else { Mark::Warning };
        let (severity, sure) = (cause.severity.name(), cause.confidence.name());
        let id = self.inert(&cause.id);
        let head = columns(&id) + 5;
        let title = self.inert(&cause.title);
        let id = self.marked(mark, &id);
        // A long name leaves the title too little room beside it.
        let (indent, mut rest) = if self.style.width < head + 2 * LEAST {
            self.line(&id);
            (INDENT, wrap(&title, self.style.width.saturating_sub(INDENT).max(LEAST)))
        } else {
            let mut lines = wrap(&title, self.style.width - head).into_iter();
            let first = lines.next().unwrap_or_default();
            self.line(&format!("{id}   {first}"));
            (head, lines.collect())
        };
        let mut judged = format!("{severity}, {sure}");
        if again && !cause.subject.is_empty() {
            judged = format!("{judged}, about {}", self.inert(&cause.subject));
        }
        rest.extend(wrap(&judged, self.style.width.saturating_sub(indent).max(LEAST)));
        for line in rest {
            self.line(&format!("{:indent$}{line}", ""));
        }
        self.line("");
    }

    fn proof(&mut self, finding: &Finding) {
        let lines = if self.style.verbose { usize::MAX } else { EVIDENCE };
        for evidence in &finding.evidence {
            self.detail(&evidence.label, &evidence.value, lines);
        }
        if let Some(contrast) = &finding.contrast {
            self.contrast(contrast);
        }
        let most = if self.style.verbose { usize::MAX } else { EXCERPTS };
        for excerpt in finding.text.iter().take(most) {
            self.excerpt(excerpt);
        }
        if finding.text.len() > most {
            self.detail("", &format!("and in {} more places (-v)", finding.text.len() - most), 1);
        }
    }

    /// Names in a row, the first few without `-v`.
    fn some(&self, names: &[String]) -> String {
        let most = if self.style.verbose { usize::MAX } else { NAMED };
        let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > most { format!("{shown} or {} more", names.len() - most) } else { shown }
    }

    pub(super) fn excerpt(&mut self, excerpt: &Excerpt) {
        let place = format!("{}:{}, {}", excerpt.place, excerpt.line, self.times(excerpt));
        self.detail("seen in", &place, usize::MAX);
        let most = if self.style.verbose { usize::MAX } else { QUOTED };
        self.detail("", &excerpt.text, most);
    }

    /// One row for each thing that follows; with `-v` its own evidence under it.
    pub(super) fn consequences(&mut self, consequences: &[&Finding]) {
        let ids: Vec<String> = consequences.iter().map(|finding| self.inert(&finding.id)).collect();
        let widest = ids.iter().map(|id| columns(id)).max().unwrap_or(0);
        for (at, (finding, id)) in consequences.iter().zip(&ids).enumerate() {
            let label = if at == 0 { "so" } else { "" };
            let again = consequences.iter().filter(|other| other.id == finding.id).count() > 1;
            let brief = if again && !finding.subject.is_empty() {
                format!("{}: {}", finding.subject, finding.brief)
            } else {
                finding.brief.clone()
            };
            let brief = self.inert(&brief);
            let room = self.style.width.saturating_sub(INDENT + LABEL + widest + 3);
            if room < LEAST {
                for (at, line) in wrap(&format!("{id}   {brief}"), self.room()).iter().enumerate() {
                    self.row(if at == 0 { label } else { "" }, line);
                }
            } else {
                let mut lines = wrap(&brief, room).into_iter();
                let gap = " ".repeat(widest - columns(id) + 3);
                self.row(label, &format!("{id}{gap}{}", lines.next().unwrap_or_default()));
                for line in lines {
                    self.row("", &format!("{:1$}{line}", "", widest + 3));
                }
            }
            if self.style.verbose {
                for evidence in &finding.evidence {
                    self.detail("", &format!("- {}: {}", evidence.label, evidence.value), usize::MAX);
                }
            }
        }
    }

    pub(super) fn remedy(&mut self, remedy: &Remedy) {
        if !remedy.text.is_empty() {
            self.detail("fix", &remedy.text, usize::MAX);
        }
        for (at, command) in remedy.commands.iter().enumerate() {
            let label = if at == 0 && remedy.text.is_empty() { "fix" } else { "" };
            for (row, line) in shell::lines(command, self.room(), self.style.unicode).iter().enumerate() {
                let line = self.paint(line, Paint::new().bold());
                self.row(if row == 0 { label } else { "" }, &line);
            }
        }
        if !remedy.open.is_empty() {
            let names: Vec<String> = remedy.open.iter().map(|name| format!("<{name}>")).collect();
            self.detail("fill in", &names.join(", "), usize::MAX);
        }
    }

    /// How to see whether it is mended.
    fn then(&mut self, cause: &Finding, again: &[String]) {
        let mut command = ["mzv-doctor", "verify", &cause.id].map(str::to_owned).to_vec();
        command.extend_from_slice(again);
        let lines = shell::lines(&command, self.room(), self.style.unicode);
        let hint = self.inert(&cause.verify);
        match lines.as_slice() {
            [only] if !hint.is_empty() && columns(only) + 3 + columns(&hint) <= self.room() => {
                self.row("then", &format!("{only}   {hint}"));
            }
            _ => {
                for (at, line) in lines.iter().enumerate() {
                    self.row(if at == 0 { "then" } else { "" }, line);
                }
                self.detail("", &hint, usize::MAX);
            }
        }
    }

    pub(super) fn background(&mut self, cause: &Finding) {
        for reference in &cause.references {
            let reference = self.inert(reference);
            self.row("read", &reference);
        }
        for (fact, origin) in &cause.facts {
            let from = if origin.from.is_empty() {
                format!("{} {}", origin.call, origin.against)
            } else {
                format!("from {}", origin.from.join(", "))
            };
            self.detail("fact", &format!("{fact}: {from}"), usize::MAX);
        }
    }
}
