"""Style sheets, scripts and letters, kept by browsers for as long as their address holds."""

from __future__ import annotations

from os import PathLike, stat_result

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

KEPT_SECONDS = 365 * 24 * 3600


class Files(StaticFiles):
    """An address with a version never changes its content; others are asked for anew."""

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        versioned = "v" in QueryParams(scope["query_string"]) or "/vendor/" in scope["path"]
        response.headers["Cache-Control"] = (
            f"public, max-age={KEPT_SECONDS}, immutable" if versioned else "no-cache"
        )
        return response
