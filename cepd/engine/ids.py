"""Ids of firings: functions of their cause alone, so that a replay gives the same ids and inserts nothing twice."""

import hashlib
from functools import lru_cache

import msgspec

from cepd.model.firing import FiringKind

_encode = msgspec.json.Encoder().encode


def firing_id(rule_id: str, state: str, key: str, kind: FiringKind, cause: str) -> str:
    """32 hex digits of BLAKE2b over the five texts as a JSON array, so no two lists of texts run together.

    `state` is the rule's State fingerprint, `key` the key's text ("" where no key is involved). `cause` is that of the
    evaluation, or of the one that began the hold, of `fired`; the minute and the first firing's id of a `storm`; the
    first firing's id of `summary` and `resolved`.
    """
    digest = _of_rule(rule_id, state).copy()
    digest.update(_encode((key, kind, cause))[1:])
    return digest.hexdigest()


@lru_cache(maxsize=10_000)
def _of_rule(rule_id: str, state: str) -> "hashlib.blake2b":
    """A digest that took in what all firings of a rule begin with: the array up to its third text."""
    return hashlib.blake2b(_encode((rule_id, state))[:-1] + b",", digest_size=16)
