"""The metrics as a page for people, made of what their files say."""

from __future__ import annotations

from projections.analytics.definitions import Metric, Setting, metrics

HEAD = """# Metrics

Named questions to the log, each with its definition, what can be set, and the columns of its
answer. Ask with `crm metric NAME [--at T] [--set k=v]`, or over HTTP with `/api/metrics/NAME`.

Every metric is computed from the facts before the cut, on both clocks, and its answer carries the
log position that it reflects, the settings that were used, the SQL that ran, and how many rows
were left out and why. Amounts of different currencies are never added. Days and periods are told
in the time zone of the setting `zone`; `until` is always the first day that counts no longer.

This page is made from the files in `projections/analytics/metrics`: run
`python -m projections.analytics.document > docs/metrics.md` after a change.
"""


def document() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *(_section(metric) for metric in metrics().values())])


def _section(metric: Metric) -> str:
    lines = [
        f"## {metric.title}: `{metric.name}`\n",
        f"{metric.definition}\n",
        f"*Formula:* {' '.join(metric.source.split())}\n",
    ]
    if metric.settings:
        lines += ["| setting | default | values | meaning |", "| --- | --- | --- | --- |"]
        lines += [_setting(setting) for setting in metric.settings.values()]
        lines.append("")
    lines += ["| column | unit | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{n}` | {c.unit or ''} | {c.doc} |" for n, c in metric.columns.items()]
    return "\n".join([*lines, ""])


def _setting(setting: Setting) -> str:
    default = "" if setting.default is None else f"`{setting.default}`"
    values = ", ".join(f"`{value}`" for value in setting.allowed) or setting.words
    return f"| `{setting.name}` | {default} | {values} | {setting.doc} |"


if __name__ == "__main__":
    print(document(), end="")  # noqa: T201
