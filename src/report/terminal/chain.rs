//! The links of the deployment as a line each: where it breaks is seen without colour.

use owo_colors::Style as Paint;

use super::Screen;
use crate::diagnosis::{Chain, Diagnosis, Link, LinkState};
use crate::report::inert::columns;

impl Screen {
    /// The chains with a link that is broken or was not examined; with `-v` all of them.
    pub(super) fn chains(&mut self, diagnosis: &Diagnosis) {
        let shown: Vec<&Chain> =
            diagnosis.chains.iter().filter(|chain| self.style.verbose || chain.is_in_doubt()).collect();
        for chain in &shown {
            self.chain(chain);
        }
        if !shown.is_empty() {
            self.line("");
        }
    }

    fn chain(&mut self, chain: &Chain) {
        const INDENT: &str = "    ";
        let mut line = INDENT.to_owned();
        let mut wide = INDENT.len();
        for (at, link) in chain.links.iter().enumerate() {
            let name = self.inert(&link.name);
            let joint = self.joint(link, at == 0);
            let length = columns(&joint) + columns(&name);
            if wide + length > self.style.width && at > 0 {
                self.line(&line);
                line = format!("{INDENT}{INDENT}");
                wide = line.len();
            }
            let paint = match link.state {
                LinkState::Broken => Paint::new().red().bold(),
                LinkState::Unknown => Paint::new().yellow(),
                LinkState::NotReached => Paint::new().dimmed(),
                LinkState::Whole => Paint::new(),
            };
            line.push_str(&self.paint(&format!("{joint}{name}"), paint));
            wide += length;
        }
        self.line(&line);
    }

    /// What leads to a link, with the blanks around it.
    fn joint(&self, link: &Link, first: bool) -> String {
        let (whole, broken, unknown, beyond) = if self.style.unicode {
            ("──", "──✗", "──?", "··")
        } else {
            ("--", "--x", "--?", "..")
        };
        let joint = match link.state {
            LinkState::Whole => whole,
            LinkState::Broken => broken,
            LinkState::Unknown => unknown,
            LinkState::NotReached => beyond,
        };
        match (first, link.state) {
            (true, LinkState::Whole | LinkState::NotReached) => String::new(),
            (true, _) => format!("{} ", joint.trim_start_matches(['─', '-'])),
            (false, _) => format!(" {joint} "),
        }
    }
}
