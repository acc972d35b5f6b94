"""Ids of firings: functions of their cause alone, so that a replay gives the same ids and inserts nothing twice."""

import hashlib

import msgspec

from cepd.model.firing import FiringKind


def firing_id(rule_id: str, state: str, key: str, kind: FiringKind, cause: str) -> str:
    """32 hex digits of BLAKE2b over the five texts as a JSON array, so no two lists of texts run together.

    `state` is the rule's State fingerprint, `key` the key's text ("" where no key is involved). `cause` is that of the
    evaluation, or of the one that began the hold, of `fired`; the minute and the first firing's id of a `storm`; the
    first firing's id of `summary` and `resolved`.
    """
    cause_and_place = msgspec.json.encode((rule_id, state, key, kind, cause))
    return hashlib.blake2b(cause_and_place, digest_size=16).hexdigest()
