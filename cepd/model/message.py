"""What a channel is given to say: one alert, at one moment, in one text."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.alert import Alert, AlertState
from cepd.model.firing import Firing, FiringKind
from cepd.model.instant import format_instant
from cepd.model.json import Json

MessageType: TypeAlias = Literal["alert.fired", "alert.resolved", "alert.summary"]

_TYPES: dict[FiringKind, MessageType] = {
    "fired": "alert.fired",
    "storm": "alert.fired",
    "resolved": "alert.resolved",
    "summary": "alert.summary",
}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The fields, in this order, are the JSON body of webhooks."""

    type: MessageType
    event_id: str
    rule_id: str
    rule_name: str
    severity: str
    state: AlertState
    message: str
    key: dict[str, Json]
    values: dict[str, Json]
    time: str
    payload: Json


def message_of(firing: Firing, alert: Alert, text: str) -> Message:
    """The message for a firing of an alert. `alert` holds what was true when it fired."""
    return Message(
        type=_TYPES[firing.kind],
        event_id=alert.event_id,
        rule_id=alert.rule_id,
        rule_name=alert.rule_name,
        severity=alert.severity,
        state=alert.state,
        message=text,
        key=firing.key,
        values=firing.values,
        time=format_instant(firing.time),
        payload=alert.payload,
    )
