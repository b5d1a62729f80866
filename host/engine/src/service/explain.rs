//! What would become of a request of a connection, and why: the checks of a send, without one.

use std::net::IpAddr;

use cordon_model::Problem;
use cordon_model::grant::Grants;
use cordon_model::port::EgressQuestion;

use crate::{Access, Caller, Error, Services};

/// Longest verb that is looked at, in bytes.
const METHOD_BYTES_MAX: usize = 64;

/// Where a connection's request would end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Where it was decided.
    pub stage: &'static str,
    /// The code of the refusal; none: it would be sent.
    pub denied: Option<&'static str>,
    /// What decided, in a sentence.
    pub rule: String,
    /// What would have to be granted; nothing where no grant helps.
    pub missing: Grants,
    /// Where the host leads. None: not for this caller.
    pub addresses: Option<Vec<IpAddr>>,
}

impl Services {
    /// Explains one request. Where a host leads is told to the operator alone: the answer of an
    /// inner name service is no tenant's to read.
    ///
    /// # Errors
    /// When the tenant has no such connection.
    pub async fn explain_egress(
        &self,
        caller: &Caller,
        access: &Access,
        name: &str,
        method: &str,
        url: &str,
    ) -> Result<Explanation, Error> {
        if method.is_empty() || method.len() > METHOD_BYTES_MAX {
            let message = format!("must be 1 to {METHOD_BYTES_MAX} bytes");
            return Err(Error::problem(Problem::error("invalid_length", "/method", message)));
        }
        let connection = self.connection(access, name).await?;
        let tenant = self.tenant_by_id(&access.tenant).await?;
        let question = EgressQuestion {
            tenant: &tenant.id,
            connection: &connection.key,
            limits: &tenant.egress,
            needs: &connection.needs,
            grants: &connection.grants,
            method,
            url,
        };
        let verdict = self.ports.egress.explain(question).await;
        let mut explanation = Explanation {
            stage: verdict.stage,
            denied: verdict.denied,
            rule: verdict.rule,
            missing: verdict.missing,
            addresses: caller.is_operator().then_some(verdict.addresses),
        };
        let missing = connection.missing();
        if explanation.denied.is_none() && !missing.is_empty() {
            explanation.stage = "policy";
            explanation.denied = Some("grant_missing");
            explanation.rule =
                "the connection waits for approval; until then nothing of it is sent".to_owned();
            explanation.missing = missing;
        }
        Ok(explanation)
    }
}
