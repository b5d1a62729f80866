"""The connector `contacts`; ../README.md says what it does. No value of a person passes through
this code: it composes requests out of names and numbers, and hands on what the host holds."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cordon import (
    Problems,
    failure,
    finished,
    identities,
    object_or_none,
    placeholder,
    planned,
    records,
    request,
    scalar,
    secret,
    send,
    text,
    value,
)
from wit_world import exports
from wit_world.imports import handles, http, types
from wit_world.imports.types import Action, FailureCode

#: Of the whole connection, as every configuration here is.
CONFIG_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["config"],
    "properties": {
        "config": {
            "type": "object",
            "required": ["origin"],
            "additionalProperties": False,
            "properties": {
                "origin": {
                    "type": "string",
                    "description": "Where the API is: https://contacts.example.",
                },
                "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
                "max_pages": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
                "profile": {"type": "boolean", "default": False},
            },
        },
    },
}

ORIGIN = re.compile(r"https?://[^\s/?#@{}\\]+")


@dataclass(frozen=True)
class Config:
    """What stands in the configuration; usable when no problem was found."""

    origin: str
    page_size: int
    max_pages: int
    profile: bool

    @classmethod
    def read(cls, document: str, problems: Problems) -> "Config":
        config = problems.required(problems.parse(document), "", "config", dict)
        problems.only(config, "/config", ["origin", "page_size", "max_pages", "profile"])
        origin = problems.required(config, "/config", "origin", str)
        if origin is not None and not ORIGIN.fullmatch(origin):
            problems.error("invalid_value", "/config/origin", "Write https://host, without a path.")
        page_size = _whole_number(config, "page_size", 100, 50, problems)
        max_pages = _whole_number(config, "max_pages", 1000, 100, problems)
        profile = problems.optional(config, "/config", "profile", bool) or False
        return cls(origin, page_size, max_pages, profile)

    @classmethod
    def sound(cls, document: str) -> "Config":
        """The same in a run: `validate` has found no problem in it."""
        problems = Problems()
        config = cls.read(document, problems)
        if problems:
            raise failure(FailureCode.INVALID_CONFIG, problems.list[0].message)
        return config


def _whole_number(
    config: dict | None, name: str, most: int, usual: int, problems: Problems
) -> int:
    number = problems.optional(config, "/config", name, float)
    if number is None:
        return usual
    if not (isinstance(number, int) and 1 <= number <= most):
        message = f"Write a whole number from 1 to {most}."
        problems.error("invalid_value", f"/config/{name}", message)
    return number


# Requests: defined once, for the plan and for sending

COMMON = {
    "headers": [("Authorization", text("Bearer ", secret("api_key")))],
    "retry_statuses": [429, 503],
}


def ping(config: Config) -> http.HttpRequest:
    return request("test/ping", "GET", text(config.origin, "/v1/ping"), **COMMON)


def first_page(config: Config) -> http.HttpRequest:
    return request(
        "access/contacts",
        "GET",
        text(
            config.origin,
            "/v1/contacts?email=",
            placeholder("email"),
            "&limit=",
            config.page_size,
        ),
        success=[200, 404],
        response_body=http.BodyUse.RECORDS,
        **COMMON,
    )


def next_page(config: Config, cursor: int) -> http.HttpRequest:
    # The host knows the cursor, this code its number. It goes back only to where it came from.
    first = first_page(config)
    url = first.url + text("&cursor=", value(cursor))
    return replace(first, label="access/contacts/next", url=url, success=[200])


def profile(config: Config) -> http.HttpRequest:
    return request(
        "access/profile",
        "GET",
        text(config.origin, "/v1/profile?email=", placeholder("email")),
        success=[200, 404],
        response_body=http.BodyUse.RECORDS,
        **COMMON,
    )


def deletion(config: Config) -> http.HttpRequest:
    url = text(config.origin, "/v1/contacts?email=", placeholder("email"))
    return request("delete/contact", "DELETE", url, success=[204, 404], **COMMON)


def ids(config: Config) -> http.HttpRequest:
    return request(
        "identifiers/contact_id",
        "GET",
        text(config.origin, "/v1/contacts/ids?email=", placeholder("email")),
        success=[200, 404],
        response_body=http.BodyUse.RECORDS,
        **COMMON,
    )


# Runs


def access(config: Config, emails: list[int], may_read: bool) -> types.Finding:
    pages = [page for email in emails for page in listing(config, email)]
    if may_read:
        # With the grant to read, what the API has deleted is left out.
        pages = [left for page in pages if (left := living(page)) is not None]
    if config.profile:
        pages += profiles(config, emails)
    return types.Finding_Records(pages)


def listing(config: Config, email: int) -> Iterator[handles.Records]:
    """The pages of one person."""
    query, read = first_page(config), 0
    while response := send(query, email):
        with response:  # given back to the host when the page is read
            if response.status() == 404:
                return
            yield records(response, "/items", query.label)
            cursor = scalar(response, "/next_cursor", query.label)
        if cursor is None:
            return
        read += 1
        query = next_page(config, cursor)
        if read >= config.max_pages:
            detail = f"more than {config.max_pages} pages"
            raise failure(FailureCode.QUERY_FAILED, detail, query.label)


def profiles(config: Config, emails: list[int]) -> Iterator[handles.Records]:
    """One object a person, for those who have one."""
    query = profile(config)
    for email in emails:
        response = send(query, email)
        if response and response.status() == 200:
            with response:
                found = object_or_none(response, "/profile", query.label)
            if found:
                yield found


def living(page: handles.Records) -> handles.Records | None:
    """A page without its tombstones; None when nothing is left."""
    texts = [page.read(index) for index in range(page.count())]
    left = [text for text in texts if not is_tombstone(text)]
    if not left:
        return None
    # The texts as they were: JSON has numbers that no float holds.
    return page if len(left) == len(texts) else handles.make_records(f"[{','.join(left)}]")


def is_tombstone(text: str) -> bool:
    # No number is looked at, and Python refuses to read one of thousands of digits.
    return json.loads(text, parse_int=str, parse_float=str).get("deleted") is True


def erase(config: Config, emails: list[int]) -> types.Finding:
    responses = [send(deletion(config), email) for email in emails]
    deleted = any(response and response.status() == 204 for response in responses)
    return types.Finding_Done() if deleted else types.Finding_NothingFound()


def identify(config: Config, emails: list[int], wanted: str | None) -> types.Finding:
    if wanted != "contact_id":
        raise failure(FailureCode.UNSUPPORTED, "only contact_id can be found")
    query, found = ids(config), []
    for email in emails:
        response = send(query, email)
        if response and response.status() == 200:
            found += identities(records(response, "/ids", query.label), query.label)
    return types.Finding_Identities([identity.id for identity in found])


#: The query that an action begins with.
LABELS = {
    Action.ACCESS: "access/contacts",
    Action.DELETE: "delete/contact",
    Action.IDENTIFIERS: "identifiers/contact_id",
}


# What the component exports


class Connector(exports.Connector):
    def describe(self) -> types.Descriptor:
        return types.Descriptor(
            connector_type="contacts",
            category="crm",
            display_name="Contacts",
            actions=list(LABELS),
            config_schema=json.dumps(CONFIG_SCHEMA),
            policy_schema=None,
            reads=[types.ReadGrant.RESPONSES],
        )

    def validate(self, draft: types.Draft) -> types.Verdict:
        problems = Problems()
        config = Config.read(draft.config, problems)
        if problems:
            return types.Verdict(problems.list, plan=[], egress=[])
        at = "/config/origin"
        plan, egress = [planned(at, None, ping(config))], []
        if Action.ACCESS in draft.actions:
            plan.append(planned(at, Action.ACCESS, first_page(config)))
            if config.profile:
                plan.append(planned(at, Action.ACCESS, profile(config)))
            # A page after the first holds a cursor and cannot be planned.
            egress.append(types.EgressNeed(config.origin, "/v1/contacts", ["GET"], ["api_key"]))
        if Action.DELETE in draft.actions:
            plan.append(planned(at, Action.DELETE, deletion(config)))
        if Action.IDENTIFIERS in draft.actions:
            plan.append(planned(at, Action.IDENTIFIERS, ids(config), "contact_id"))
        return types.Verdict([], plan, egress)

    def test(self, config: str) -> None:
        send(ping(Config.sound(config)))

    def run(self, task: types.Task) -> types.Outcome:
        config = Config.sound(task.config)
        if task.action not in LABELS:
            raise failure(FailureCode.UNSUPPORTED, f"nothing to do for {task.action.name.lower()}")
        known = [identity for identity in task.identities if identity.kind == "email"]
        if not known:
            raise failure(FailureCode.MISSING_PLACEHOLDER, "no email", LABELS[task.action])
        if task.action == Action.IDENTIFIERS:
            fresh = [identity.id for identity in known if identity.fresh]
            return finished(identify(config, fresh, task.wanted))
        emails = [identity.id for identity in known]
        if task.action == Action.DELETE:
            return finished(erase(config, emails))
        return finished(access(config, emails, types.ReadGrant.RESPONSES in task.reads))
