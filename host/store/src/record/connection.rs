//! Connections: the whole configuration, what the gate read out of it, grants, the last test.

use std::collections::BTreeSet;
use std::time::Duration;

use cordon_model::connection::{Connection, Mode, TestResult};
use cordon_model::grant::{
    ExactPath, Grants, HttpGrant, OriginPattern, PathPrefix, Paths, PrivateNetwork, SecretGrant,
};
use cordon_model::plan::{Place, Query, WhenMissing};
use cordon_model::{ConnectionKey, Problem, Revision, Severity, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::report::{CallRecord, FailureRecord, PluginRecord};
use super::{
    Stored, Unreadable, from_optional, from_records, set_from_records, set_to_records, texts,
    to_optional, to_records, words,
};

#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionRecord {
    tenant: TenantId,
    key: ConnectionKey,
    uuid: Uuid,
    name: String,
    description: Option<String>,
    connector_type: String,
    plugin: PluginRecord,
    capabilities: Vec<String>,
    mode: String,
    enabled: bool,
    credentials_location: Option<String>,
    vault_secrets: Option<BTreeSet<String>>,
    ca_bundle: Option<String>,
    job_timeout: Option<Duration>,
    config: Value,
    queries: Vec<QueryRecord>,
    needs: GrantsRecord,
    grants: GrantsRecord,
    problems: Vec<ProblemRecord>,
    last_test: Option<TestRecord>,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: Revision,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct QueryRecord {
    pointer: String,
    label: String,
    action: Option<String>,
    wanted: Option<String>,
    when_missing: String,
    origin: String,
    /// Exactly one of the two; rows that were written before there were exact paths hold the
    /// second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    method: String,
    names: Vec<(String, String)>,
    verify_tls: bool,
    raw: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct GrantsRecord {
    http: Vec<HttpGrantRecord>,
    private: Vec<String>,
    secrets: Vec<SecretGrantRecord>,
    reads: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct HttpGrantRecord {
    origin: String,
    methods: BTreeSet<String>,
    /// As in [`QueryRecord`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    unverified_tls: bool,
    raw: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct SecretGrantRecord {
    name: String,
    origin: String,
    places: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ProblemRecord {
    severity: String,
    code: String,
    pointer: String,
    column: Option<u32>,
    message: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TestRecord {
    at: Timestamp,
    healthy: bool,
    queries: Vec<CallRecord>,
    failure: Option<FailureRecord>,
}

words!(Mode, "the mode of a connection", { Live = "live", Test = "test", });
words!(WhenMissing, "what a query does without an identity", { Fail = "fail", Skip = "skip", });
words!(Place, "a place in a request", { Url = "url", Header = "header", Body = "body", });
words!(Severity, "the severity of a problem", { Error = "error", Warning = "warning", });

impl Stored for Connection {
    type Record = ConnectionRecord;

    fn to_record(&self) -> ConnectionRecord {
        let Self {
            tenant,
            key,
            uuid,
            name,
            description,
            connector_type,
            plugin,
            capabilities,
            mode,
            enabled,
            credentials_location,
            vault_secrets,
            ca_bundle,
            job_timeout,
            config,
            queries,
            needs,
            grants,
            problems,
            last_test,
            created_at,
            updated_at,
            revision,
        } = self;
        ConnectionRecord {
            tenant: tenant.clone(),
            key: key.clone(),
            uuid: *uuid,
            name: name.clone(),
            description: description.clone(),
            connector_type: connector_type.clone(),
            plugin: plugin.to_record(),
            capabilities: set_to_records(capabilities),
            mode: mode.to_record(),
            enabled: *enabled,
            credentials_location: credentials_location.clone(),
            vault_secrets: vault_secrets.clone(),
            ca_bundle: ca_bundle.clone(),
            job_timeout: *job_timeout,
            config: config.clone(),
            queries: to_records(queries),
            needs: needs.to_record(),
            grants: grants.to_record(),
            problems: to_records(problems),
            last_test: to_optional(last_test.as_ref()),
            created_at: *created_at,
            updated_at: *updated_at,
            revision: *revision,
        }
    }

    fn from_record(record: ConnectionRecord) -> Result<Self, Unreadable> {
        let ConnectionRecord {
            tenant,
            key,
            uuid,
            name,
            description,
            connector_type,
            plugin,
            capabilities,
            mode,
            enabled,
            credentials_location,
            vault_secrets,
            ca_bundle,
            job_timeout,
            config,
            queries,
            needs,
            grants,
            problems,
            last_test,
            created_at,
            updated_at,
            revision,
        } = record;
        Ok(Self {
            tenant,
            key,
            uuid,
            name,
            description,
            connector_type,
            plugin: Stored::from_record(plugin)?,
            capabilities: set_from_records(capabilities)?,
            mode: Mode::from_record(mode)?,
            enabled,
            credentials_location,
            vault_secrets,
            ca_bundle,
            job_timeout,
            config,
            queries: from_records(queries)?,
            needs: Grants::from_record(needs)?,
            grants: Grants::from_record(grants)?,
            problems: from_records(problems)?,
            last_test: from_optional(last_test)?,
            created_at,
            updated_at,
            revision,
        })
    }
}

impl Stored for Query {
    type Record = QueryRecord;

    fn to_record(&self) -> QueryRecord {
        let Self {
            pointer,
            label,
            action,
            wanted,
            when_missing,
            origin,
            paths,
            method,
            names,
            verify_tls,
            raw,
        } = self;
        let (path, path_prefix) = paths_to_record(paths);
        QueryRecord {
            pointer: pointer.clone(),
            label: label.clone(),
            action: to_optional(action.as_ref()),
            wanted: to_optional(wanted.as_ref()),
            when_missing: when_missing.to_record(),
            origin: origin.clone(),
            path,
            path_prefix,
            method: method.clone(),
            names: names.iter().map(|(name, place)| (name.clone(), place.to_record())).collect(),
            verify_tls: *verify_tls,
            raw: *raw,
        }
    }

    fn from_record(record: QueryRecord) -> Result<Self, Unreadable> {
        let QueryRecord {
            pointer,
            label,
            action,
            wanted,
            when_missing,
            origin,
            path,
            path_prefix,
            method,
            names,
            verify_tls,
            raw,
        } = record;
        let names = names.into_iter().map(|(name, place)| Ok((name, Place::from_record(place)?)));
        Ok(Self {
            pointer,
            label,
            action: from_optional(action)?,
            wanted: from_optional(wanted)?,
            when_missing: WhenMissing::from_record(when_missing)?,
            origin,
            paths: paths_from_record(path, path_prefix)?,
            method,
            names: names.collect::<Result<_, Unreadable>>()?,
            verify_tls,
            raw,
        })
    }
}

impl Stored for Grants {
    type Record = GrantsRecord;

    fn to_record(&self) -> GrantsRecord {
        let Self { http, private, secrets, reads } = self;
        GrantsRecord {
            http: to_records(http),
            private: to_records(private),
            secrets: to_records(secrets),
            reads: set_to_records(reads),
        }
    }

    fn from_record(record: GrantsRecord) -> Result<Self, Unreadable> {
        let GrantsRecord { http, private, secrets, reads } = record;
        Ok(Self {
            http: from_records(http)?,
            private: from_records(private)?,
            secrets: from_records(secrets)?,
            reads: set_from_records(reads)?,
        })
    }
}

impl Stored for HttpGrant {
    type Record = HttpGrantRecord;

    fn to_record(&self) -> HttpGrantRecord {
        let Self { origin, methods, paths, unverified_tls, raw } = self;
        let (path, path_prefix) = paths_to_record(paths);
        HttpGrantRecord {
            origin: origin.to_record(),
            methods: methods.clone(),
            path,
            path_prefix,
            unverified_tls: *unverified_tls,
            raw: *raw,
        }
    }

    fn from_record(record: HttpGrantRecord) -> Result<Self, Unreadable> {
        let HttpGrantRecord { origin, methods, path, path_prefix, unverified_tls, raw } = record;
        let origin = OriginPattern::from_record(origin)?;
        let paths = paths_from_record(path, path_prefix)?;
        Ok(Self { origin, methods, paths, unverified_tls, raw })
    }
}

impl Stored for SecretGrant {
    type Record = SecretGrantRecord;

    fn to_record(&self) -> SecretGrantRecord {
        let Self { name, origin, places } = self;
        SecretGrantRecord {
            name: name.clone(),
            origin: origin.to_record(),
            places: set_to_records(places),
        }
    }

    fn from_record(record: SecretGrantRecord) -> Result<Self, Unreadable> {
        let SecretGrantRecord { name, origin, places } = record;
        let origin = OriginPattern::from_record(origin)?;
        Ok(Self { name, origin, places: set_from_records(places)? })
    }
}

/// An exact path and a prefix, one of them none.
fn paths_to_record(paths: &Paths) -> (Option<String>, Option<String>) {
    match paths {
        Paths::Exactly(path) => (Some(path.to_record()), None),
        Paths::Under(prefix) => (None, Some(prefix.to_record())),
    }
}

/// A row never leaves both out: what is every path when a person writes it is `/` here.
fn paths_from_record(
    path: Option<String>,
    path_prefix: Option<String>,
) -> Result<Paths, Unreadable> {
    match (path, path_prefix) {
        (Some(path), None) => ExactPath::from_record(path).map(Paths::Exactly),
        (None, Some(prefix)) => PathPrefix::from_record(prefix).map(Paths::Under),
        (Some(_), Some(_)) | (None, None) => Err(Unreadable("the paths of a grant")),
    }
}

texts! {
    OriginPattern, "an origin";
    ExactPath, "an exact path";
    PathPrefix, "a path prefix";
    PrivateNetwork, "a private network";
}

impl Stored for Problem {
    type Record = ProblemRecord;

    fn to_record(&self) -> ProblemRecord {
        let Self { severity, code, pointer, column, message } = self;
        ProblemRecord {
            severity: severity.to_record(),
            code: code.clone(),
            pointer: pointer.clone(),
            column: *column,
            message: message.clone(),
        }
    }

    fn from_record(record: ProblemRecord) -> Result<Self, Unreadable> {
        let ProblemRecord { severity, code, pointer, column, message } = record;
        Ok(Self { severity: Severity::from_record(severity)?, code, pointer, column, message })
    }
}

impl Stored for TestResult {
    type Record = TestRecord;

    fn to_record(&self) -> TestRecord {
        let Self { at, healthy, queries, failure } = self;
        TestRecord {
            at: *at,
            healthy: *healthy,
            queries: to_records(queries),
            failure: to_optional(failure.as_ref()),
        }
    }

    fn from_record(record: TestRecord) -> Result<Self, Unreadable> {
        let TestRecord { at, healthy, queries, failure } = record;
        Ok(Self { at, healthy, queries: from_records(queries)?, failure: from_optional(failure)? })
    }
}
