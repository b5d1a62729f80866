//! The requests to the contacts API, each defined once.

use cordon_connector_sdk::handles::Text;
use cordon_connector_sdk::query::Query;
use cordon_connector_sdk::text;
use cordon_connector_sdk::text::{Value, placeholder, secret};
use cordon_connector_sdk::types::{Action, EgressNeed};

use crate::EMAIL;
use crate::config::Config;

/// What an identifiers run can look for.
pub(crate) const CONTACT_ID: &str = "contact_id";

const CONTACTS: &str = "/v1/contacts";

/// The credential, wherever it is sent.
const API_KEY: &str = "api_key";

impl Config {
    /// Everything that is planned.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let profile = self.profile.then(|| self.profile());
        let before = [self.ping(), self.first_page()];
        before.into_iter().chain(profile).chain([self.erase(), self.ids()]).collect()
    }

    /// What the pages after the first reach: their cursors are in no plan.
    pub(crate) fn pages_need(&self) -> EgressNeed {
        EgressNeed::new(&self.origin, CONTACTS, &["GET"]).with_secret(API_KEY)
    }

    pub(crate) fn ping(&self) -> Query {
        query("test/ping", "GET", text!("{}/v1/ping", &self.origin))
    }

    pub(crate) fn first_page(&self) -> Query {
        query("access/contacts", "GET", self.list())
            .serving(Action::Access)
            .success(&[200, 404])
            .records()
    }

    pub(crate) fn next_page(&self, cursor: Value) -> Query {
        self.first_page()
            .elsewhere("access/contacts/next", text!("{}&cursor={}", self.list(), cursor))
            .success(&[200])
    }

    pub(crate) fn profile(&self) -> Query {
        query("access/profile", "GET", self.of_person("/v1/profile"))
            .serving(Action::Access)
            .success(&[200, 404])
            .records()
    }

    pub(crate) fn erase(&self) -> Query {
        query("delete/contact", "DELETE", self.of_person(CONTACTS))
            .serving(Action::Delete)
            .success(&[204, 404])
    }

    pub(crate) fn ids(&self) -> Query {
        query("identifiers/contact_id", "GET", self.of_person("/v1/contacts/ids"))
            .finding(CONTACT_ID)
            .success(&[200, 404])
            .records()
    }

    fn list(&self) -> Text {
        text!("{}&limit={}", self.of_person(CONTACTS), self.page_size)
    }

    fn of_person(&self, path: &str) -> Text {
        text!("{}{}?email={}", &self.origin, path, placeholder(EMAIL))
    }
}

/// What every request has in common.
fn query(label: &str, method: &str, url: Text) -> Query {
    Query::new(label, method, url)
        .at("/config/origin")
        .header("Authorization", text!("Bearer {}", secret(API_KEY)))
        .retry(&[429, 503])
}
