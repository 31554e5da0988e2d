"""``crm demo``: a company to look at."""

from __future__ import annotations

import click

from api.cli.common import Line, bring_views_up, data_option, settings
from api.cli.serving import run
from api.demo import seed
from api.main import Workspace
from api.settings import Settings

SMALL = 0.1
"""The part of the company that --small makes."""


@click.command("demo")
@click.option("--no-serve", is_flag=True, help="Make the company and stop.")
@click.option("--small", is_flag=True, help="A tenth of the company, for a quick look.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port; 0 takes a free one.")
@data_option
def demo_command(no_serve: bool, small: bool, host: str | None, port: int | None) -> None:
    """Make a demo company of two years, and serve it. An interrupted one goes on where it was."""
    chosen = settings(host=host, port=port)
    line = Line()

    def show(done: int, of: int) -> None:
        line.show(f"making the demo company: {done:,} of {of:,} commands")

    click.echo(f"A demo company in {chosen.data}.", err=True)
    with Workspace.open(chosen, runner=False) as opened:
        seed(opened.bus, show, scale=SMALL if small else 1.0)
        line.end()
        bring_views_up(opened)
        chosen = _as_member(chosen, opened)
        click.echo(f"The log holds {opened.store.head():,} events.", err=True)
    if not no_serve:
        run(chosen, "all")


def _as_member(chosen: Settings, opened: Workspace) -> Settings:
    """Lets whoever looks at the demo be one of its staff, unless they are somebody already."""
    first = opened.store.page(0, 1, names=["member.added"])
    if chosen.member is not None or not first:
        return chosen
    return chosen.model_copy(update={"member": first[0].stream})
