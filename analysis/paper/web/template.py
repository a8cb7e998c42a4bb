"""A page of a template: its styles and scripts stand in it, and nothing else may run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repulsion.core.files import read_text

TEMPLATES = Path("report")
PARTS = TEMPLATES / "page"


def allowed(text: str) -> str:
    """A policy's word for a script or a style: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy: this style, this script, pictures that it holds, and no network."""
    rules = ("default-src 'none'", "img-src data:", f"style-src {allowed(style)}", f"script-src {allowed(script)}")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def rendered(template: str, scripts: Sequence[str], **values: Any) -> str:
    """A template of report/, with the scripts of report/page/ as one."""
    style = read_text(PARTS / "style.css")
    script = '"use strict";\n' + "".join(read_text(PARTS / name) for name in scripts)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        style=Markup(style), script=Markup(script), policy=policy(style, script), **values
    )
