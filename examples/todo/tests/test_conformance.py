"""The DocTypes keep what every DocType must keep."""

from pathlib import Path

from framework_m_testing.conformance import DocTypeConformance


class TestTodo(DocTypeConformance):
    folder = Path(__file__).parents[1]
