//! Two values under each other, with a mark where they part.

use owo_colors::Style as Paint;

use super::Screen;
use crate::diagnosis::Contrast;
use crate::report::difference::difference;
use crate::report::inert::exact;

/// Characters kept before the place where two long values part.
const CONTEXT: usize = 12;

impl Screen {
    /// Values that do not fit are shown from shortly before the place where they part; with `-v`, whole.
    pub(super) fn contrast(&mut self, contrast: &Contrast) {
        // Every character is one column from here on.
        let has: Vec<char> = exact(&contrast.has.value).chars().collect();
        let wants: Vec<char> = exact(&contrast.wants.value).chars().collect();
        let found = difference(&has.iter().collect::<String>(), &wants.iter().collect::<String>());
        let room = self.room();
        let length = has.len().max(wants.len());
        let begins = found.as_ref().map_or(0, |found| found.from);
        let left_out = if length <= room || self.style.verbose { 0 } else { begins.saturating_sub(CONTEXT) };
        let dots: Vec<char> = match (left_out, self.style.unicode) {
            (0, _) => vec![],
            (_, true) => vec!['…'],
            (_, false) => vec!['.'; 3],
        };
        let shown = |value: &[char]| -> Vec<char> {
            dots.iter().copied().chain(value.iter().skip(left_out).copied()).collect()
        };
        let (has, wants) = (shown(&has), shown(&wants));
        let marks = found.map(|found| (found.from - left_out + dots.len(), found.length, found.word));
        let length = has.len().max(wants.len()).max(1);
        for start in (0..length).step_by(room) {
            let part = |value: &[char]| -> String { value.iter().skip(start).take(room).collect() };
            let (one, two) = (part(&has), part(&wants));
            let label = |label: &str| if start == 0 { label.to_owned() } else { String::new() };
            if start == 0 || !one.is_empty() {
                let one = self.paint(&one, Paint::new().red());
                self.row(&label(&contrast.has.label), &one);
            }
            if start == 0 || !two.is_empty() {
                let two = self.paint(&two, Paint::new().green());
                self.row(&label(&contrast.wants.label), &two);
            }
            if let Some((from, length, word)) = marks {
                let (from, to) = (from.max(start), (from + length).min(start + room));
                if from < to {
                    let text = mark(from - start, to - from, word, room);
                    self.row("", &text);
                }
            }
        }
    }
}

/// Carets with their word behind them, else before them, else on a line of its own width.
fn mark(at: usize, length: usize, word: &str, room: usize) -> String {
    let carets = "^".repeat(length);
    if at + length + 1 + word.len() <= room {
        format!("{:at$}{carets} {word}", "")
    } else if at > word.len() {
        format!("{word:>0$} {carets}", at - 1)
    } else {
        format!("{:at$}{carets}", "")
    }
}

#[cfg(test)]
mod tests {
    use super::mark;

    #[test]
    fn the_word_stands_where_there_is_room_for_it() {
        assert_eq!(mark(2, 3, "missing", 20), "  ^^^ missing");
        assert_eq!(mark(16, 3, "missing", 20), "        missing ^^^");
        assert_eq!(mark(0, 20, "differs", 20), "^".repeat(20));
    }
}
