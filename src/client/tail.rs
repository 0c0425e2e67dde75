//! The end of a log.

/// The newest lines of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Whole lines.
    pub text: String,
    /// Whether older ones were left out since there were too many bytes of them.
    pub cut: bool,
}

impl Tail {
    /// The whole lines among the newest bytes.
    pub(super) fn of(mut text: String, bytes: usize) -> Self {
        if text.len() <= bytes {
            return Self { text, cut: false };
        }
        let mut begin = text.len() - bytes;
        while !text.is_char_boundary(begin) {
            begin += 1;
        }
        let begin = text[begin..].find('\n').map_or(begin, |end| begin + end + 1);
        text.drain(..begin);
        Self { text, cut: true }
    }
}

/// Adds bytes, and lets go of the oldest when there are twice as many as are wanted.
pub(super) fn keep_newest(kept: &mut Vec<u8>, more: &[u8], bytes: usize) {
    kept.extend_from_slice(more);
    if kept.len() > bytes.saturating_mul(2).max(bytes + 1) {
        // One more than is wanted shows that something was left out.
        kept.drain(..kept.len() - bytes - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Tail, keep_newest};

    #[test]
    fn the_newest_whole_lines_are_kept() {
        let mut kept = Vec::new();
        for number in 0..1000 {
            keep_newest(&mut kept, format!("line {number}\n").as_bytes(), 100);
            assert!(kept.len() <= 220);
        }
        let tail = Tail::of(String::from_utf8(kept).unwrap(), 100);
        assert!(tail.cut && tail.text.ends_with("line 998\nline 999\n") && tail.text.starts_with("line "));
        assert!(tail.text.len() <= 100 && tail.text.len() > 80);
        let whole = Tail::of("a\nb\n".into(), 100);
        assert_eq!((whole.text.as_str(), whole.cut), ("a\nb\n", false));
        let long = Tail::of("größer".repeat(100), 10);
        assert!(long.cut && long.text.len() <= 10);
    }
}
