//! Finding the few places of a text where a symptom could be, at a fraction of the cost of looking for each.
//!
//! From each pattern's certain pieces ([`Need`]) one is taken, and of it a stretch of `width` bytes: the rarest by
//! a sample of the text, for a word that stands in every line of this log is no filter, however long it is. Every
//! occurrence of a stretch holds one of its groups of four bytes at a multiple of `width - 3`, so that only every
//! so many-th group of the text has to be looked up.

use super::literal::{Need, SHORTEST, fold};

/// Bytes that are looked up at once.
const GROUP: usize = 4;
/// The longest stretch: beyond it fewer look-ups no longer pay.
const WIDEST: usize = 8;
/// Counters of a sample, as a power of two.
const COUNTERS: u32 = 16;
/// What a look-up that leads to a comparison costs against one that does not; by trying.
const COMPARING: u64 = 8;

/// How often groups of bytes occur in a piece of text.
pub(super) struct Sample(Vec<u32>);

impl Sample {
    /// Counts the groups of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut counts = vec![0; 1 << COUNTERS];
        for group in text.windows(GROUP) {
            let count: &mut u32 = &mut counts[hash(read(group), COUNTERS)];
            *count = count.saturating_add(1);
        }
        Self(counts)
    }

    fn count(&self, group: &[u8]) -> u64 {
        u64::from(self.0[hash(read(group), COUNTERS)])
    }

    /// What looking for a stretch costs.
    fn cost(&self, stretch: &[u8]) -> u64 {
        let counts = || stretch.windows(GROUP).map(|group| self.count(group));
        counts().sum::<u64>() + COMPARING * counts().min().unwrap_or(0)
    }
}

#[inline]
fn read(group: &[u8]) -> u32 {
    u32::from_le_bytes([group[0], group[1], group[2], group[3]]) | 0x2020_2020
}

#[inline]
fn hash(group: u32, bits: u32) -> usize {
    (group.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

/// A piece that is looked for.
struct Target {
    /// The pattern that needs it.
    pattern: u32,
    /// The whole piece, folded.
    piece: Box<[u8]>,
    /// Where in the piece its stretch begins.
    at: u32,
}

/// Places where patterns could match.
pub(super) struct Filter {
    /// From one look-up to the next, in bytes.
    stride: usize,
    bits: u32,
    /// Whether any target has a group of this hash.
    present: Box<[u64]>,
    /// Begin of each hash's entries, by hash.
    begins: Box<[u32]>,
    /// Target, and the group's offset in its piece.
    entries: Box<[(u32, u32)]>,
    targets: Vec<Target>,
}

impl Filter {
    /// A filter for patterns by their needs, tuned to a sample.
    pub(super) fn new<'a>(needs: impl Iterator<Item = Option<&'a Need>> + Clone, sample: &Sample) -> Self {
        let width = needs.clone().flatten().map(longest).min().unwrap_or(WIDEST).clamp(SHORTEST, WIDEST);
        let stride = width - GROUP + 1;
        let mut targets = Vec::new();
        for (pattern, need) in (0u32..).zip(needs) {
            let Some(need) = need else { continue };
            let mut chosen = Vec::new();
            choose(need, width, sample, &mut chosen);
            for (piece, at) in chosen {
                targets.push(Target { pattern, piece: piece.as_bytes().into(), at });
            }
        }
        // About one in thirty look-ups of other text finds a bit set.
        let groups = (targets.len() * stride).max(1);
        let bits = (usize::BITS - (groups * 32).leading_zeros()).clamp(13, 19);
        let mut all: Vec<(usize, u32, u32)> = Vec::with_capacity(groups);
        for (number, target) in (0u32..).zip(&targets) {
            for offset in target.at..target.at + u32::try_from(stride).unwrap_or(1) {
                let from = offset as usize;
                all.push((hash(read(&target.piece[from..from + GROUP]), bits), number, offset));
            }
        }
        all.sort_unstable();
        let mut present = vec![0u64; (1usize << bits) / 64];
        let mut begins = vec![0u32; (1usize << bits) + 1];
        for (hash, _, _) in &all {
            present[hash / 64] |= 1 << (hash % 64);
            begins[hash + 1] += 1;
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        Self {
            stride,
            bits,
            present: present.into(),
            begins: begins.into(),
            entries: all.into_iter().map(|(_, number, offset)| (number, offset)).collect(),
            targets,
        }
    }

    /// Calls `found` for each occurrence of a looked-for piece, with the pattern and where the piece begins.
    /// Answers how many look-ups led to a comparison.
    pub(super) fn run(&self, text: &[u8], mut found: impl FnMut(usize, usize)) -> usize {
        match self.stride {
            2 => self.steps::<2>(text, &mut found),
            3 => self.steps::<3>(text, &mut found),
            4 => self.steps::<4>(text, &mut found),
            _ => self.steps::<5>(text, &mut found),
        }
    }

    fn steps<const STRIDE: usize>(&self, text: &[u8], found: &mut impl FnMut(usize, usize)) -> usize {
        let mut compared = 0;
        for (step, group) in text.windows(GROUP).step_by(STRIDE).enumerate() {
            let hash = hash(read(group), self.bits);
            if self.present[hash / 64] >> (hash % 64) & 1 == 1 {
                compared += 1;
                self.compare(text, step * STRIDE, hash, found);
            }
        }
        compared
    }

    #[cold]
    fn compare(&self, text: &[u8], at: usize, hash: usize, found: &mut impl FnMut(usize, usize)) {
        for &(number, offset) in &self.entries[self.begins[hash] as usize..self.begins[hash + 1] as usize] {
            let target = &self.targets[number as usize];
            let Some(begin) = at.checked_sub(offset as usize) else { continue };
            let Some(there) = text.get(begin..begin + target.piece.len()) else { continue };
            if there.iter().zip(&target.piece).all(|(&one, &other)| fold(one) == other) {
                found(target.pattern as usize, begin);
            }
        }
    }
}

/// Length of the shortest of the pieces that have to be looked for, where the longest possible are taken.
fn longest(need: &Need) -> usize {
    match need {
        Need::Piece(piece) => piece.len(),
        Need::All(all) => all.iter().map(longest).max().unwrap_or(0),
        Need::Any(any) => any.iter().map(longest).min().unwrap_or(0),
    }
}

/// The cheapest pieces that stand for a need, each with the begin of its cheapest stretch; answers their cost.
fn choose<'a>(need: &'a Need, width: usize, sample: &Sample, chosen: &mut Vec<(&'a str, u32)>) -> u64 {
    match need {
        Need::Piece(piece) => {
            let stretches = (0u32..).zip(piece.as_bytes().windows(width));
            match stretches.map(|(at, stretch)| (sample.cost(stretch), at)).min() {
                Some((cost, at)) => {
                    chosen.push((piece, at));
                    cost
                }
                None => u64::MAX,
            }
        }
        Need::All(all) => {
            let before = chosen.len();
            let mut best = u64::MAX;
            let mut kept = Vec::new();
            for one in all {
                let cost = choose(one, width, sample, chosen);
                let new = chosen.split_off(before);
                if cost < best || (cost == best && kept.is_empty()) {
                    (best, kept) = (cost, new);
                }
            }
            chosen.extend(kept);
            best
        }
        Need::Any(any) => {
            any.iter().map(|one| choose(one, width, sample, chosen)).fold(0, u64::saturating_add)
        }
    }
}
