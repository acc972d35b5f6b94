"""Which alerts are meant: the filters of `GET /cep/events` and of an ACK of many, read in one place."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from cepd.model.alert import AlertState, Verdict
from cepd.model.delivery import DeliveryState
from cepd.model.errors import InputError
from cepd.model.json import Json
from cepd.model.rule import SEVERITIES, SEVERITY_ALIASES, severity_of
from cepd.ports import AlertQuery
from cepd.web.query import choice, choices, instant
from cepd.web.shapes import FLAG, TEXT, TIME, listed

LONGEST_TEXT = 200
SEVERITY_WORDS = (*SEVERITIES, *SEVERITY_ALIASES)
STATES = get_args(AlertState)
DELIVERY_STATES = get_args(DeliveryState)
VERDICTS = (*get_args(Verdict), "none")
BOOLEANS = {"true": True, "false": False}

FILTERS: dict[str, Mapping[str, Json]] = {
    "rule_id": TEXT,
    "severity": {
        **listed({"type": "string", "enum": list(SEVERITY_WORDS)}),
        "description": "Any of them: repeated, or with commas.",
    },
    "state": {"type": "string", "enum": list(STATES)},
    "acked": FLAG,
    "from": {**TIME, "description": "Fired at this time or later: RFC 3339, or seconds since the epoch."},
    "to": {**TIME, "description": "Fired before this time."},
    "channel_state": {
        "type": "string",
        "enum": list(DELIVERY_STATES),
        "description": "It has a delivery in that state.",
    },
    "verdict": {"type": "string", "enum": list(VERDICTS), "description": "`none`: nobody has judged it."},
    "q": {
        **TEXT,
        "maxLength": LONGEST_TEXT,
        "description": "Text in the summary, or in the key as JSON; A to Z in either case.",
    },
}


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """The filters as members of a body."""

    rule_id: str | None = None
    severity: str | list[str] | None = None
    state: str | None = None
    acked: bool | None = None
    since: str | int | float | None = None
    until: str | int | float | None = None
    channel_state: str | None = None
    verdict: str | None = None
    q: str | None = None

    def words(self) -> dict[str, str]:
        """As query parameters would say it. InputError for an empty one."""
        given = {name: value for name, value in msgspec.to_builtins(self).items() if value is not None}
        found = {name: _word(value) for name, value in given.items()}
        for name, word in found.items():
            if not word:
                raise InputError(f"the filter {name!r} is empty", help="give it a value, or leave it out")
        return found


def alert_query(
    given: Mapping[str, str], *, limit: int, cursor: str | None = None, what: str = "query parameter"
) -> AlertQuery:
    """The query that the filters among the parameters mean. InputError."""
    severities = choices(given, "severity", SEVERITY_WORDS, what)
    acked = choice(given, "acked", BOOLEANS, what)
    since, until = instant(given, "from", what), instant(given, "to", what)
    if since is not None and until is not None and since > until:
        raise InputError(f"the {what} 'from' is later than 'to'", help="give the earlier time as 'from'")
    q = given.get("q")
    if q is not None and len(q) > LONGEST_TEXT:
        raise InputError(f"the {what} 'q' is longer than {LONGEST_TEXT} characters", help="give less of the text")
    return msgspec.convert(
        {
            "rule_id": given.get("rule_id"),
            "severity": None if severities is None else [severity_of(word) for word in severities],
            "state": choice(given, "state", STATES, what),
            "acked": None if acked is None else BOOLEANS[acked],
            "since": since,
            "until": until,
            "channel_state": choice(given, "channel_state", DELIVERY_STATES, what),
            "verdict": choice(given, "verdict", VERDICTS, what),
            "q": q,
            "limit": limit,
            "cursor": cursor,
        },
        AlertQuery,
    )


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)
