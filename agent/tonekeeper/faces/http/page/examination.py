"""A diagnosis on the page: how to begin one, how far it has come, what it found."""

from __future__ import annotations

from tonekeeper.core.examination import CheckProgress, Examination, ExaminationState, Stage
from tonekeeper.faces import wording
from tonekeeper.faces.http.page.markup import escape, fold, quiet, section, state

_NAME = "diagnosis"
_START = (
    '<div class="buttons"><button type="button" data-do="quick"{busy}>Quick check</button>'
    '<button type="button" data-do="full"{busy}>Full check</button></div>'
)
_STOP = '<div class="buttons"><button type="button" data-do="stop">Stop</button></div>'
_OFFER = (
    "Looks at all that this host can see: lines, names, NAT, firewall, phones and more. A quick check takes a quarter "
    "of a minute; a full one takes longer, and measures the NAT."
)


def examination_part(now: Examination | None) -> str:
    """Hidden where this agent makes none."""
    if now is None:
        return section(_NAME, "Diagnosis", "")
    # A button that is pressed keeps the focus, so it stays where it is while it cannot be used.
    buttons = _START.format(busy=' aria-disabled="true"' if now.state is ExaminationState.RUNNING else "")
    return section(_NAME, "Diagnosis", _body(now), buttons)


def _body(now: Examination) -> str:
    """What is read out, the verdict, has its place before there is one: only what then changes in it is spoken."""
    verdict = f'<p role="status" class="name">{escape(now.verdict)}</p>'
    match now.state:
        case ExaminationState.NEVER:
            return f"{verdict}<small>{_OFFER}</small>"
        case ExaminationState.RUNNING:
            return f'<div class="card">{verdict}{_progress(now)}{_steps(now)}</div>'
        case ExaminationState.DONE | ExaminationState.STOPPED:
            how = "done in" if now.state is ExaminationState.DONE else "stopped after"
            told = f"{_kind(now)} {how} {wording.duration(now.elapsed_s)}: {_outcomes(now)}"
            return f'<div class="card">{verdict}{fold("examined", told, _steps(now))}</div>'


def _progress(now: Examination) -> str:
    done = sum(check.stage is Stage.DONE for check in now.checks)
    left = f", over in at most {wording.duration(now.left_s)}" if now.left_s is not None else ""
    told = f"{_kind(now)}: {done} of {wording.counted(len(now.checks), 'check')} done{left}"
    bar = f'<progress max="{len(now.checks) or 1}" value="{done}" aria-label="Checks done"></progress>'
    return f'<div class="head"><p>{told}</p>{_STOP}</div>{bar}'


def _kind(now: Examination) -> str:
    return "Quick check" if now.quick else "Full check"


def _outcomes(now: Examination) -> str:
    words = dict.fromkeys(check.outcome for check in now.checks if check.outcome)
    counts = {word: sum(check.outcome == word for check in now.checks) for word in sorted(words, key=_order)}
    return ", ".join(f"{count} {escape(word)}" for word, count in counts.items())


def _order(outcome: str) -> int:
    known = ("problem", "ok", "not checked")
    return known.index(outcome) if outcome in known else len(known)


def _steps(now: Examination) -> str:
    return f'<ul class="steps">{"".join(map(_step, now.checks))}</ul>'


def _step(check: CheckProgress) -> str:
    left = f"at most {wording.duration(check.left_s)} more" if check.left_s is not None else ""
    detail = ", ".join(part for part in (check.detail, left) if part)
    return f"<li>{escape(check.check)} {state(check.outcome or check.stage)}{quiet(detail)}</li>"
