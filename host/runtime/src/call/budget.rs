//! What a run makes the host hold: bodies and parsed records. Given back when a guest drops the
//! handle; JavaScript never does, so the budget is for the whole run.

use cordon_model::FailureCode;
use cordon_model::json::Json;

use super::Stop;

/// Bytes left.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
}

impl Budget {
    pub(crate) const fn new(max: usize) -> Self {
        Self { left: max }
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), Stop> {
        let Some(left) = self.left.checked_sub(bytes) else {
            let detail = "the responses and records that the run holds are too large together";
            return Err(Stop::failed(FailureCode::LimitReached, detail));
        };
        self.left = left;
        Ok(())
    }

    pub(crate) const fn give_back(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(bytes);
    }
}

/// About what a parsed document takes in memory: small values cost far more than their text.
pub(crate) fn weight(json: &Json) -> usize {
    size_of::<Json>()
        + match json {
            Json::Null | Json::Bool(_) => 0,
            Json::Number(text) | Json::String(text) => text.len(),
            Json::Array(items) => items.iter().map(weight).sum(),
            Json::Object(entries) => entries
                .iter()
                .map(|(key, value)| size_of::<String>() + key.len() + weight(value))
                .sum(),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let mut budget = Budget::new(10);
        budget.take(8).unwrap();
        assert!(budget.take(3).is_err());
        budget.give_back(8);
        budget.take(10).unwrap();
    }

    #[test]
    fn many_small_values_weigh_more_than_their_text() {
        let json = Json::Array(vec![Json::Null; 100]);
        assert!(weight(&json) > 100 * size_of::<Json>());
    }
}
