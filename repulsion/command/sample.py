"""Sample a prompt by a method: images, a contact sheet and what was done (run.json), in a folder."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repulsion import __version__
from repulsion.core.errors import BadInput, one_line, require_at_least, require_one_of
from repulsion.core.files import new_file

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline
    from PIL.Image import Image

# Of the command line, what run.json repeats.
OPTIONS = "model prompt method n seed guidance_scale levels schedule device dtype batch".split()


def run(args: argparse.Namespace) -> None:
    """What can be wrong is validated before the model is loaded."""
    for name, least in (("n", 1), ("levels", 2), ("batch", 1), ("guidance_scale", 1)):
        require_at_least(name, getattr(args, name), least)
    if not args.prompt.strip() or not args.prompt.isprintable():
        raise BadInput(f"prompt: expected printable text on one line, got {args.prompt!r}")
    if args.out.exists() and (not args.out.is_dir() or any(args.out.iterdir())):
        raise BadInput(f"out: expected a folder that is new or empty, got {args.out}")
    from tqdm import tqdm

    from repulsion.diffusion.denoiser import to_images  # torch: seconds, which --help should not cost
    from repulsion.diffusion.levels import SCHEDULES
    from repulsion.forces import style_classifier
    from repulsion.forces.embeddings import CLASSIFIER_SPACES
    from repulsion.sampling.methods import METHODS_FILE, load_method
    from repulsion.sampling.particles import SetRequest, sample_particles

    require_one_of(args.schedule, SCHEDULES, "schedule")
    method = load_method(args.method, args.methods_file or METHODS_FILE)
    needs = sorted(set(method.spaces) & set(CLASSIFIER_SPACES))
    if needs and not args.style_classifier:
        raise BadInput(f"method {args.method} repels in the space {needs[0]}: expected --style-classifier FOLDER")
    classifier = style_classifier.load(args.style_classifier).to(args.device) if needs else None
    pipe = load(args.model, args.device, args.dtype)
    request = SetRequest(
        texts=args.prompt,
        seed=args.seed,
        prompt_id=args.prompt,
        schedule=args.schedule,
        levels=args.levels,
        guidance_scale=args.guidance_scale,
        batch=args.batch,
        gradient_batch=args.batch,
        decode_batch=args.batch,
        name=f"method {args.method}",
        height=args.height,
        width=args.width,
    )
    total = args.levels * (method.select.candidates if method.select else 1)
    with tqdm(total=total, desc=args.method, unit="level") as bar:
        result = sample_particles(pipe, method, request, list(range(args.n)), classifier, bar=bar.update)
    images = to_images(pipe, result.x0, args.batch)
    write(args, images.permute(0, 2, 3, 1).numpy(), asdict(method), result)


def load(model: str, device: str, dtype: str) -> StableDiffusionPipeline:
    """A folder, validated; or what diffusers loads by an id of the hub."""
    import torch

    from repulsion.core.compute import ComputeParams
    from repulsion.diffusion.model import load_pipeline, placed, require_supported_pipeline
    from repulsion.tensors.devices import require_device

    require_device(device)
    compute = ComputeParams(dtype, False, False, False, 1, 1)
    if Path(model).is_dir():
        return load_pipeline(Path(model), device, compute)
    from diffusers import DiffusionPipeline

    try:
        pipe = DiffusionPipeline.from_pretrained(model, dtype=getattr(torch, dtype), use_safetensors=True)
    except Exception as error:  # of the hub's client, its transport, or diffusers
        raise BadInput(f"model: expected a folder or an id of the hub, got {model!r}: {one_line(error)}") from None
    require_supported_pipeline(pipe)
    pipe.set_progress_bar_config(disable=True)
    return placed(pipe, device, compute)


def write(args: argparse.Namespace, images: Any, row: dict[str, Any], result: Any) -> None:
    """000.png and so on, contact_sheet.png, and run.json, last: a folder that has it is whole."""
    from PIL import Image

    pictures = [Image.fromarray(image) for image in images]
    files = [{"file": f"{k:03d}.png", "particle": particle} for k, particle in enumerate(result.index)]
    for picture, entry in zip(pictures, files, strict=True):
        with new_file(args.out / entry["file"]) as part:
            picture.save(part, "PNG")
        entry["sha256"] = hashlib.sha256((args.out / entry["file"]).read_bytes()).hexdigest()
    with new_file(args.out / "contact_sheet.png") as part:
        contact_sheet(pictures).save(part, "PNG")
    libraries = ("torch", "diffusers", "transformers")
    done = {name: getattr(args, name) for name in OPTIONS} | {
        "row": row,
        "style_classifier": str(args.style_classifier) if args.style_classifier else None,
        "image_size": list(pictures[0].size),
        "denoiser_passes": result.passes,
        "denoiser_backward_passes": result.backward_passes,
        "versions": {"repulsion": __version__, **{name: version(name) for name in libraries}},
        "images": files,
    }
    with new_file(args.out / "run.json") as part:
        part.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")


def contact_sheet(pictures: Sequence[Image]) -> Image:
    """All pictures on one sheet, about as many columns as rows, a pixel of white between them."""
    from PIL import Image

    columns = max(1, round(len(pictures) ** 0.5))
    width, height = (side + 1 for side in pictures[0].size)
    sheet = Image.new("RGB", (columns * width - 1, -(-len(pictures) // columns) * height - 1), "white")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (k % columns * width, k // columns * height))
    return sheet
