"""Operation: a draft becomes a delivery that is owed, linked to its alert. One that is owed already stays as it is."""

from collections.abc import Sequence

from cepd.model.delivery import Draft
from cepd.stores.operations import Operation, many
from cepd.stores.rows import draft_row


def owe(drafts: Sequence[Draft], fallback_of: str | None = None) -> Operation[None]:
    """`fallback_of`: the id of the delivery that they stand in for."""
    if drafts:
        yield many("insert_delivery", [draft_row(draft, fallback_of) for draft in drafts])
        yield many("insert_delivery_alert", [{"id": draft.id, "alert_id": draft.alert_id} for draft in drafts])
