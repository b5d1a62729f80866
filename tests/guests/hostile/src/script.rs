//! What the configuration tells the guest, and the requests that it plans.

use cordon_connector_sdk::failure;
use cordon_connector_sdk::handles::Piece;
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest};
use cordon_connector_sdk::types::{Action, EgressNeed, Failure, FailureCode, Task};
use serde_json::Value;

/// `config` of the connection.
pub(crate) struct Script(Value);

impl Script {
    pub(crate) fn of(config: &str) -> Self {
        let connection: Value = serde_json::from_str(config).unwrap_or_default();
        Self(connection.get("config").cloned().unwrap_or_default())
    }

    /// A text of it; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A number of it; 0 when it is not there.
    pub(crate) fn number(&self, name: &str) -> usize {
        self.0.get(name).and_then(Value::as_u64).unwrap_or_default() as usize
    }

    /// `config.request`, outside of the plan: `method`, `url`, and `headers` as a list of names
    /// with texts. A text is a string, or a list of strings and `{"secret": …}`.
    pub(crate) fn request(&self) -> HttpRequest {
        let request = self.0.get("request").cloned().unwrap_or_default();
        let method = request.get("method").and_then(Value::as_str).unwrap_or("GET");
        let url = request.get("url").map(pieces).unwrap_or_default();
        let headers = request.get("headers").and_then(Value::as_array).cloned().unwrap_or_default();
        let header = |header: &Value| {
            let name = header.get(0).and_then(Value::as_str).unwrap_or_default();
            (name.to_owned(), header.get(1).map(pieces).unwrap_or_default())
        };
        let mut composed = HttpRequest::new("other", method, url).response_body(BodyUse::Records);
        composed.headers = headers.iter().map(header).collect();
        composed
    }

    /// The query of an action: `GET <origin>/people?email=…` for access, `DELETE` for delete.
    pub(crate) fn planned(&self, action: Action) -> HttpRequest {
        let (label, method) = match action {
            Action::Access => ("people", "GET"),
            Action::Delete => ("forget", "DELETE"),
            Action::Optout => ("optout", "PUT"),
            Action::Identifiers => ("identify", "GET"),
        };
        let url = vec![
            Piece::Literal(format!("{}/people?email=", self.text("origin"))),
            Piece::Placeholder("email".to_owned()),
        ];
        let request = HttpRequest::new(label, method, url);
        if action == Action::Access { request.response_body(BodyUse::Records) } else { request }
    }

    /// The query of the task, for its person.
    pub(crate) fn query(&self, task: &Task) -> HttpRequest {
        let bind = task.identities.iter().map(|identity| identity.id).take(1).collect();
        self.planned(task.action).bound_to(bind)
    }

    /// `config.egress`: what else it asks to reach, as the contract's record is written.
    pub(crate) fn egress(&self) -> Vec<EgressNeed> {
        let needs = self.0.get("egress").and_then(Value::as_array);
        let texts = |need: &Value, name: &str| {
            let list = need.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let text = |need: &Value, name: &str| {
            need.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let need = |need: &Value| EgressNeed {
            origin: text(need, "origin"),
            path_prefix: text(need, "path_prefix"),
            methods: texts(need, "methods"),
            secrets: texts(need, "secrets"),
        };
        needs.into_iter().flatten().map(need).collect()
    }
}

fn pieces(text: &Value) -> Vec<Piece> {
    let piece = |piece: &Value| match (piece.as_str(), piece.get("secret").and_then(Value::as_str))
    {
        (Some(literal), _) => Piece::Literal(literal.to_owned()),
        (None, Some(secret)) => Piece::Secret(secret.to_owned()),
        (None, None) => Piece::Literal(String::new()),
    };
    match text {
        Value::Array(pieces) => pieces.iter().map(piece).collect(),
        one => vec![piece(one)],
    }
}

/// Sends, and fails as an ordinary connector does.
pub(crate) fn send(request: &HttpRequest) -> Result<http::Response, Failure> {
    http::send(request).map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))
}
