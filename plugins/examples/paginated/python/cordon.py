"""What a connector in Python needs beside the contract: texts out of pieces, requests with
sensible defaults, failures, and a reader for configurations that finds every problem at once.
Copy it beside your connector; it depends on nothing but the bindings of the contract.

A connector must be deterministic. Built without WASI, as it should be, it cannot be anything
else: `time.time()`, `uuid.uuid4()` and `os.urandom()` end the run, and so do files, sockets and
`print`; `random` gives every run the same numbers. So it is with the order of a `set` of strings,
until the next build: send nothing in it.
"""

import json
import re
from dataclasses import replace
from typing import Any

from componentize_py_types import Err
from wit_world.imports import handles, http, types

# Texts

Text = list[handles.Piece]

#: A piece: an identity's kind, or a key of the credentials that the configuration names.
placeholder = handles.Piece_Placeholder
#: A piece: a key of the connection's credentials.
secret = handles.Piece_Secret
#: A piece: a value by its number, for example a cursor that `Response.value` gave.
value = handles.Piece_Value


def text(*parts: str | int | handles.Piece) -> Text:
    """A text: `text(origin, "/people?email=", placeholder("email"))`. Strings and numbers stand as
    they are; the host escapes everything else for its place, and nothing here does."""
    return [
        handles.Piece_Literal(str(part)) if isinstance(part, (str, int)) else part for part in parts
    ]


# Requests


def request(label: str, method: str, url: Text, **more: Any) -> http.HttpRequest:
    """A request that checks certificates, counts 200 as its only success, retries no status and
    drops the body of the answer, unless `more` says otherwise. Define a request once and use it
    for the plan and for sending: the host compares the two."""
    defaults = {
        "headers": [],
        "body": None,
        "bind": [],
        "verify_tls": True,
        "idempotent": None,
        "success": [200],
        "retry_statuses": [],
        "max_attempts": None,
        "response_body": http.BodyUse.DISCARD,
    }
    return http.HttpRequest(label=label, method=method, url=url, **{**defaults, **more})


def planned(
    pointer: str,
    action: types.Action | None,
    request: http.HttpRequest,
    wanted: str | None = None,
) -> types.PlannedRequest:
    """The request as part of a plan. Without an action it is one that `test` sends."""
    return types.PlannedRequest(pointer, action, wanted, types.WhenMissing.FAIL, request)


def send(request: http.HttpRequest, *bind: int) -> http.Response | None:
    """Sends a request for these identities; the response, or None in a dry run, in which the host
    has noted the request and sent none. Whatever goes wrong is a failure of the run."""
    try:
        return http.send(replace(request, bind=list(bind)))
    except Err as thrown:
        error = thrown.value
    if isinstance(error, http.HttpError_Unreachable) and http.not_sent():
        return None
    missing = isinstance(error, http.HttpError_MissingPlaceholder)
    code = types.FailureCode.MISSING_PLACEHOLDER if missing else types.FailureCode.QUERY_FAILED
    raise failure(code, _http_error(error), request.label)


def records(response: http.Response, at: str, label: str) -> handles.Records:
    """The array of objects at a JSON pointer. Another shape is a failure of the run."""
    try:
        return response.records(at)
    except Err as thrown:
        raise malformed(thrown.value, label) from None


def object_or_none(response: http.Response, at: str, label: str) -> handles.Records | None:
    """The object at a JSON pointer, as records of one; None when nothing or `null` stands there.
    Another shape is a failure of the run."""
    try:
        return response.object(at)
    except Err as thrown:
        if thrown.value.found in (handles.Shape.NULL, handles.Shape.MISSING):
            return None
        raise malformed(thrown.value, label) from None


def scalar(response: http.Response, at: str, label: str) -> int | None:
    """The number of the scalar at a JSON pointer; None when nothing or `null` stands there.
    Another shape is a failure of the run."""
    try:
        return response.value(at)
    except Err as thrown:
        raise malformed(thrown.value, label) from None


def identities(records: handles.Records, label: str) -> list[handles.Identity]:
    """The identities in these objects. Another shape is a failure of the run."""
    try:
        return records.identities()
    except Err as thrown:
        raise malformed(thrown.value, label) from None


def _http_error(error: http.HttpError) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.partition("_")[2]).lower()
    which = getattr(error, "value", None)
    return words if which is None else f"{words}: {which}"


# Outcomes


def failure(code: types.FailureCode, detail: str, label: str | None = None) -> Err:
    """The end of a run that did not work: `raise failure(…)`. `detail` holds names, statuses, sizes
    and positions, never a value."""
    return Err(types.Failure(code, label, detail))


def malformed(error: handles.ShapeError, label: str) -> Err:
    """The failure over a document that does not have the shape it must have."""
    expected, found = (
        shape.name.lower().replace("_", " ") for shape in (error.expected, error.found)
    )
    detail = f"expected {expected}, found {found} at byte {error.offset} of {error.size}"
    return failure(types.FailureCode.MALFORMED_RESPONSE, detail, label)


def finished(finding: types.Finding) -> types.Outcome:
    """The outcome of a run that is done."""
    return types.Outcome_Finished(types.Report(finding, skipped=[]))


# Configurations


class Problems:
    """Problems as they are found: all at once, each with its pointer, none repeating a value."""

    def __init__(self) -> None:
        self.list: list[types.Problem] = []

    def __bool__(self) -> bool:
        return bool(self.list)

    def error(self, code: str, pointer: str, message: str) -> None:
        self.list.append(types.Problem(types.Severity.ERROR, code, pointer, None, message))

    def parse(self, document: str) -> dict | None:
        """The document, which must be a JSON object."""
        try:
            parsed = json.loads(document)
        except ValueError:
            self.error("invalid_json", "", "This is not JSON.")
            return None
        return self._typed(parsed, dict, "")

    def optional(self, fields: dict | None, pointer: str, name: str, wanted: type) -> Any:
        """A field of an object, if it is there and of this type: `dict`, `str`, `float` for any
        number."""
        if fields is None or name not in fields:
            return None
        return self._typed(fields[name], wanted, _pointer_to(pointer, name))

    def required(self, fields: dict | None, pointer: str, name: str, wanted: type) -> Any:
        """The same of a field that must be there."""
        if fields is not None and name not in fields:
            message = f'The field "{name}" is required.'
            self.error("missing_field", _pointer_to(pointer, name), message)
        return self.optional(fields, pointer, name, wanted)

    def only(self, fields: dict | None, pointer: str, known: list[str]) -> None:
        """Every field of an object must be one of these."""
        for name in fields or {}:
            if name not in known:
                message = f"This field is not known; known here: {', '.join(known)}."
                self.error("unknown_field", _pointer_to(pointer, name), message)

    def _typed(self, value: Any, wanted: type, pointer: str) -> Any:
        if _is(value, wanted):
            return value
        message = f"This must be {_WORDS[wanted]}, and is {_WORDS.get(type(value), 'null')}."
        self.error("wrong_type", pointer, message)
        return None


def _is(value: Any, wanted: type) -> bool:
    if wanted is float:
        # Any number. To Python, True is one as well.
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, wanted)


_WORDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    float: "a number",
    int: "a number",
    bool: "a boolean",
}


def _pointer_to(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
