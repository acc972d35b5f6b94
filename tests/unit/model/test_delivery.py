"""A draft's identity: a function of its cause, and of all of it."""

from cepd.model.delivery import Draft, draft_of
from cepd.model.terms import Terms
from tests.support.firings import a_firing, an_alert


def draft(*, firing: str = "f1", action: int = 0, target: str = "ops", request: bytes = b"{}", at: int = 0) -> Draft:
    alert = an_alert(recorded_at=at)
    return draft_of(
        a_firing(id=firing), alert, action=action, type="webhook", target=target, request=request, terms=Terms()
    )


def test_the_same_cause_gives_the_same_id_whenever_and_however_it_is_rendered() -> None:
    assert draft().id == draft(request=b"other", at=9).id


def test_another_firing_action_or_target_is_another_delivery() -> None:
    ids = {draft().id, draft(firing="f2").id, draft(action=1).id, draft(target="hook").id}
    assert len(ids) == 4


def test_an_id_holds_nothing_that_a_message_id_may_not() -> None:
    assert draft(firing="a.b", target="x.y").id.isalnum()
