"""An overlay is the dictionary that its changes would make, and nobody else sees it before it is applied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framework_m_standard.memory.engine.overlay import Journal, Overlay

_NAMES = "abcdef"
_KEYS = st.sampled_from(_NAMES)
_STEPS = st.lists(st.tuples(st.sampled_from(["put", "remove", "mark", "undo"]), _KEYS, st.integers()))


@given(base=st.dictionaries(_KEYS, st.integers()), steps=_STEPS)
def test_it_agrees_with_a_dictionary_that_is_copied_at_each_mark(
    base: dict[str, int], steps: list[tuple[str, str, int]]
) -> None:
    journal, model = Journal(), dict(base)
    untouched, overlay = dict(base), Overlay(base, journal)
    marks = [(journal.mark(), dict(model))]
    for step, key, value in steps:
        if step == "put":
            overlay.put(key, value)
            model[key] = value
        elif step == "remove":
            overlay.remove(key)
            model.pop(key, None)
        elif step == "mark":
            marks.append((journal.mark(), dict(model)))
        else:
            mark, kept = marks[-1] if len(marks) == 1 else marks.pop()
            journal.undo_to(mark)
            model = dict(kept)
        assert sorted(overlay.values()) == sorted(model.values())
        assert [overlay.get(key) for key in _NAMES] == [model.get(key) for key in _NAMES]
        assert base == untouched
    overlay.apply()
    assert base == model
