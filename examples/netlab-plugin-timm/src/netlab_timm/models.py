"""The command ``netlab timm-models``."""

from typing import Annotated

import typer


def command(
    pattern: Annotated[str, typer.Argument(help="Only these names; * and ? are wildcards.")] = "*",
    pretrained: Annotated[bool, typer.Option("--pretrained", help="With their weights: NAME.TAG.")] = False,
) -> None:
    """List timm's networks by the names that follow 'timm:'. Not all of them give feature maps."""
    import timm

    names = timm.list_models(pattern, pretrained=pretrained)
    if not names:
        typer.echo(f"timm has no network '{pattern}' (wildcards: 'resnet*')", err=True)
        raise typer.Exit(1)
    for name in names:
        typer.echo(name)
