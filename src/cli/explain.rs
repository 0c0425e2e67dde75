//! `explain`.
use super::Failure;
use super::arguments::Explain;
pub(super) fn explain(_wanted: &Explain) -> Result<u8, Failure> {
    Ok(0)
}
