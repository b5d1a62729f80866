//! Between the generated types and the model's. Loses nothing and checks nothing but what the
//! types themselves say; limits are checked by whoever converts.

use cordon_model::http_request::{Body, BodyUse, CallError, Escape, HttpRequest, Piece, Text};
use cordon_model::input::{FieldType, Form, FormField};
use cordon_model::json::{Shape, ShapeError};
use cordon_model::plan::{Draft, EgressNeed, PlannedRequest, WhenMissing};
use cordon_model::plugin::{Descriptor, ReadGrant};
use cordon_model::subject::is_invisible;
use cordon_model::task::SkipReason;
use cordon_model::{Action, FailureCode, Problem, Severity};

use super::{handles, http, types};

/// A guest's text for people: without what they cannot see, cut to `chars` characters.
pub(crate) fn detail(text: &str, chars: usize) -> String {
    text.chars().filter(|c| !is_invisible(*c)).take(chars).collect()
}

pub(crate) fn draft(draft: &Draft) -> types::Draft {
    types::Draft {
        config: draft.config.clone(),
        actions: draft.actions.iter().copied().map(Into::into).collect(),
        policy_settings: draft.policy_settings.clone(),
    }
}

fn text(pieces: Vec<handles::Piece>) -> Text {
    pieces.into_iter().map(Into::into).collect()
}

impl From<handles::Piece> for Piece {
    fn from(piece: handles::Piece) -> Self {
        match piece {
            handles::Piece::Literal(text) => Self::Literal(text),
            handles::Piece::Placeholder(name) => Self::Placeholder(name),
            handles::Piece::Secret(name) => Self::Secret(name),
            handles::Piece::Value(id) => Self::Value(id),
        }
    }
}

impl From<http::HttpRequest> for HttpRequest {
    fn from(request: http::HttpRequest) -> Self {
        Self {
            label: request.label,
            method: request.method,
            url: text(request.url),
            headers: request.headers.into_iter().map(|(n, value)| (n, text(value))).collect(),
            body: request.body.map(|body| Body {
                content: text(body.content),
                escape: match body.escape {
                    http::Escape::ByMediaType => Escape::ByMediaType,
                    http::Escape::Raw => Escape::Raw,
                },
            }),
            bind: request.bind,
            verify_tls: request.verify_tls,
            idempotent: request.idempotent,
            success: request.success,
            retry_statuses: request.retry_statuses,
            max_attempts: request.max_attempts,
            response_body: match request.response_body {
                http::BodyUse::Discard => BodyUse::Discard,
                http::BodyUse::Records => BodyUse::Records,
                http::BodyUse::Bytes => BodyUse::Bytes,
            },
        }
    }
}

impl From<CallError> for http::HttpError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::MissingPlaceholder(name) => Self::MissingPlaceholder(name),
            CallError::AmbiguousPlaceholder(name) => Self::AmbiguousPlaceholder(name),
            CallError::ValueRefused(name) => Self::ValueRefused(name),
            CallError::UnexpectedStatus(status) => Self::UnexpectedStatus(status),
            CallError::Unreachable => Self::Unreachable,
            CallError::Timeout => Self::Timeout,
            CallError::TooLarge => Self::TooLarge,
            CallError::Truncated => Self::Truncated,
        }
    }
}

impl From<Shape> for handles::Shape {
    fn from(shape: Shape) -> Self {
        match shape {
            Shape::ArrayOfObjects => Self::ArrayOfObjects,
            Shape::Array => Self::Array,
            Shape::Object => Self::Object,
            Shape::Text => Self::Text,
            Shape::Number => Self::Number,
            Shape::Boolean => Self::Boolean,
            Shape::Null => Self::Null,
            Shape::NotJson => Self::NotJson,
            Shape::DuplicateKey => Self::DuplicateKey,
            Shape::TooDeep => Self::TooDeep,
            Shape::Missing => Self::Missing,
        }
    }
}

