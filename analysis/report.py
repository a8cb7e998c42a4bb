"""STAGE report: the paper (PDF) and the web page (HTML) of a profile."""

from __future__ import annotations

from analysis import page, paper
from pipeline.params import new_file
from pipeline.profile import Profile
from pipeline.stage import main


def run(profile: Profile) -> None:
    for name, content in (("report.pdf", paper.render(profile)), ("index.html", page.render(profile).encode())):
        with new_file(profile.report / name) as part:
            part.write_bytes(content)


if __name__ == "__main__":
    main(run)
