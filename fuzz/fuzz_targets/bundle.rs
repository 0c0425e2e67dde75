//! Whatever bytes are handed over as a bundle, reading them ends in a bundle or in one line that says why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mzv_doctor::bundle::{Check, read_from};

fuzz_target!(|bytes: Vec<u8>| {
    for check in [Check::Strict, Check::Lenient] {
        if let Err(error) = read_from(std::io::Cursor::new(bytes.clone()), check) {
            assert!(!error.to_string().is_empty());
        }
    }
});
