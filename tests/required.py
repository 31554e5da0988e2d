"""A pytest plugin: tests with a marker named in ``CRM_TESTS_REQUIRED`` may not be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

REQUIRED = frozenset(filter(None, os.environ.get("CRM_TESTS_REQUIRED", "").split(",")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    demanded = REQUIRED & {mark.name for mark in item.iter_markers()}
    if report.skipped and demanded and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped, but {', '.join(sorted(demanded))} is required: {report.longrepr}"
        )
    return report
