"""`caponier scan`: look for attacks."""

from typing import Final

import typer

from caponier.cli.terminal.lazy_group import Table, lazy

COMMANDS: Final[Table] = {
    "inference": "caponier.cli.scan.inference:inference",
    "logs": "caponier.cli.scan.logs:logs",
    "dataset": "caponier.cli.scan.dataset:dataset",
    "artifact": "caponier.cli.scan.artifact:artifact",
    "model": "caponier.cli.scan.model:model",
}

app = typer.Typer(
    add_completion=False,
    cls=lazy(COMMANDS),
    help="Look for attacks: in inference logs, security logs, data sets, model files and the models in them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier scan inference events.parquet --baseline digits.safetensors[/bold]",
)


@app.callback()
def _group() -> None:
    """Look for attacks: in inference logs, security logs, data sets, model files and the models in them."""
