"""The pages: what people look at, made on the server, working without scripts."""

from __future__ import annotations

from api.web.site import mount

__all__ = ["mount"]
