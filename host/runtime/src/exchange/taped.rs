//! One try of a request on an author's tape: judged by the gate, then answered by a player or
//! listened to by a recorder. Called by [`super::attempts`] in place of the gate's sending.

use cordon_egress::{Received, SendError};
use cordon_model::http_request::{BodyUse, HttpRequest, Piece};

use super::attempts::{Call, sending};
use crate::call::{RunState, Stop, Value};
use crate::cassette::{Player, Tape, TapedAnswer, TapedPiece, TapedRequest, TapedText};

/// Sends, with whoever plays or listens.
///
/// # Errors
/// When the player has no answer to this request: that is no failure of the connector's to branch
/// on.
pub(super) async fn send(
    run: &RunState,
    tape: &Tape,
    call: &Call<'_>,
) -> Result<Result<Received, SendError>, Stop> {
    let taped = request(run, call.request);
    match tape {
        Tape::Player(player) => play(run, player.as_ref(), call, &taped).await,
        Tape::Recorder(recorder) => {
            let gate = &run.shared.gate;
            let result = gate.send(sending(run, call.request, call.rendered, call.key)).await;
            recorder.heard(taped, result.as_ref());
            Ok(result)
        }
    }
}

async fn play(
    run: &RunState,
    player: &dyn Player,
    call: &Call<'_>,
    taped: &TapedRequest,
) -> Result<Result<Received, SendError>, Stop> {
    let gate = &run.shared.gate;
    let sending = sending(run, call.request, call.rendered, call.key);
    if let Err(refused) = gate.preview(&sending) {
        return Ok(Err(refused));
    }
    let Some(answer) = player.answer(taped) else {
        return Err(Stop::Host("the cassette holds no answer to this request".to_owned()));
    };
    Ok(match answer {
        TapedAnswer::Response { status, headers, body } => {
            let mut answer = http::Response::builder().status(status);
            for (name, value) in &headers {
                answer = answer.header(name, value);
            }
            let answer = answer.body(body);
            let answer = answer.map_err(|_| Stop::Host("the answer is no HTTP".to_owned()))?;
            gate.take(&sending, answer).await
        }
        TapedAnswer::Unreachable => Err(SendError::Unreachable { sent: false }),
        TapedAnswer::Timeout => Err(SendError::Timeout { sent: true }),
    })
}

fn request(run: &RunState, request: &HttpRequest) -> TapedRequest {
    let text = |pieces: &[Piece]| -> TapedText {
        pieces.iter().map(|piece| taped(run, request, piece)).collect()
    };
    TapedRequest {
        label: request.label.clone(),
        method: request.method.clone(),
        url: text(&request.url),
        headers: request.headers.iter().map(|(n, value)| (n.clone(), text(value))).collect(),
        body: request.body.as_ref().map(|body| text(&body.content)),
        reads_body: match request.response_body {
            BodyUse::Records | BodyUse::Bytes => true,
            BodyUse::Discard => false,
        },
    }
}

fn taped(run: &RunState, request: &HttpRequest, piece: &Piece) -> TapedPiece {
    match piece {
        Piece::Literal(text) => TapedPiece::Literal(text.clone()),
        Piece::Secret(name) => TapedPiece::Name(name.clone()),
        Piece::Placeholder(name) => {
            let bound = request.bind.iter().filter_map(|id| run.values.nth_of_kind(*id));
            let identity = bound.into_iter().find(|(kind, _)| kind.as_str() == name);
            let nth = identity.map_or(1, |(_, nth)| nth);
            TapedPiece::Name(numbered(name, nth))
        }
        Piece::Value(id) => match run.values.get(*id) {
            Some(Value::Scalar(held)) => TapedPiece::Held(held.value.clone()),
            Some(Value::Identity { .. }) | None => match run.values.nth_of_kind(*id) {
                Some((kind, nth)) => TapedPiece::Name(numbered(kind.as_str(), nth)),
                None => TapedPiece::Name(format!("#{id}")),
            },
        },
    }
}

fn numbered(name: &str, nth: usize) -> String {
    if nth > 1 { format!("{name} {nth}") } else { name.to_owned() }
}
