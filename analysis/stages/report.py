"""STAGE report: the paper (PDF) and the web page (HTML) of a profile."""

from __future__ import annotations

from analysis.paper import page, paper
from analysis.study.settings import Study
from pipeline.profile.stage import main
from repulsion.core.files import new_file


def run(study: Study) -> None:
    for name, content in (("report.pdf", paper.render(study)), ("index.html", page.render(study).encode())):
        with new_file(study.report / name) as part:
            part.write_bytes(content)


if __name__ == "__main__":
    main(run, kind=Study)
