"""What nobody foresaw is a page too, and says what became of what was sent."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from api.http.problems import Failures, answer_with_problems
from api.main import Workspace
from api.web.pages import Pages
from api.web.problem_pages import ProblemPages
from domain.opportunities import OpportunityIsClosed
from tests.serving import served
from tests.web.test_pages import text


def broken(workspace: Workspace) -> FastAPI:
    """An application in which things go wrong."""
    application = FastAPI()
    answer_with_problems(application)
    application.add_middleware(Failures)
    application.add_middleware(ProblemPages, pages=Pages(workspace))

    @application.api_route("/fails", methods=["GET", "POST"])
    def fails() -> None:
        raise ZeroDivisionError

    @application.post("/refuses")
    def refuses() -> None:
        raise OpportunityIsClosed

    @application.get("/fine")
    def fine() -> dict[str, str]:
        return {"all": "well"}

    return application


class _Quiet:
    """Stands where the server looks for what follows the log."""

    def close(self) -> None:
        """Nothing follows it here."""


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> Iterator[httpx.Client]:
    application = broken(workspace)
    application.state.live = _Quiet()
    with (
        served(application) as url,
        httpx.Client(base_url=url, headers={"Accept": "text/html"}) as somebody,
    ):
        yield somebody


def test_a_failure_has_a_reference_and_can_be_tried_again(client: httpx.Client) -> None:
    page = client.get("/fails?a=1")
    assert page.status_code == 500
    assert "Reference:" in text(page)
    assert 'href="/fails?a=1"' in page.text


def test_a_failure_of_a_form_says_what_was_stored(client: httpx.Client) -> None:
    page = client.post("/fails")
    assert "Nothing was stored." not in text(page)
    assert "Look whether it was stored" in text(page)
    assert "Try again" not in text(page)


def test_a_refusal_says_that_nothing_was_stored(client: httpx.Client) -> None:
    page = client.post("/refuses")
    assert page.status_code == 409
    assert "A closed opportunity stays where it is." in text(page)
    assert "Nothing was stored." in text(page)


def test_htmx_is_told_in_the_live_region(client: httpx.Client) -> None:
    part = client.post("/refuses", headers={"HX-Request": "true"})
    assert part.status_code == 409
    assert '<hx-partial hx-target="#alarm"' in part.text
    assert "<html" not in part.text


def test_what_goes_well_is_left_alone(client: httpx.Client) -> None:
    assert client.get("/fine").json() == {"all": "well"}
