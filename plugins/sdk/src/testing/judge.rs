//! One `http.send` of the double: what may go out, what it looks like, and what comes back.

use super::imports::http::Response;
use super::state::{self, Held, State};
use super::{Reply, Sent};
use crate::handles::{Piece, Text, ValueId};
use crate::http::{BodyUse, HttpError, HttpRequest};
use crate::types::Action;

/// Most tries of one call, as in the host.
const ATTEMPTS_MAX: u8 = 5;

/// Most characters of a label.
const LABEL_CHARS_MAX: usize = 200;

pub(super) fn send(state: &mut State, request: &HttpRequest) -> Result<Response, HttpError> {
    check_label(request);
    check_method(state, request);
    check_bind(state, request);
    check_planned(state, request);
    let target = Target::of(&request.url);
    check_reach(state, request, &target);
    check_values(state, request, &target);
    resolve_names(state, request)?;
    check_secrets(state, request, &target);
    let shown = shown(state, request);
    state.sent.push(shown);
    if state.dry_run {
        return Err(HttpError::Unreachable);
    }
    answer(state, request, target.origin)
}

fn refuse(request: &HttpRequest, why: impl AsRef<str>) {
    state::end(format!("`{}`: {}", request.label, why.as_ref()))
}

fn check_label(request: &HttpRequest) {
    let label = &request.label;
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX {
        refuse(request, format!("a label has 1 to {LABEL_CHARS_MAX} characters"));
    }
}

fn check_method(state: &State, request: &HttpRequest) {
    let reads = matches!(state.action().0, Some(Action::Access | Action::Identifiers));
    if reads && request.method.eq_ignore_ascii_case("DELETE") {
        refuse(request, "access and identifiers send no DELETE");
    }
}

/// Only identities of this run, one for each kind.
fn check_bind(state: &State, request: &HttpRequest) {
    let mut kinds = Vec::new();
    for id in &request.bind {
        match state.identity(*id) {
            None => refuse(request, "it is bound to a number that is no identity"),
            Some((kind, _)) if kinds.contains(&kind) => {
                refuse(request, format!("it is bound to two identities of the kind {kind}"));
            }
            Some((kind, _)) => kinds.push(kind),
        }
    }
}

/// A planned label is sent as planned, by the run it was planned for, or not at all.
fn check_planned(state: &State, request: &HttpRequest) {
    let Some(planned) = state.plan.iter().find(|p| p.request.label == request.label) else {
        return;
    };
    let (action, wanted) = state.action();
    let serves = planned.action == action && planned.wanted.as_deref() == wanted;
    if !serves {
        refuse(request, "it is planned for another action");
    }
    if planned.request != request.bound_to(Vec::new()) {
        refuse(request, "it differs from the planned request with its label");
    }
}

/// Where a URL leads, as far as literals say.
struct Target {
    origin: String,
    /// The whole path; pieces stand as `*`.
    path: String,
    /// The path up to the last segment that is literal.
    prefix: String,
}

impl Target {
    fn of(url: &Text) -> Self {
        let part = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder(_) | Piece::Secret(_) | Piece::Value(_) => "*".to_owned(),
        };
        let whole: String = url.iter().map(part).collect();
        let scheme = whole.find("://").map_or(0, |at| at + 3);
        let (scheme, rest) = whole.split_at_checked(scheme).unwrap_or((&whole, ""));
        let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(authority).unwrap_or((rest, ""));
        let path = rest.split(['?', '#']).next().filter(|path| !path.is_empty()).unwrap_or("/");
        let literal = path.split('*').next().unwrap_or_default();
        let prefix = match literal.rsplit_once('/') {
            Some((before, _)) if literal.len() < path.len() => before,
            _ => literal,
        };
        let origin = format!("{scheme}{authority}").to_lowercase();
        Self { origin, path: path.to_owned(), prefix: prefix.to_owned() }
    }

    /// Which paths a planned request has granted: its own alone when all of that is literal.
    fn reaches(&self, path: &str) -> bool {
        if self.path.contains('*') { covers(&self.prefix, path) } else { self.path == path }
    }
}

/// By whole segments; `/` is every path.
fn covers(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the plan and the egress needs ask for is taken as granted, and nothing else.
fn check_reach(state: &State, request: &HttpRequest, target: &Target) {
    let planned = state.plan.iter().any(|planned| {
        let of_plan = Target::of(&planned.request.url);
        of_plan.origin == target.origin
            && planned.request.method == request.method
            && of_plan.reaches(&target.path)
    });
    let needed = || {
        state.egress.iter().any(|need| {
            need.origin.to_lowercase() == target.origin
                && need.methods.contains(&request.method)
                && covers(&need.path_prefix, &target.path)
        })
    };
    if !planned && !needed() {
        let Target { origin, path, .. } = target;
        let method = &request.method;
        refuse(
            request,
            format!("neither the plan nor an egress need covers {method} {origin}{path}"),
        );
    }
}

/// Values exist, and those of responses go back to where they came from.
fn check_values(state: &State, request: &HttpRequest, target: &Target) {
    for (_, piece) in pieces(request) {
        let Piece::Value(id) = piece else { continue };
        match state.get(*id) {
            None => refuse(request, "it holds a number that was not given out in this run"),
            Some(Held::Scalar(scalar)) if scalar.origin != target.origin => {
                let origin = &scalar.origin;
                refuse(request, format!("it takes a value of {origin} to {}", target.origin));
            }
            Some(Held::Scalar(_) | Held::Identity { .. }) => {}
        }
    }
}

/// Every placeholder is an identity it is bound to or a key of the credentials, and not both.
fn resolve_names(state: &State, request: &HttpRequest) -> Result<(), HttpError> {
    for name in request.placeholders() {
        match (bound(state, request, name).is_some(), state.secrets.contains(name)) {
            (true, true) => return Err(HttpError::AmbiguousPlaceholder(name.to_owned())),
            (false, false) => return Err(HttpError::MissingPlaceholder(name.to_owned())),
            (true, false) | (false, true) => {}
        }
    }
    Ok(())
}

/// The identity of a kind that a request is bound to.
fn bound(state: &State, request: &HttpRequest, kind: &str) -> Option<ValueId> {
    let of_kind = |id: &&ValueId| state.identity(**id).is_some_and(|(its, _)| its == kind);
    request.bind.iter().find(of_kind).copied()
}

/// Where in a request a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Url,
    Header,
    Body,
}

