"""What a key does to the view. Quitting is the session's business."""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.faces.watch.cells import Charset
from tonekeeper.faces.watch.keys import Key
from tonekeeper.faces.watch.screen import Size, last_scroll, page
from tonekeeper.faces.watch.sight import Sight
from tonekeeper.faces.watch.view import View, findings_of, place_of

_STEPS = {Key.UP: -1, Key.DOWN: 1, Key.PAGE_UP: -1, Key.PAGE_DOWN: 1}


def pressed(view: View, key: Key, sight: Sight, size: Size, charset: Charset) -> View:
    """The view after `key`."""
    match key:
        case Key.PAUSE:
            return replace(view, is_paused=not view.is_paused)
        case Key.DETAIL:
            return replace(view, is_open=False) if view.is_open else _opened(view, sight)
        case Key.UP | Key.DOWN:
            return _moved(view, _STEPS[key], sight, size, charset)
        case Key.PAGE_UP | Key.PAGE_DOWN:
            return _moved(view, _STEPS[key] * page(sight, view, size, charset), sight, size, charset)
        case Key.QUIT | Key.REDRAW:
            return view


def _opened(view: View, sight: Sight) -> View:
    findings = findings_of(sight.report)
    if not findings:
        return view
    return replace(view, chosen=findings[place_of(view.chosen, findings) or 0], is_open=True, scrolled=0)


def _moved(view: View, by: int, sight: Sight, size: Size, charset: Charset) -> View:
    if view.is_open:
        return replace(view, scrolled=max(0, min(view.scrolled + by, last_scroll(sight, view, size, charset))))
    findings = findings_of(sight.report)
    if not findings:
        return view
    place = max(0, min((place_of(view.chosen, findings) or 0) + by, len(findings) - 1))
    return replace(view, chosen=findings[place])
