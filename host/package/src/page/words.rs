//! What an omission means, for a reader who knows nothing of this system. Called by `page`.

/// A sentence for the code of an omission. A code that is not known here gets one that is true of
/// every omission: new ones must not keep a package from being made.
pub(super) fn of_omission(code: &str) -> &'static str {
    match code {
        "missing_placeholder" => {
            "A detail that is needed to search here was not known, so nothing was searched."
        }
        "not_applicable" => "This source has nothing to do with the request.",
        "not_needed" => "What this step searches for was known already.",
        "withdrawn" => "This step was taken out of the process before anybody answered it.",
        "rule_unserved" => "No source is set up for this part of the request.",
        "query_failed" => "The source did not give a usable answer.",
        "malformed_response" | "invalid_outcome" => {
            "The source answered in a form that could not be read, so nothing of the answer was kept."
        }
        "deadline_passed" => "The source did not answer in time.",
        "canceled" => "The search was called off.",
        "in_doubt" => "It is not known whether the source did what it was asked.",
        "secret_reflected" => {
            "The answer was withheld, because it contained a credential that is not yours."
        }
        "limit_reached" | "too_many_combinations" => {
            "The search needed more than is allowed for one request."
        }
        "not_granted" | "egress_denied" | "not_planned" | "nondeterministic" => {
            "The search was stopped, because it went beyond what it is permitted to do."
        }
        "secrets_unavailable" | "connection_gone" | "plugin_unavailable" | "invalid_config" => {
            "The source is not set up completely, so it could not be searched."
        }
        "unsupported" => "The source cannot be searched in this way.",
        "plugin_internal" | "plugin_trapped" => {
            "The search broke off because of a fault on our side."
        }
        _ => "This part could not be included.",
    }
}

#[cfg(test)]
mod tests {
    use cordon_model::FailureCode;

    use super::*;

    #[test]
    fn every_sentence_is_plain() {
        for code in FailureCode::ALL {
            let words = of_omission(code.as_str());
            assert!(words.ends_with('.') && !words.contains('_'), "{words}");
        }
        assert_eq!(of_omission("a_new_code"), "This part could not be included.");
    }
}
