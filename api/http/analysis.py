"""GET /api/metrics, POST /api/query, GET /api/schema: questions to the whole log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.http.answers import answer, problems
from api.http.problems import Problem
from api.http.reading import Asked, When
from api.main import Workspace
from projections.analytics.definitions import BadSetting, Metric, NoSuchMetric, metrics
from projections.analytics.errors import BadQuery, QueryTooLarge, QueryTooLong
from projections.analytics.results import Result

SQL_MAX = 20_000
"""Characters of a query."""
OWN_NAMES = frozenset({"at", "knew", "seen"})


class Question(BaseModel):
    """A question in SQL: one SELECT over what `/api/schema` lists."""

    model_config = ConfigDict(extra="forbid")
    sql: str = Field(min_length=1, max_length=SQL_MAX)


def analysis_routes(workspace: Workspace) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["analytics"])

    @router.get("/metrics", response_class=Response, responses=problems(401))
    def list_metrics() -> Response:
        """The named metrics there are, with what can be set."""
        position = workspace.store.head()
        known = [described(metric) for metric in metrics().values()]
        return answer({"position": position, "metrics": known}, position)

    @router.get("/metrics/{name}", response_class=Response, responses=problems(401, 404, 422, 503))
    def metric(request: Request, name: str, when: Asked) -> Response:
        """A metric's value, with its definition, its SQL and what it leaves out. Further
        parameters are the metric's settings."""
        asked = request.query_params
        given = {key: value for key, value in asked.items() if key not in OWN_NAMES}
        return _answered(workspace, when, lambda: workspace.analyst.metric(name, when.cut, given))

    @router.post("/query", response_class=Response, responses=problems(400, 401, 422, 503))
    def query(question: Question, when: Asked) -> Response:
        """What one SELECT finds; it can read the log and nothing else, and not for long."""
        return _answered(workspace, when, lambda: workspace.analyst.query(question.sql, when.cut))

    @router.get("/schema", response_class=Response, responses=problems(401, 503))
    def schema() -> Response:
        """What can be queried: relations with their columns."""
        position = workspace.store.head()
        return answer({"position": position, "relations": workspace.analyst.schema()}, position)

    return router


def _answered(workspace: Workspace, when: When, ask: Callable[[], Result]) -> Response:
    when.wait(workspace)
    try:
        result = ask()
    except NoSuchMetric as no:
        raise Problem(404, "NotFound", _sentence(no)) from None
    except BadSetting as bad:
        raise Problem(422, "Invalid", _sentence(bad), field=bad.setting) from None
    except BadQuery as bad:
        place = {"line": bad.line, "column": bad.column}
        raise Problem(422, "BadQuery", _sentence(bad), field="sql", **place) from None
    except (QueryTooLong, QueryTooLarge) as no:
        raise Problem(422, type(no).__name__, _sentence(no)) from None
    return answer(told(result), result.position)


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


def told(result: Result) -> dict[str, Any]:
    """A result as it is sent: rows by column name, and all that explains them."""
    body = {
        "position": result.position,
        "columns": result.columns,
        "rows": result.dicts(),
        "truncated": result.truncated,
        "seconds": round(result.seconds, 6),
        "at": result.cut.at,
        "knew": result.cut.knew,
        "sql": result.sql,
    }
    if result.name is None:
        return body
    return body | {
        "name": result.name,
        "title": result.title,
        "definition": result.definition,
        "source": result.source,
        "settings": result.settings,
        "excluded": result.excluded,
    }


def described(metric: Metric) -> dict[str, Any]:
    """A metric without its value."""
    return {
        "name": metric.name,
        "title": metric.title,
        "definition": metric.definition,
        "source": metric.source,
        "settings": list(metric.settings.values()),
        "columns": metric.columns,
    }
