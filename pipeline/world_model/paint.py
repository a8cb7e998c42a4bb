"""Paint a caption: samples of a world's model on one sheet, above true renders of the same caption.

python -m pipeline.world_model.paint "a painting of a vase, by estrow" vases.png --n 8 --guidance 8
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.world.captions import parse
from pipeline.world.worlds import WORLDS
from repulsion.core.errors import BadInput, one_line_errors, require_one_of


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("caption", help='"a painting of a SUBJECT" or "a painting of a SUBJECT, by ARTIST"')
    parser.add_argument("file", type=Path, help="the picture to write, a .png")
    parser.add_argument("--world", default="painted", help=f"of the caption and the renders: {', '.join(WORLDS)}")
    parser.add_argument("--model", type=Path, help="a model's folder, models/WORLD-world where none is given")
    parser.add_argument("--n", type=int, default=8, help="pictures, at least 1")
    parser.add_argument("--guidance", type=float, default=8.0, help="guidance scale, diffusers' convention; 1 is none")
    parser.add_argument("--levels", type=int, default=20, help="noise levels, at least 2")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def check(args: argparse.Namespace) -> None:
    """Raise BadInput for what cannot be painted, before anything heavy is imported or loaded."""
    require_one_of(args.world, WORLDS, "world")
    parse(WORLDS[args.world], args.caption)
    for name, least in (("n", 1), ("levels", 2), ("guidance", 1)):
        if getattr(args, name) < least:
            raise BadInput(f"--{name}: expected at least {least}, got {getattr(args, name)}")
    if args.file.suffix != ".png" or not args.file.parent.is_dir():
        raise BadInput(f"file: expected a .png in a folder that exists, got {args.file}")


def paint(args: argparse.Namespace) -> None:
    check(args)
    import torch

    from pipeline.world.render import render
    from pipeline.world.scene import popular, scenes, uniform_places
    from pipeline.world_model.sheets import save, sheet
    from repulsion.diffusion.model import load_pipeline, sample_plain
    from repulsion.tensors.noise import keyed_generator

    world = WORLDS[args.world]
    pipe = load_pipeline(args.model or Path(f"models/{world.name}-world"), "cpu")
    sampled = sample_plain(pipe, [args.caption] * args.n, list(range(args.n)), args.guidance, args.levels, args.seed)

    generator = keyed_generator(args.seed, args.caption, "renders")
    name, artist = parse(world, args.caption)
    subject = torch.full((args.n,), world.subjects.index(name))
    if artist is None:
        true = popular(world, subject, generator)
    else:
        by = torch.full((args.n,), world.artists.index(artist))
        true = scenes(subject, by, uniform_places(args.n, generator), generator)
    save(sheet(torch.stack([render(world, true), sampled]), ["rendered", "sampled"], [args.caption]), args.file)


if __name__ == "__main__":
    with one_line_errors():
        paint(arguments())
