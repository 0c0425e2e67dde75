//! Where two values part.

use unicode_security::confusable_detection::skeleton;

/// Where a marker stands under the second value, how long it is, and the word beside it.
pub(super) struct Difference {
    pub(super) from: usize,
    pub(super) length: usize,
    pub(super) word: &'static str,
}

/// Compares what is there with what has to be.
pub(super) fn difference(has: &str, wants: &str) -> Option<Difference> {
    if has == wants {
        return None;
    }
    let has: Vec<char> = has.chars().collect();
    let wants: Vec<char> = wants.chars().collect();
    let from = has.iter().zip(&wants).take_while(|(one, other)| one == other).count();
    let rest = has.len().min(wants.len()) - from;
    let back =
        has.iter().rev().zip(wants.iter().rev()).take(rest).take_while(|(one, other)| one == other).count();
    let lost = &has[from..has.len() - back];
    let gained = &wants[from..wants.len() - back];
    let lower = |part: &[char]| part.iter().flat_map(|c| c.to_lowercase()).collect::<String>();
    let shape = |part: &[char]| skeleton(&part.iter().collect::<String>()).collect::<String>();
    let at_end = back == 0;
    let word = if at_end && lost.is_empty() && gained == ['/'] {
        "missing slash at the end"
    } else if at_end && gained.is_empty() && lost == ['/'] {
        "extra slash above"
    } else if lost.is_empty() && gained.iter().all(|c| c.is_whitespace()) {
        "missing space"
    } else if lost.is_empty() {
        "missing"
    } else if gained.is_empty() && lost.iter().all(|c| c.is_whitespace()) {
        "extra space above"
    } else if gained.is_empty() {
        "extra above"
    } else if lower(lost) == lower(gained) {
        "letter case"
    } else if !gained.is_empty() && shape(lost) == shape(gained) {
        "looks alike, and is another character"
    } else {
        "differs"
    };
    Some(Difference { from, length: gained.len().max(1), word })
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_part_that_differs_is_found() {
        for (has, wants, from, length, word) in [
            ("sa:mazevault-gateway", "sa:mazevault-gateway-sa", 20, 3, "missing"),
            ("sa:gateway-sa ", "sa:gateway-sa", 13, 1, "extra space above"),
            ("sa:Gateway", "sa:gateway", 3, 1, "letter case"),
            ("https://i/a", "https://i/a/", 11, 1, "missing slash at the end"),
            ("https://i/a/", "https://i/a", 11, 1, "extra slash above"),
            ("sa:gatew\u{430}y", "sa:gateway", 8, 1, "looks alike, and is another character"),
            ("ns-one:sa", "ns-two:sa", 3, 3, "differs"),
            ("gateway-sa-old", "gateway-sa", 10, 1, "extra above"),
        ] {
            let found = difference(has, wants).unwrap();
            assert_eq!((found.from, found.length, found.word), (from, length, word), "{has} {wants}");
        }
        assert!(difference("same", "same").is_none());
    }
}
