import hashlib

from cepd.engine.ids import firing_id


def test_an_id_is_the_digest_of_the_json_array_of_its_cause() -> None:
    expected = hashlib.blake2b(b'["r","s","[1]","fired","web\\u0000e1"]', digest_size=16).hexdigest()
    assert firing_id("r", "s", "[1]", "fired", "web\x00e1") == expected
    assert len(expected) == 32


def test_texts_do_not_run_together() -> None:
    causes = [
        ("a", "b", "c", "fired", "d"),
        ("ab", "", "c", "fired", "d"),
        ("a", "b", "", "fired", "cd"),
        ("a", 'b","c', "", "fired", "d"),
        ("a", "b", "c", "summary", "d"),
        ("a", "b", "c", "resolved", "d"),
    ]
    assert len({firing_id(*cause) for cause in causes}) == len(causes)
