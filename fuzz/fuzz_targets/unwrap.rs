//! Whatever bytes a log holds, taking its wrappings off ends, and every line keeps a number of the source.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mzv_doctor::text::{Block, Clock, time_of, unwrap};

fuzz_target!(|bytes: &[u8]| {
    let block = Block { text: bytes, owned: bytes.len() / 2, line: 1, column: 0 };
    let unwrapped = unwrap(&block);
    assert!(unwrapped.owned <= unwrapped.text.len().max(1));
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
    let mut last = unwrapped.first();
    for at in 0..unwrapped.text.len() {
        if at == 0 || unwrapped.text[at - 1] == b'\n' {
            assert!((1..=lines).contains(&unwrapped.number(at, at, &mut last)));
            assert!(unwrapped.column(at) <= bytes.len() as u64 + 1);
        }
    }
    let clock = Clock { now: "2026-11-23T14:02:11Z".parse().unwrap() };
    let _ = time_of(bytes, clock);
});
