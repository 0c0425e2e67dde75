//! Whatever bytes are handed over, unpacking them ends, and gives no more than its limits allow.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use mzv_doctor::text::{Limits, unpack};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { depth: 3, entries: 100, free: 1 << 20, ratio: 50 };
    let mut total = 0;
    let mut problems = Vec::new();
    let mut visit = |_: &str, stream: &mut dyn Read| {
        let mut text = Vec::new();
        let ended = stream.take(1 << 26).read_to_end(&mut text).map(drop);
        total += text.len();
        ended
    };
    unpack("fuzz", Box::new(bytes), limits, &mut visit, &mut problems);
    assert!(total <= 64 << 20);
});
