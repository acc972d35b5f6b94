import pytest

from cepd.engine.baseline import Finding, measure, methods_of
from cepd.engine.shares import ENDS, distribution, no_counts, share_of_line

AUTO = methods_of("auto")


def found(method: str, score: float) -> Finding:
    return measure(AUTO[method], 100.0 + score, 100.0, 100.0, 1.0, 0.0, 500)


def test_the_one_furthest_out_by_its_own_line_counts_up_or_down() -> None:
    assert share_of_line([found("level_shift", 1.0)]) == 0.5
    assert share_of_line([found("level_shift", -3.0)]) == 1.5
    assert share_of_line([found("level_shift", 1.0), found("seasonal", -15.0), found("volatility", 1.5)]) == 0.75
    assert share_of_line([found("extreme", 0.0)]) == 0.0


@pytest.mark.parametrize(("method", "line"), [("zscore", 4.0), ("iqr", 3.0), ("auto", 1.0)])
def test_a_method_alone_is_told_in_points_of_score_and_several_in_shares(method: str, line: float) -> None:
    told = distribution(method, range(9))
    assert [one["from"] for one in told] == [0.0, *(share * line for share in ENDS)]
    assert [one["to"] for one in told] == [*(share * line for share in ENDS), None]
    assert [one["count"] for one in told] == list(range(9))


def test_there_is_a_count_for_each_class() -> None:
    assert len(distribution("zscore", no_counts())) == len(no_counts()) == 9
