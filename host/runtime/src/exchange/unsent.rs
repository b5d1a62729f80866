//! One `http.send` of a dry run: written down with placeholders, judged by the gate, and not sent.
//!
//! Rendered with the real values, because a value may be what is refused; nothing of them is
//! kept. Called by [`super::send`] in place of everything that follows there.

use cordon_egress::{RenderError, SendError, Stage, render};
use cordon_model::http_request::{CallError, HttpRequest, Piece, ValueId};
use cordon_model::plan::WhenMissing;
use cordon_model::port::{Judgment, Refusal, UnsentRequest};

use super::attempts;
use super::lookup::Names;
use crate::call::{RunState, Stop, Values};

/// Writes a request down. The guest is told `unreachable`, but for one thing that it decides
/// itself: whether a query is skipped that names an identity which is not known.
///
/// # Errors
/// When there are too many requests, or they are too large together.
pub(super) fn note(
    run: &mut RunState,
    request: &HttpRequest,
    bind: &[ValueId],
) -> Result<CallError, Stop> {
    let names = Names { values: &run.values, bind, credentials: &run.credentials };
    let judged = match render(request, &names) {
        Ok(rendered) => run
            .shared
            .gate
            .preview(&attempts::sending(run, request, &rendered, None))
            .map_err(|error| refused(&error)),
        Err(error) => {
            if let Some(answer) = skipped(run, request, &error) {
                run.calls.end(answer.code());
                return Ok(answer);
            }
            Err(unrendered(&error))
        }
    };
    let occurrence = run.calls.current().map_or(0, |call| call.occurrence);
    let mut unsent = shown(request, run.only_reads(), &run.values);
    unsent.occurrence = occurrence;
    unsent.identities = bind.iter().filter_map(|id| run.values.nth_of_kind(*id)).collect();
    unsent.judgment = judged.map_or_else(Judgment::Refused, |()| Judgment::Allowed);
    run.budget.take(weight(&unsent))?;
    run.unsent.get_or_insert_default().push(unsent);
    run.calls.end("not_sent");
    Ok(CallError::Unreachable)
}

/// A request with `{name}` wherever a value stands; nobody came to it so far.
pub(crate) fn shown(request: &HttpRequest, only_reads: bool, values: &Values) -> UnsentRequest {
    let text = |pieces: &[Piece]| pieces.iter().map(|piece| in_braces(piece, values)).collect();
    UnsentRequest {
        label: request.label.clone(),
        occurrence: 0,
        method: request.method.clone(),
        url: text(&request.url),
        headers: request.headers.iter().map(|(n, value)| (n.clone(), text(value))).collect(),
        body: request.body.as_ref().map(|body| text(&body.content)),
        identities: Vec::new(),
        verify_tls: request.verify_tls,
        idempotent: request.is_idempotent(only_reads),
        judgment: Judgment::NotReached,
    }
}

fn in_braces(piece: &Piece, values: &Values) -> String {
    match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Placeholder(name) | Piece::Secret(name) => format!("{{{name}}}"),
        Piece::Value(id) => match values.identity(*id) {
            Some((kind, _)) => format!("{{{kind}}}"),
            None => format!("{{#{id}}}"),
        },
    }
}

/// A query whose plan says that it is skipped without the identity that is missing here.
fn skipped(run: &RunState, request: &HttpRequest, error: &RenderError) -> Option<CallError> {
    let RenderError::Missing(name) = error else { return None };
    let planned = run.plan.of_label(&request.label)?;
    let skips = planned.when_missing == WhenMissing::Skip;
    skips.then(|| CallError::MissingPlaceholder(name.clone()))
}

fn unrendered(error: &RenderError) -> Refusal {
    let (stage, code) = match error {
        RenderError::Missing(_) => (Stage::Render, "missing_placeholder"),
        RenderError::Ambiguous(_) => (Stage::Render, "ambiguous_placeholder"),
        RenderError::ValueRefused(_) => (Stage::Render, "value_refused"),
        RenderError::Problems(problems) => {
            let first = problems.first();
            let code = first.map_or("url_invalid", |problem| problem.code);
            let detail = first.map_or_else(String::new, |problem| problem.message.clone());
            return Refusal { stage: Stage::Parse.as_str(), code, detail };
        }
    };
    Refusal { stage: stage.as_str(), code, detail: error.to_string() }
}

fn refused(error: &SendError) -> Refusal {
    match error {
        SendError::Denied { stage, code, detail } => {
            Refusal { stage: stage.as_str(), code, detail: detail.clone() }
        }
        // Nothing else comes before the name service; said all the same, rather than allowed.
        other => Refusal {
            stage: Stage::Connect.as_str(),
            code: "unreachable",
            detail: other.to_string(),
        },
    }
}

fn weight(unsent: &UnsentRequest) -> usize {
    let headers = unsent.headers.iter().map(|(name, value)| name.len() + value.len());
    let body = unsent.body.as_ref().map_or(0, String::len);
    size_of::<UnsentRequest>() + unsent.url.len() + headers.sum::<usize>() + body
}
