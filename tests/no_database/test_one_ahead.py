"""Parts of a stream by two connections: the answers in their order, and never more than one part ahead."""

from threading import Event

import pytest

from backflush.ahead import Posted, one_ahead

PATIENCE_SECONDS = 10


def test_answers_come_in_the_order_of_the_parts() -> None:
    assert [*one_ahead(range(7), lambda part, posted: part * part)] == [part * part for part in range(7)]
    assert [*one_ahead([], lambda part, posted: part)] == []


def test_a_part_is_begun_while_the_one_before_is_confirmed() -> None:
    second_begun = Event()

    def work(part: int, posted: Posted) -> bool:
        if part == 2:
            second_begun.set()
            return True
        posted()
        return second_begun.wait(PATIENCE_SECONDS)

    assert [*one_ahead([1, 2], work)] == [True, True]


def test_no_part_is_begun_before_the_one_before_is_posted() -> None:
    told: list[str] = []

    def work(part: int, posted: Posted) -> None:
        told.append(f"{part} begun")
        told.append(f"{part} posted")
        posted()

    assert [*one_ahead(range(20), work)] == [None] * 20
    assert told == [f"{part} {what}" for part in range(20) for what in ("begun", "posted")]


def test_whoever_stops_asking_finds_one_part_more_done_at_most() -> None:
    begun: list[int] = []

    def work(part: int, posted: Posted) -> int:
        begun.append(part)
        return part

    answers = one_ahead(range(100), work)
    assert [next(answers), next(answers)] == [0, 1]
    answers.close()  # type: ignore[attr-defined]
    assert begun == [0, 1, 2]


def test_a_part_that_fails_lets_none_after_it_begin() -> None:
    begun: list[int] = []

    def work(part: int, posted: Posted) -> int:
        begun.append(part)
        if part == 1:
            raise LookupError("the database is gone")
        return part

    answers = one_ahead(range(5), work)
    with pytest.raises(LookupError, match="gone"):
        list(answers)
    assert begun == [0, 1]


def test_what_fails_when_it_is_confirmed_is_told_too() -> None:
    def work(part: int, posted: Posted) -> int:
        posted()
        if part == 1:
            raise LookupError("not confirmed")
        return part

    with pytest.raises(LookupError, match="not confirmed"):
        list(one_ahead(range(5), work))
