//! From a plan to what it needs: the least that covers it.

use std::collections::BTreeSet;

use super::{Grants, HttpGrant, InvalidGrant, OriginPattern, Paths, SecretGrant, check_method};
use crate::Problem;
use crate::plan::{EgressNeed, Place, Query};

impl Grants {
    /// The least that covers a plan. `is_identity` tells identities from secrets among the names.
    ///
    /// # Errors
    /// Everything in the plan that no grant could say.
    pub fn needed_by(
        queries: &[Query],
        egress: &[EgressNeed],
        is_identity: impl Fn(&str) -> bool,
    ) -> Result<Self, Vec<Problem>> {
        let mut needs = Self::default();
        let mut problems = Vec::new();
        for query in queries {
            match query.origin.parse::<OriginPattern>() {
                Ok(origin) => needs.add_query(query, &origin, &is_identity),
                Err(error) => problems.push(problem(&query.pointer, error)),
            }
        }
        for need in egress {
            if let Err(error) = needs.add_egress(need) {
                problems.push(problem("", error));
            }
        }
        needs.sort();
        if problems.is_empty() { Ok(needs) } else { Err(problems) }
    }

    fn add_query(
        &mut self,
        query: &Query,
        origin: &OriginPattern,
        is_identity: impl Fn(&str) -> bool,
    ) {
        self.add_http(HttpGrant {
            origin: origin.clone(),
            methods: BTreeSet::from([query.method.clone()]),
            paths: query.paths.clone(),
            unverified_tls: !query.verify_tls,
            raw: query.raw,
        });
        for (name, place) in query.names.iter().filter(|(name, _)| !is_identity(name)) {
            let (name, places) = (name.clone(), BTreeSet::from([*place]));
            self.add_secret(SecretGrant { name, origin: origin.clone(), places });
        }
    }

    fn add_egress(&mut self, need: &EgressNeed) -> Result<(), InvalidGrant> {
        let origin: OriginPattern = need.origin.parse()?;
        origin.check_width()?;
        let paths = Paths::Under(need.path_prefix.parse()?);
        for method in &need.methods {
            check_method(method)?;
        }
        if origin.is_any_host() && !need.secrets.is_empty() {
            return Err(InvalidGrant::SecretToAnyHost);
        }
        self.add_http(HttpGrant {
            origin: origin.clone(),
            methods: need.methods.iter().cloned().collect(),
            paths,
            unverified_tls: false,
            raw: false,
        });
        for name in &need.secrets {
            let (name, places) = (name.clone(), BTreeSet::from([Place::Header]));
            self.add_secret(SecretGrant { name, origin: origin.clone(), places });
        }
        Ok(())
    }
}

fn problem(pointer: &str, error: InvalidGrant) -> Problem {
    let message = format!("the plugin needs what no grant can say: {error}");
    Problem::error(error.code(), pointer, message)
}
