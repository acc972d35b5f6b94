"""What people do to alerts: acknowledge, give back, resolve, remark, judge. What comes of it: `cepd.policies.acks`."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.alert import Alert, ChangeKind, NoticeKind, Through, Verdict
from cepd.model.instant import Instant

ActKind: TypeAlias = Literal["ack", "unack", "resolve", "note", "verdict"]

ACTS: dict[ChangeKind, ActKind] = {
    "ack": "ack",
    "steal": "ack",
    "extend": "ack",
    "unack": "unack",
    "resolve": "resolve",
    "note": "note",
    "verdict": "verdict",
}
"""Which act a change of the kind comes from; a lapse comes from none."""

NOTICES: dict[ChangeKind, NoticeKind] = {
    "ack": "acked",
    "steal": "acked",
    "extend": "acked",
    "unack": "unacked",
    "lapse": "unacked",
    "resolve": "resolved",
    "note": "noted",
    "verdict": "judged",
}
"""What those who watch hear of a change."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """`note` is what the person says to it. `steal` takes it over from another who holds the alert."""

    kind: ActKind
    by: str
    at: Instant
    source: Through = "api"
    note: str | None = None
    steal: bool = False
    until: Instant | None = None
    """Of an ack: when it ends by itself; later than `at`."""
    verdict: Verdict | None = None
    """Of a verdict; None takes it back."""
    key: str | None = None
    """The person's own name for this request: of one alert it is carried out once."""


class Changed(msgspec.Struct, frozen=True):
    """What an act made of an alert. `kind` None: nothing, as it is so already."""

    before: Alert
    alert: Alert
    kind: ChangeKind | None
