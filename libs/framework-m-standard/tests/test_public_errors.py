"""An app imports the errors that documents raise from the front door, each the class that is raised."""

from __future__ import annotations

import pytest

import framework_m
from framework_m_core.domain import errors


@pytest.mark.parametrize(
    "name",
    [
        "DocTypeNotFoundError", "DuplicateNameError", "DuplicateValueError", "EntityNotFoundError", "FrameworkError",
        "LinkTargetError", "LinkedDocumentError", "PermissionDeniedError", "QueryError", "SubmittedDocumentError",
        "TransientError", "ValidationError", "VersionConflictError",
    ],
)  # fmt: skip
def test_an_app_can_catch_it(name: str) -> None:
    assert name in framework_m.__all__
    assert getattr(framework_m, name) is getattr(errors, name)
