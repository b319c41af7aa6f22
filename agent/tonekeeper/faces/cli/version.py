"""What `tonekeeper --version` says: the release, of which commit it was built, and which build that was."""

from __future__ import annotations

from tonekeeper import __version__


def version_line() -> str:
    """One line. A checkout has no `build_info`; what builds a package writes it."""
    try:
        from tonekeeper.build_info import BUILD, COMMIT  # type: ignore[import-not-found]  # noqa: PLC0415
    except ModuleNotFoundError:
        return f"tonekeeper {__version__} (not built: it runs from its sources)"
    return f"tonekeeper {__version__} (commit {COMMIT}; build {BUILD})"
