//! Places that let a request run into its deadline and have not answered a single one: to ask them again would cost
//! the same time again and teach nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::fact::{Layer, Reason};

/// What was heard of a place, by service and address.
#[derive(Default)]
pub(super) struct Silence(Mutex<BTreeMap<(String, String), Heard>>);

enum Heard {
    Something,
    Nothing(Reason),
}

impl Silence {
    /// Notes how a call ended.
    pub(super) fn note(&self, api: &str, place: &str, failure: Option<&Reason>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (api.to_owned(), place.to_owned());
        match failure {
            Some(reason @ Reason::TimedOut { layer, .. }) if *layer != Layer::Body => {
                heard.entry(at).or_insert_with(|| Heard::Nothing(reason.clone()));
            }
            // A refused connection says no more about requests than a silent one.
            Some(Reason::Unreachable { layer: Layer::Dns | Layer::Connect, .. }) => {}
            _ => {
                heard.insert(at, Heard::Something);
            }
        }
    }

    /// Why a place is not asked again.
    pub(super) fn of(&self, api: &str, place: &str) -> Option<Reason> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.get(&(api.to_owned(), place.to_owned())) {
            Some(Heard::Nothing(reason)) => Some(reason.clone()),
            Some(Heard::Something) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Silence;
    use crate::fact::{Layer, Reason};

    #[test]
    fn only_a_place_that_never_answered_is_left_alone() {
        let silence = Silence::default();
        let late = Reason::TimedOut { layer: Layer::FirstByte, after_ms: 5 };
        let refused = Reason::Unreachable { layer: Layer::Connect, detail: String::new() };
        silence.note("arm", "one", Some(&refused));
        assert_eq!(silence.of("arm", "one"), None);
        silence.note("arm", "one", Some(&late));
        assert_eq!(silence.of("arm", "one"), Some(late.clone()));
        assert_eq!((silence.of("graph", "one"), silence.of("arm", "two")), (None, None));
        // An answer that was under way all the time.
        silence.note("arm", "one", None);
        silence.note("arm", "one", Some(&late));
        assert_eq!(silence.of("arm", "one"), None);
        silence.note("arm", "two", Some(&Reason::TimedOut { layer: Layer::Body, after_ms: 5 }));
        assert_eq!(silence.of("arm", "two"), None);
    }
}
