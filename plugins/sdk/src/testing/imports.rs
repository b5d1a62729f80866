//! The imported functions of the contract, answered by the double. Names and signatures are those
//! of the generated bindings.

pub(crate) mod handles {
    //! `handles`.

    use serde_json::Value;

    use crate::handles::{Identity, ShapeError, ValueId};
    use crate::testing::state::{self, Held};
    use crate::testing::{Purpose, documents};
    use crate::types::ReadGrant;

    #[derive(Debug)]
    pub(crate) struct Records {
        pub(in crate::testing) objects: Vec<Value>,
    }

    impl Records {
        pub(crate) fn count(&self) -> u32 {
            u32::try_from(self.objects.len()).unwrap_or(u32::MAX)
        }

        pub(crate) fn identities(&self) -> Result<Vec<Identity>, ShapeError> {
            state::with_run(|state| {
                let Some(Purpose::Find(wanted)) = state.purpose.clone() else {
                    return state::end(
                        "identities are lifted out of records in identifiers runs only",
                    );
                };
                let mut identities: Vec<Identity> = Vec::new();
                for value in documents::identities(&self.objects, &wanted)? {
                    let same = |held: &Held| {
                        matches!(held, Held::Identity { kind, value: known, found: true }
                            if *kind == wanted && *known == value)
                    };
                    let known = state.held.iter().position(same);
                    let known = known.and_then(|index| ValueId::try_from(index).ok());
                    let kind = wanted.clone();
                    let id = known.unwrap_or_else(|| {
                        state.hold(Held::Identity { kind: kind.clone(), value, found: true })
                    });
                    if identities.iter().all(|identity| identity.id != id) {
                        identities.push(Identity { id, kind, fresh: true });
                    }
                }
                Ok(identities)
            })
        }

        pub(crate) fn read(&self, index: u32) -> String {
            state::with_run(|state| state.need(ReadGrant::Responses));
            let object = usize::try_from(index).ok().and_then(|index| self.objects.get(index));
            object.map_or_else(|| state::end("there is no record of this index"), Value::to_string)
        }
    }

    #[derive(Debug)]
    pub(crate) struct Input {
        pub(in crate::testing) fields: Vec<(String, Option<String>)>,
    }

    impl Input {
        pub(crate) fn labels(&self) -> Vec<String> {
            let given = self.fields.iter().filter(|(_, value)| value.is_some());
            given.map(|(label, _)| label.clone()).collect()
        }

        pub(crate) fn records(&self) -> Records {
            let given = self.fields.iter().any(|(_, value)| value.is_some());
            let object =
                || self.fields.iter().map(|(label, value)| (label.clone(), value.clone().into()));
            Records {
                objects: given.then(|| Value::Object(object().collect())).into_iter().collect(),
            }
        }
    }

    pub(crate) fn make_records(json: &str) -> Result<Records, ShapeError> {
        state::with_run(|_| ());
        documents::records(Some(json.as_bytes()), "").map(|objects| Records { objects })
    }

    pub(crate) fn read_identity(id: ValueId) -> String {
        state::with_run(|state| {
            state.need(ReadGrant::Identities);
            match state.identity(id) {
                Some((_, value)) => value.to_owned(),
                None => state::end("a number was read that is no identity"),
            }
        })
    }
}

pub(crate) mod http {
    //! `http`.

    use super::handles::Records;
    use crate::handles::{ShapeError, ValueId};
    use crate::http::{BodyUse, HttpError, HttpRequest};
    use crate::testing::state::{self, Held, Scalar};
    use crate::testing::{documents, judge};
    use crate::types::ReadGrant;

    #[derive(Debug)]
    pub(crate) struct Response {
        pub(in crate::testing) status: u16,
        pub(in crate::testing) headers: Vec<(String, String)>,
        /// None: it was not asked for.
        pub(in crate::testing) body: Option<Vec<u8>>,
        pub(in crate::testing) body_use: BodyUse,
        pub(in crate::testing) origin: String,
    }

    impl Response {
        pub(crate) fn status(&self) -> u16 {
            self.status
        }

        pub(crate) fn records(&self, at: &str) -> Result<Records, ShapeError> {
            documents::records(self.body.as_deref(), at).map(|objects| Records { objects })
        }

        pub(crate) fn object(&self, at: &str) -> Result<Records, ShapeError> {
            documents::object(self.body.as_deref(), at)
                .map(|object| Records { objects: vec![object] })
        }

        pub(crate) fn value(&self, at: &str) -> Result<Option<ValueId>, ShapeError> {
            let json = documents::scalar(self.body.as_deref(), at)?;
            let origin = self.origin.clone();
            let hold = |json| state::with_run(|s| s.hold(Held::Scalar(Scalar { json, origin })));
            Ok(json.map(hold))
        }

        pub(crate) fn header(&self, name: &str) -> Option<String> {
            state::with_run(|state| state.need(ReadGrant::Responses));
            let mut headers = self.headers.iter();
            let found = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        }

        pub(crate) fn read(&self, offset: u64, limit: u32) -> Vec<u8> {
            state::with_run(|state| state.need(ReadGrant::Responses));
            if self.body_use != BodyUse::Bytes {
                return state::end("a body was read that was not asked for as bytes");
            }
            let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            let body = self.body.iter().flatten().copied();
            body.skip(count(offset)).take(count(u64::from(limit))).collect()
        }
    }

    pub(crate) fn send(request: &HttpRequest) -> Result<Response, HttpError> {
        state::with_run(|state| judge::send(state, request))
    }

    pub(crate) fn not_sent() -> bool {
        state::with_run(|state| state.dry_run)
    }
}

pub(crate) mod log {
    //! `log`.

    use crate::log::Level;
    use crate::testing::state;

    pub(crate) fn write(level: Level, message: &str) {
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        };
        state::with(|state| state.log.push(format!("{level}: {message}")));
    }
}
