"""Random conditions and events that meet each other: one small vocabulary of fields and values for both.

Every kind of field is now and then missing, null or of another kind, and literals are drawn from the very values that
events hold, so that tests come out true and false about equally often.
"""

import random

from hypothesis import strategies as st

from cepd.model.condition import All, AnyOf, Arithmetic, Call, Field, Literally, Not, Test

NUMBERS = [0, 1, 2, 2.0, 3.5, -1, 50, 50.0, 90, 0.1, 1e300, 2**53 + 1, float(2**53), 10**30]
TEXTS = ["a", "ab", "Ab", "test", "TEST", "prod", "ä", "Ä", "err: ab", "İ", "ß", "a\nb", "50"]
ADDRESSES = ["10.0.0.1", "10.9.9.9", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1", "10.0.0"]
LISTS = [[], ["a"], ["ab", "TEST"], [1, True], [None], ["test", 2.0], [50, "ä"], [[1]], [{"a": 1}]]
SCALARS = [*NUMBERS, *TEXTS, True, False, None]
PATTERNS = ["a", "^a", "b$", "[Tt]est", "ä", r"\d", "(?s)a.b", "^$|err"]
NETWORKS = ["10.0.0.0/8", "10.0.0.1", "192.168.0.0/16", "fd00::/8", "0.0.0.0/0"]

KINDS = {
    "cpu": NUMBERS,
    "mem": NUMBERS,
    "host.load": NUMBERS,
    "env": TEXTS,
    "name": [*TEXTS, ""],
    "host.name": TEXTS,
    "ip": ADDRESSES,
    "tags": LISTS,
    "host.tags": LISTS,
    "cpu-percent": NUMBERS,
    "on": [True, False],
    "any": [*SCALARS, *LISTS, {"a": 1}, {"a": True}],
    "other": [*SCALARS, *LISTS, {"a": 1.0}],
}
EVERYTHING = [*SCALARS, *LISTS, *ADDRESSES, {"a": 1}]


def random_event(rng: random.Random) -> dict:
    event: dict = {"host": {}}
    for path, values in KINDS.items():
        luck = rng.random()
        if luck < 0.1:
            continue
        value = None if luck < 0.2 else rng.choice(EVERYTHING if luck < 0.32 else values)
        *above, name = path.split(".")
        (event[above[0]] if above else event)[name] = value
    if rng.random() < 0.04:
        event["host"] = rng.choice(EVERYTHING)
    return event


def _fields(*values: list) -> st.SearchStrategy[Field]:
    return st.sampled_from([path for path, known in KINDS.items() if known in values]).map(Field)


def _some(values: list, least: int = 1) -> st.SearchStrategy[Literally]:
    """One value, or a list of up to four."""
    lists = st.lists(st.sampled_from(values), min_size=least, max_size=4)
    return st.one_of(st.sampled_from(values), lists).map(Literally)


_number_field = _fields(NUMBERS)
_text_field = _fields(TEXTS, KINDS["name"])
_any_field = st.sampled_from(list(KINDS)).map(Field)
_number = st.sampled_from(NUMBERS).map(Literally)
_lowered = st.builds(Call, st.just("lower"), _text_field)
_length = st.builds(Call, st.just("length"), st.one_of(_text_field, _fields(LISTS)))
_arithmetic = st.recursive(
    st.one_of(_number_field, _number, _length),
    lambda inner: st.builds(Arithmetic, st.sampled_from("+-*/%"), inner, inner),
    max_leaves=3,
).filter(lambda operand: isinstance(operand, Arithmetic))
_worker = st.one_of(_number_field, _number_field, _arithmetic, _length)


def _literal_near(field: Field) -> st.SearchStrategy[Literally]:
    values = [value for value in KINDS[field.path] if not isinstance(value, dict)]
    flat = [value for value in values if value not in ([[1]], [{"a": 1}])]
    return st.sampled_from([*flat, None]).map(Literally)


def _list_near(field: Field) -> st.SearchStrategy[Literally]:
    values = [value for value in KINDS[field.path] if not isinstance(value, dict | list)] or SCALARS
    return st.lists(st.sampled_from([*values, *values, None]), min_size=1, max_size=6).map(Literally)


def _near(op: str, right) -> st.SearchStrategy[Test]:
    return _any_field.flatmap(lambda field: right(field).map(lambda literal: Test(op, field, literal)))


def _orderings(op: str) -> st.SearchStrategy[Test]:
    return st.one_of(
        st.builds(Test, st.just(op), _worker, _number),
        st.builds(Test, st.just(op), _number, _worker),
        st.builds(Test, st.just(op), _worker, _worker),
    )


def _equalities(op: str) -> st.SearchStrategy[Test]:
    return st.one_of(
        _near(op, _literal_near),
        _near(op, _literal_near),
        st.builds(Test, st.just(op), st.sampled_from(SCALARS).map(Literally), _any_field),
        st.builds(Test, st.just(op), _any_field, _any_field),
        st.builds(Test, st.just(op), _lowered, st.sampled_from([text.lower() for text in TEXTS]).map(Literally)),
        st.builds(Test, st.just(op), _arithmetic, _number),
    )


def _memberships(op: str) -> st.SearchStrategy[Test]:
    item = st.sampled_from(SCALARS).map(Literally)
    return st.one_of(
        _near(op, _list_near),
        _near(op, _list_near),
        st.builds(Test, st.just(op), item, _fields(LISTS, KINDS["any"])),
        st.builds(Test, st.just(op), _any_field, _fields(LISTS)),
    )


_found = _some([text for text in TEXTS if text])
_flag = st.booleans()
LEAVES: dict[str, st.SearchStrategy[Test]] = {
    **{op: _orderings(op) for op in (">", "<", ">=", "<=")},
    **{op: _equalities(op) for op in ("==", "!=")},
    **{op: _memberships(op) for op in ("in", "not_in")},
    "contains": st.one_of(
        st.builds(Test, st.just("contains"), st.one_of(_text_field, _fields(LISTS)), _found, _flag),
        st.builds(Test, st.just("contains"), _fields(LISTS), _some(SCALARS)),
        st.builds(Test, st.just("contains"), _any_field, _any_field, _flag),
    ),
    "starts_with": st.builds(Test, st.just("starts_with"), _text_field, st.one_of(_found, _any_field), _flag),
    "ends_with": st.builds(Test, st.just("ends_with"), _text_field, st.one_of(_found, _any_field), _flag),
    "matches": st.builds(Test, st.just("matches"), _text_field, _some(PATTERNS), _flag),
    "cidr": st.builds(Test, st.just("cidr"), st.one_of(_fields(ADDRESSES), _text_field), _some(NETWORKS)),
    "exists": st.builds(Test, st.just("exists"), _any_field),
}


def leaves() -> st.SearchStrategy[Test]:
    return st.sampled_from(list(LEAVES)).flatmap(LEAVES.__getitem__)


def trees() -> st.SearchStrategy:
    def grow(inner):
        groups = st.lists(inner, min_size=2, max_size=4).map(tuple)
        return st.one_of(groups.map(All), groups.map(AnyOf), groups.map(AnyOf), inner.map(Not))

    return st.recursive(leaves(), grow, max_leaves=12)
