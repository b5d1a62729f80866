//! `http`: the only way out. Sending is `exchange`; here are the doors of it.

use wasmtime::component::Resource;

use cordon_model::FailureCode;
use cordon_model::http_request::BodyUse;
use cordon_model::json::{Shape, ShapeError};
use cordon_model::plugin::ReadGrant;
use cordon_model::task::HeldValue;

use super::handles::{HeldRecords, hold_parsed};
use crate::bindings::{handles, http};
use crate::call::{CallState, Stop, Value};
use crate::exchange::{self, Response};
use crate::parsing;

impl http::Host for CallState {
    async fn send(
        &mut self,
        request: http::HttpRequest,
    ) -> wasmtime::Result<Result<Resource<Response>, http::HttpError>> {
        let sent = exchange::send(self.run()?, request.into()).await;
        match self.or_end(sent)? {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn not_sent(&mut self) -> wasmtime::Result<bool> {
        Ok(self.run()?.unsent.is_some())
    }
}

/// There is no body to look into.
fn no_body(expected: Shape) -> handles::ShapeError {
    ShapeError { expected, found: Shape::Missing, offset: 0, size: 0 }.into()
}

impl http::HostResponse for CallState {
    fn status(&mut self, handle: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&handle)?.status)
    }

    async fn records(
        &mut self,
        handle: Resource<Response>,
        at: String,
    ) -> wasmtime::Result<Result<Resource<HeldRecords>, handles::ShapeError>> {
        let Some(body) = self.table.get(&handle)?.body.clone() else {
            return Ok(Err(no_body(Shape::ArrayOfObjects)));
        };
        hold_parsed(self, parsing::records(body, at).await)
    }

    async fn object(
        &mut self,
        handle: Resource<Response>,
        at: String,
    ) -> wasmtime::Result<Result<Resource<HeldRecords>, handles::ShapeError>> {
        let Some(body) = self.table.get(&handle)?.body.clone() else {
            return Ok(Err(no_body(Shape::Object)));
        };
        hold_parsed(self, parsing::object(body, at).await)
    }

    async fn value(
        &mut self,
        handle: Resource<Response>,
        at: String,
    ) -> wasmtime::Result<Result<Option<u32>, handles::ShapeError>> {
        let response = self.table.get(&handle)?;
        let (body, origin) = (response.body.clone(), response.origin.clone());
        let Some(body) = body else { return Ok(Err(no_body(Shape::Text))) };
        let parsed = parsing::scalar(body, at).await;
        let value = match self.or_end(parsed)? {
            Ok(Some(value)) => value,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error.into())),
        };
        let run = self.run()?;
        let id = if value.len() > run.shared.options.value_bytes_max {
            Err(Stop::failed(FailureCode::LimitReached, "a value of a response is too large"))
        } else {
            run.values.add(Value::Scalar(HeldValue { value, origin }))
        };
        Ok(Ok(Some(self.or_end(id)?)))
    }

    fn header(
        &mut self,
        handle: Resource<Response>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        let granted = self.run()?.need(ReadGrant::Responses);
        self.or_end(granted)?;
        let headers = &self.table.get(&handle)?.headers;
        let found = headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(&name));
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn read(
        &mut self,
        handle: Resource<Response>,
        offset: u64,
        limit: u32,
    ) -> wasmtime::Result<Vec<u8>> {
        let run = self.run()?;
        let most = limit.min(run.shared.options.read_bytes_max) as usize;
        let granted = run.need(ReadGrant::Responses);
        self.or_end(granted)?;
        let response = self.table.get(&handle)?;
        let read = match (response.body_use, &response.body) {
            (BodyUse::Bytes, Some(body)) => {
                let rest = usize::try_from(offset).ok().and_then(|at| body.get(at..));
                Ok(rest.unwrap_or_default().iter().take(most).copied().collect())
            }
            (BodyUse::Bytes, None) => Ok(Vec::new()),
            (BodyUse::Discard | BodyUse::Records, _) => {
                Err(Stop::misuse("the plugin read a body that it did not ask for as bytes"))
            }
        };
        self.or_end(read)
    }

    fn drop(&mut self, handle: Resource<Response>) -> wasmtime::Result<()> {
        let bytes = self.table.delete(handle)?.body.map_or(0, |body| body.len());
        self.run()?.budget.give_back(bytes);
        Ok(())
    }
}
