"""Sample a prompt by a method: images, a contact sheet and what was done (run.json), in a folder."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from PIL import Image

from repulsion import __version__
from repulsion.core.errors import BadInput, one_line, require_at_least
from repulsion.core.files import read_json
from repulsion.diffusion.model_folder import LAYOUTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

LIBRARIES = ("torch", "diffusers", "transformers")
# Of the command line, what run.json repeats.
OPTIONS = "model prompt negative_prompt method n seed guidance_scale levels schedule device dtype batch".split()


def run(args: argparse.Namespace) -> None:
    """Arguments are validated before the model is loaded; the folder is there as a whole, or not at all."""
    for name, least in (("n", 1), ("levels", 1 if args.schedule == "pipeline" else 2), ("batch", 1)):
        require_at_least(name, getattr(args, name), least)
    if args.guidance_scale is not None:
        require_at_least("guidance_scale", args.guidance_scale, 1)
    if not args.prompt.strip() or not args.prompt.isprintable():
        raise BadInput(f"prompt: expected printable text on one line, got {args.prompt!r}")
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise BadInput(f"out: expected a folder that is new or empty, got {args.out}")
    parent = args.out.absolute().parent
    if not next(p for p in (parent, *parent.parents) if p.exists()).is_dir():
        raise BadInput(f"out: expected a folder that can be made, got {args.out}")
    from tqdm import tqdm

    from repulsion.diffusion.denoiser import to_images
    from repulsion.diffusion.families.registry import family_of
    from repulsion.diffusion.levels import require_schedule  # torch: seconds, which --help should not cost
    from repulsion.forces import style_classifier
    from repulsion.sampling.methods import METHODS_FILE, load_method
    from repulsion.sampling.particles import sample_particles
    from repulsion.sampling.request import SetRequest
    from repulsion.tensors.devices import require_device

    require_device(args.device)
    require_schedule(args.schedule)
    method = load_method(args.method, args.methods_file or METHODS_FILE)
    classifier = None
    if method.needs("classifier"):
        if not args.style_classifier:
            raise BadInput(f"method {args.method} needs a style classifier: expected --style-classifier FOLDER")
        classifier = style_classifier.load(args.style_classifier).to(args.device)
    pipe = load(args.model, args.device, args.dtype)
    request = SetRequest(
        texts=args.prompt,
        seed=args.seed,
        prompt_id=args.prompt,
        schedule=args.schedule,
        levels=args.levels,
        guidance_scale=family_of(pipe).guidance_scale if args.guidance_scale is None else args.guidance_scale,
        batch=args.batch,
        gradient_batch=args.batch,
        decode_batch=args.batch,
        name=f"method {args.method}",
        height=args.height,
        width=args.width,
        negative_prompt=args.negative_prompt,
    )
    sigmas = family_of(pipe).sigmas(request.schedule, request.levels, request.size)[:-1].tolist()
    method.require_levels(sigmas)
    with tqdm(total=method.levels(sigmas), desc=args.method, unit="level") as bar:
        result = sample_particles(pipe, method, request, list(range(args.n)), classifier, bar=bar.update)
    images = to_images(pipe, result.x0, args.batch)
    done = {name: getattr(args, name) for name in OPTIONS} | {
        "guidance_scale": request.guidance_scale,
        "pipeline": type(pipe).__name__,
        "row": asdict(method),
        "style_classifier": str(args.style_classifier) if classifier else None,
        "height": images.shape[2],
        "width": images.shape[3],
        "denoiser_passes": result.passes,
        "denoiser_backward_passes": result.backward_passes,
        "versions": {"repulsion": __version__, **{name: version(name) for name in LIBRARIES}},
    }
    write(args.out, [Image.fromarray(image) for image in images.permute(0, 2, 3, 1).numpy()], result.index, done)


def load(model: str, device: str, dtype: str) -> DiffusionPipeline:
    """A folder, or what diffusers loads by an id of the hub. The folder of a Stable Diffusion 1, 2 or 3 is
    validated before its weights are read."""
    import torch

    from repulsion.core.compute import ComputeParams
    from repulsion.diffusion.families.registry import FAMILIES, supported_family
    from repulsion.diffusion.model import load_pipeline, placed

    compute = ComputeParams(dtype, False, False, False, 1, 1)
    index = Path(model) / "model_index.json"
    name = read_json(index).get("_class_name") if index.is_file() else None
    if name and name not in FAMILIES:
        raise BadInput(f"model {model}: pipeline {name}; supported: {', '.join(FAMILIES)}")
    if Path(model).is_dir() and (name is None or name in LAYOUTS):
        return load_pipeline(Path(model), device, compute)
    from diffusers import DiffusionPipeline

    try:
        pipe = DiffusionPipeline.from_pretrained(model, dtype=getattr(torch, dtype), use_safetensors=True)
    except Exception as error:  # of the hub's client, its transport, or diffusers
        raise BadInput(f"model: expected a folder or an id of the hub, got {model!r}: {one_line(error)}") from None
    family = supported_family(pipe)
    for part in (family.network, pipe.vae):
        part.requires_grad_(False)  # gradients go to latents, never to weights
    pipe.set_progress_bar_config(disable=True)
    return placed(pipe, device, compute)


def write(out: Path, pictures: Sequence[Image.Image], index: Sequence[int], done: dict[str, Any]) -> None:
    """000.png and so on, contact_sheet.png and run.json: in a folder beside `out` that takes its place at the end."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as made:
        part = Path(made) / "out"
        part.mkdir()
        files = []
        for k, (picture, particle) in enumerate(zip(pictures, index, strict=True)):
            path = part / f"{k:03d}.png"
            picture.save(path)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            files.append({"file": path.name, "particle": particle, "sha256": sha256})
        contact_sheet(pictures).save(part / "contact_sheet.png")
        text = json.dumps(done | {"images": files}, indent=1) + "\n"
        (part / "run.json").write_text(text, encoding="utf-8")
        if out.exists():
            out.rmdir()  # empty, as was validated
        part.rename(out)


def contact_sheet(pictures: Sequence[Image.Image]) -> Image.Image:
    """All pictures on one sheet, about as many columns as rows, a pixel of white between them."""
    columns = max(1, round(len(pictures) ** 0.5))
    width, height = (side + 1 for side in pictures[0].size)
    sheet = Image.new("RGB", (columns * width - 1, -(-len(pictures) // columns) * height - 1), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (k % columns * width, k // columns * height))
    return sheet