fn pieces(request: &HttpRequest) -> impl Iterator<Item = (Place, &Piece)> {
    let url = request.url.iter().map(|piece| (Place::Url, piece));
    let headers = request.headers.iter().flat_map(|(_, value)| value);
    let body = request.body.iter().flat_map(|body| &body.content);
    url.chain(headers.map(|piece| (Place::Header, piece)))
        .chain(body.map(|piece| (Place::Body, piece)))
}

/// The credentials that a request names, and where.
fn secrets<'r>(
    state: &State,
    request: &'r HttpRequest,
) -> impl Iterator<Item = (Place, &'r String)> {
    pieces(request).filter_map(|(place, piece)| match piece {
        Piece::Secret(name) => Some((place, name)),
        Piece::Placeholder(name) if state.secrets.contains(name) => Some((place, name)),
        Piece::Literal(_) | Piece::Placeholder(_) | Piece::Value(_) => None,
    })
}

/// Each place in which a secret is sent is granted by itself.
fn check_secrets(state: &State, request: &HttpRequest, target: &Target) {
    for (place, name) in secrets(state, request) {
        if !state.secrets.contains(name) {
            refuse(request, format!("the credentials have no key `{name}`; see Host::secret"));
        }
        let planned = state.plan.iter().any(|planned| {
            Target::of(&planned.request.url).origin == target.origin
                && secrets(state, &planned.request).any(|other| other == (place, name))
        });
        let needed = || {
            let mut here = state.egress.iter().filter(|n| n.origin.to_lowercase() == target.origin);
            place == Place::Header && here.any(|need| need.secrets.contains(name))
        };
        if !planned && !needed() {
            let why = format!("neither the plan nor an egress need sends `{name}` there");
            refuse(request, why);
        }
    }
}

/// The request with names in the place of values.
fn shown(state: &State, request: &HttpRequest) -> Sent {
    let text = |text: &Text| text.iter().map(|piece| in_braces(state, request, piece)).collect();
    Sent {
        label: request.label.clone(),
        method: request.method.clone(),
        url: text(&request.url),
        headers: request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        body: request.body.as_ref().map(|body| text(&body.content)),
    }
}

fn in_braces(state: &State, request: &HttpRequest, piece: &Piece) -> String {
    match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Secret(name) => format!("{{{name}}}"),
        Piece::Placeholder(name) => match bound(state, request, name) {
            Some(id) => in_braces(state, request, &Piece::Value(id)),
            None => format!("{{{name}}}"),
        },
        Piece::Value(id) => match state.get(*id) {
            Some(Held::Scalar(scalar)) => format!("{{{}}}", scalar.json),
            Some(Held::Identity { kind, .. }) => match nth_of_kind(state, *id, kind) {
                0 | 1 => format!("{{{kind}}}"),
                nth => format!("{{{kind} {nth}}}"),
            },
            None => "{}".to_owned(),
        },
    }
}

/// Counted from 1.
fn nth_of_kind(state: &State, id: ValueId, kind: &str) -> usize {
    let upto = (0..=id).filter_map(|id| state.identity(id));
    upto.filter(|(its, _)| *its == kind).count()
}

fn answer(state: &mut State, request: &HttpRequest, origin: String) -> Result<Response, HttpError> {
    let tries = request.max_attempts.unwrap_or(ATTEMPTS_MAX);
    let mut last = HttpError::Unreachable;
    for _ in 0..tries {
        let next = state.replies.get_mut(&request.label).and_then(|replies| replies.pop_front());
        let Some(Reply { content }) = next else {
            let Sent { method, url, .. } = shown(state, request);
            return state::unmet(format!("nothing answers `{}`: {method} {url}", request.label));
        };
        let content = content?;
        if request.success.contains(&content.status) {
            let body = (request.response_body != BodyUse::Discard).then_some(content.body);
            return Ok(Response {
                status: content.status,
                headers: content.headers,
                body,
                body_use: request.response_body,
                origin,
            });
        }
        last = HttpError::UnexpectedStatus(content.status);
        if !request.retry_statuses.contains(&content.status) {
            break;
        }
    }
    Err(last)
}
