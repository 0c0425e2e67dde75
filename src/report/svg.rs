//! The links of the deployment as a picture that needs no script, no font and no colour to be read.

use std::fmt::Write;

use super::inert::{columns, inert};
use crate::diagnosis::{Chain, Diagnosis, Link, LinkState};

/// Width of one column of text.
const LETTER: usize = 8;
/// Height of a box, and the room around it.
const BOX: usize = 34;
const GAP: usize = 26;
/// Height of a chain with its name.
const ROW: usize = 92;

pub(super) fn render(diagnosis: &Diagnosis) -> String {
    let widest =
        diagnosis.chains.iter().map(|chain| chain.links.iter().map(|link| wide(link) + GAP).sum::<usize>());
    let width = widest.max().unwrap_or(0) + GAP;
    let height = diagnosis.chains.len() * ROW + GAP;
    let mut out = String::new();
    // Writing to a string does not fail.
    let _written = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"monospace\" font-size=\"13\">\n<title>Links of {}</title>",
        escaped(&diagnosis.target)
    );
    let _written = writeln!(out, "<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    for (at, chain) in diagnosis.chains.iter().enumerate() {
        row(&mut out, chain, GAP + at * ROW);
    }
    out.push_str("</svg>\n");
    out
}

fn wide(link: &Link) -> usize {
    (columns(&label(link)) + 2) * LETTER
}

/// What a box says; its state is said in characters too.
fn label(link: &Link) -> String {
    let mark = match link.state {
        LinkState::Whole => "✓",
        LinkState::Broken => "✗",
        LinkState::Unknown => "?",
        LinkState::NotReached => "·",
    };
    format!("{mark} {}", inert(&link.name, true))
}

fn row(out: &mut String, chain: &Chain, top: usize) {
    let _written =
        writeln!(out, "<text x=\"{GAP}\" y=\"{}\" fill=\"#333333\">{}</text>", top + 8, escaped(&chain.name));
    let mut left = GAP;
    let middle = top + 20 + BOX / 2;
    for (at, link) in chain.links.iter().enumerate() {
        let (stroke, fill, dash) = match link.state {
            LinkState::Whole => ("#2e7d32", "#f1f8f1", ""),
            LinkState::Broken => ("#b71c1c", "#fdecea", " stroke-width=\"3\""),
            LinkState::Unknown => ("#8d6e00", "#fff8e1", " stroke-dasharray=\"6 3\""),
            LinkState::NotReached => ("#757575", "#f5f5f5", " stroke-dasharray=\"2 3\""),
        };
        if at > 0 {
            let _written = writeln!(
                out,
                "<line x1=\"{}\" y1=\"{middle}\" x2=\"{left}\" y2=\"{middle}\" stroke=\"{stroke}\"{dash}/>",
                left - GAP
            );
        }
        let width = wide(link);
        let told = match link.by.as_slice() {
            [] => String::new(),
            by => format!("<title>{}</title>", escaped(&by.join(", "))),
        };
        let _written = writeln!(
            out,
            "<g>{told}<rect x=\"{left}\" y=\"{}\" width=\"{width}\" height=\"{BOX}\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"{dash}/><text x=\"{}\" y=\"{}\" fill=\"#212121\">{}</text></g>",
            top + 20,
            left + LETTER,
            middle + 5,
            escaped(&label(link))
        );
        if link.state == LinkState::Broken {
            let _written = writeln!(
                out,
                "<text x=\"{left}\" y=\"{}\" fill=\"#b71c1c\">{}</text>",
                top + 20 + BOX + 16,
                escaped(&link.by.join(", "))
            );
        }
        left += width + GAP;
    }
}

/// Text that XML takes as text, whatever it holds.
fn escaped(text: &str) -> String {
    inert(text, true).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