impl From<ShapeError> for handles::ShapeError {
    fn from(error: ShapeError) -> Self {
        Self {
            expected: error.expected.into(),
            found: error.found.into(),
            offset: error.offset,
            size: error.size,
        }
    }
}

impl From<Action> for types::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Access => Self::Access,
            Action::Delete => Self::Delete,
            Action::Optout => Self::Optout,
            Action::Identifiers => Self::Identifiers,
        }
    }
}

impl From<types::Action> for Action {
    fn from(action: types::Action) -> Self {
        match action {
            types::Action::Access => Self::Access,
            types::Action::Delete => Self::Delete,
            types::Action::Optout => Self::Optout,
            types::Action::Identifiers => Self::Identifiers,
        }
    }
}

impl From<ReadGrant> for types::ReadGrant {
    fn from(grant: ReadGrant) -> Self {
        match grant {
            ReadGrant::Identities => Self::Identities,
            ReadGrant::Responses => Self::Responses,
        }
    }
}

impl From<types::ReadGrant> for ReadGrant {
    fn from(grant: types::ReadGrant) -> Self {
        match grant {
            types::ReadGrant::Identities => Self::Identities,
            types::ReadGrant::Responses => Self::Responses,
        }
    }
}

impl From<types::Problem> for Problem {
    fn from(problem: types::Problem) -> Self {
        Self {
            severity: match problem.severity {
                types::Severity::Error => Severity::Error,
                types::Severity::Warning => Severity::Warning,
            },
            code: problem.code,
            pointer: problem.pointer,
            column: problem.column,
            message: problem.message,
        }
    }
}

impl From<types::PlannedRequest> for PlannedRequest {
    fn from(planned: types::PlannedRequest) -> Self {
        Self {
            pointer: planned.pointer,
            action: planned.action.map(Into::into),
            wanted: planned.wanted,
            when_missing: match planned.when_missing {
                types::WhenMissing::Fail => WhenMissing::Fail,
                types::WhenMissing::Skip => WhenMissing::Skip,
            },
            request: planned.request.into(),
        }
    }
}

impl From<types::EgressNeed> for EgressNeed {
    fn from(need: types::EgressNeed) -> Self {
        Self {
            origin: need.origin,
            path_prefix: need.path_prefix,
            methods: need.methods,
            secrets: need.secrets,
        }
    }
}

impl From<types::Descriptor> for Descriptor {
    fn from(descriptor: types::Descriptor) -> Self {
        Self {
            connector_type: descriptor.connector_type,
            category: descriptor.category,
            display_name: descriptor.display_name,
            actions: descriptor.actions.into_iter().map(Into::into).collect(),
            config_schema: descriptor.config_schema,
            policy_schema: descriptor.policy_schema,
            reads: descriptor.reads.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<types::Form> for Form {
    fn from(form: types::Form) -> Self {
        let field = |field: types::Field| FormField {
            name: field.name,
            label: field.label,
            types: field
                .types
                .into_iter()
                .map(|of| match of {
                    types::FieldType::Text => FieldType::Text,
                    types::FieldType::File => FieldType::File,
                })
                .collect(),
            required: field.required,
        };
        Self { fields: form.fields.into_iter().map(field).collect() }
    }
}

impl From<types::SkipReason> for SkipReason {
    fn from(reason: types::SkipReason) -> Self {
        match reason {
            types::SkipReason::MissingPlaceholder(name) => Self::MissingPlaceholder(name),
            types::SkipReason::NotApplicable => Self::NotApplicable,
        }
    }
}

impl From<types::FailureCode> for FailureCode {
    fn from(code: types::FailureCode) -> Self {
        match code {
            types::FailureCode::QueryFailed => Self::QueryFailed,
            types::FailureCode::MalformedResponse => Self::MalformedResponse,
            types::FailureCode::MissingPlaceholder => Self::MissingPlaceholder,
            types::FailureCode::InvalidConfig => Self::InvalidConfig,
            types::FailureCode::Unsupported => Self::Unsupported,
            types::FailureCode::Internal => Self::PluginInternal,
        }
    }
}
