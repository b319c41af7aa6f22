"""The report as a page: one self-contained document, complete without JavaScript."""

from __future__ import annotations

import pkgutil
from string import Template

from tonekeeper.core.examination import Examination
from tonekeeper.core.report import Report
from tonekeeper.faces.http.page.parts import diagnosis_part, report_parts

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; "
    "style-src 'sha256-Kn+kBaODy60oAngQ4Qx2epfBzCLj6cO1lUstIql5T2w='; "
    "script-src 'sha256-e1mrjFu8WM+ATK4TGRnCleTgVHNFVH7Srg/UBcjuLjk='"
)
"""Only the one style and the one script, by their hash: markup that slipped in would stay inert."""


def render_page(report: Report, examination: Examination | None = None) -> str:
    """The whole document. `examination`: of the diagnosis that runs, or ran last; None where none can be begun."""
    return Template(_source("page.html")).substitute(
        report_parts(report), **diagnosis_part(examination), style=_source("page.css"), script=_source("page.js")
    )


def _source(name: str) -> str:
    source = pkgutil.get_data("tonekeeper.faces.http.page", name)
    assert source is not None
    return source.decode()
