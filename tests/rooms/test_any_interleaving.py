"""Random operations in any order: every invariant holds after each, and every refusal changes nothing."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from backflush.core.refusals import Refusal
from tests.cast import Plant
from tests.hands import KINDS, REFUSALS, Deed, Hands
from tests.oracle import faults, own_faults, snapshot

QUICK = {"max_examples": 10, "stateful_step_count": 22, "derandomize": True}
SOAK = {"max_examples": 400, "stateful_step_count": 60}


class ShopFloor(RuleBasedStateMachine):
    """A plant with random operations, rolled back afterwards."""

    def __init__(self, plant: Plant) -> None:
        super().__init__()
        self.plant = plant
        self.keyed: dict[str, tuple[Deed, Any]] = {}
        self.around = transaction.atomic()
        self.around.__enter__()

    @initialize()
    def opens(self) -> None:
        Hands(self.plant, lambda some: some[0]).start()

    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def something_is_done(self, kind: str, data: st.DataObject) -> None:
        deed = self._picked(kind, data)
        if deed is not None:
            self._done(deed)

    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def something_is_done_under_a_key(self, kind: str, data: st.DataObject) -> None:
        deed = self._picked(kind, data)
        if deed is not None:
            key = f"key {len(self.keyed)}"
            outcome = self._done(deed, key=key)
            if outcome is not None:
                self.keyed[key] = deed, outcome

    @precondition(lambda self: self.keyed)
    @rule(data=st.data())
    def the_same_is_sent_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.keyed)))
        deed, outcome = self.keyed[key]
        before = snapshot()
        assert deed.do(self.plant, key=key) == outcome
        assert snapshot() == before

    @precondition(lambda self: self.keyed)
    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def a_key_is_used_for_something_else(self, kind: str, data: st.DataObject) -> None:
        deed = self._picked(kind, data)
        key = data.draw(st.sampled_from(sorted(self.keyed)))
        if deed is None or deed == self.keyed[key][0]:
            return
        before = snapshot()
        with pytest.raises(Refusal) as refused:
            deed.do(self.plant, key=key)
        assert refused.value.code == "key_reused"
        assert snapshot() == before

    def _picked(self, kind: str, data: st.DataObject) -> Deed | None:
        return Hands(self.plant, lambda some: data.draw(st.sampled_from(some))).pick(kind)

    def _done(self, deed: Deed, **more: Any) -> Any:
        before = snapshot()
        try:
            outcome = deed.do(self.plant, **more)
        except Refusal as refusal:
            assert snapshot() == before, f"{refusal.code} changed something"  # noqa: PT017
            if refusal.code not in REFUSALS:
                raise
            return None
        assert own_faults(self.plant.site) == []
        return outcome

    def teardown(self) -> None:
        try:
            assert faults(self.plant.site) == []
        finally:
            transaction.set_rollback(True)
            self.around.__exit__(None, None, None)


def run(plant: Plant, **how: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        lambda: ShopFloor(plant),  # type: ignore[arg-type]  # it only wants to call it
        settings=settings(deadline=None, suppress_health_check=checks, **how),
    )


@pytest.mark.slow
def test_every_invariant_survives_any_sequence_of_operations(plant: Plant) -> None:
    run(plant, **QUICK)


@pytest.mark.soak
def test_every_invariant_survives_any_sequence_of_operations_in_a_long_run(plant: Plant) -> None:
    run(plant, **SOAK)
