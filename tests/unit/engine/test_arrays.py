"""Arrays come back from JSON bit by bit, on any machine, or are refused."""

import struct
import sys
from array import array

import msgspec
import pytest

from cepd.engine.arrays import dec_hook, digests, enc_hook, floats, ints


def there_and_back(items: array) -> array:
    return msgspec.json.decode(msgspec.json.encode(items, enc_hook=enc_hook), type=array, dec_hook=dec_hook)


@pytest.mark.parametrize(
    ("empty", "items"),
    [
        (ints, [0, -1, 2**63 - 1, -(2**63)]),
        (digests, [0, 2**64 - 1]),
        (floats, [0.1, -0.0, 5e-324, sys.float_info.max, float("inf"), float("nan")]),
        (floats, []),
    ],
)
def test_all_items_come_back(empty: object, items: list[float]) -> None:
    found = empty()
    found.extend(items)
    loaded = there_and_back(found)
    assert (loaded.typecode, loaded.tobytes()) == (found.typecode, found.tobytes())


def test_the_form_is_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    form = b'["q","AQAAAAAAAAA="]'
    assert msgspec.json.encode(array("q", [1]), enc_hook=enc_hook) == form
    monkeypatch.setattr(sys, "byteorder", "little" if sys.byteorder == "big" else "big")
    foreign = array("q", struct.pack(">q" if sys.byteorder == "big" else "<q", 1))
    kept = foreign[:]
    assert msgspec.json.encode(foreign, enc_hook=enc_hook) == form
    assert foreign == kept, "encoding leaves the state alone"
    assert there_and_back(foreign) == foreign


@pytest.mark.parametrize(
    "text", ['["q","AQ=="]', '["u",""]', '["q"]', '["q","*"]', '["q","AQAAAAAAAAA"]', "7", '["q",7]', '[["q"],""]']
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"array|typecode|multiple"):
        msgspec.json.decode(text, type=array, dec_hook=dec_hook)


def test_only_arrays_are_hooked() -> None:
    with pytest.raises(TypeError, match="complex is not state"):
        msgspec.json.encode(1j, enc_hook=enc_hook)
    with pytest.raises(msgspec.ValidationError, match="complex is not state"):
        msgspec.json.decode("1", type=complex, dec_hook=dec_hook)
