"""The command `repulsion`: sample a prompt by a method; list the methods."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from repulsion import __version__
from repulsion.command import methods, sample
from repulsion.core.errors import one_line_errors


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="repulsion", description=__doc__)
    found.add_argument("--version", action="version", version=__version__)
    commands = found.add_subparsers(required=True, metavar="{sample,methods}")
    rows = commands.add_parser("methods", help="list the methods, one line each", description=methods.__doc__)
    rows.add_argument("--file", type=Path, help="rows of your own, a YAML file (default: those of the package)")
    rows.add_argument("--schema", action="store_true", help="the JSON Schema of such a file")
    rows.set_defaults(run=methods.run)
    one = commands.add_parser(
        "sample",
        help="sample a prompt by a method",
        description=sample.__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    one.add_argument(
        "--model", required=True, help="a pipeline of diffusers: a folder, or an id of the Hugging Face hub"
    )
    one.add_argument("--prompt", required=True)
    one.add_argument("--negative-prompt", help="of models that have a pass without the prompt")
    one.add_argument("--method", required=True, help="a row: see `repulsion methods`")
    one.add_argument("--methods-file", type=Path, help="rows of your own, a YAML file")
    one.add_argument("-n", type=int, default=16, help="images, denoised together")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--out", type=Path, required=True, help="a folder that is new or empty")
    one.add_argument("--guidance-scale", type=float, help="1 is none, as in diffusers; without it, the family's")
    one.add_argument("--levels", type=int, default=20, help="noise levels")
    one.add_argument("--schedule", default="linspace", help="of the noise levels: linspace, karras, or pipeline")
    one.add_argument("--height", type=int, help="of an image, in pixels; the model's own by default")
    one.add_argument("--width", type=int, help="of an image, in pixels; the model's own by default")
    one.add_argument("--batch", type=int, default=16, help="latents in one call of the network")
    one.add_argument("--style-classifier", type=Path, help="folder of one, for methods that repel in its spaces")
    one.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    one.add_argument("--dtype", choices=("float32", "float16", "bfloat16"), default="float32", help="of the model")
    one.set_defaults(run=sample.run)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    args = parser().parse_args(arguments)
    with one_line_errors():
        args.run(args)
