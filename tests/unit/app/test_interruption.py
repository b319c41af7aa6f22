"""Signals come through only where they are welcome."""

from __future__ import annotations

import signal

import pytest

from tonekeeper.app.interruption import Interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_comes_through_where_it_is_welcome(number):
    with Interruptions() as interruptions:
        signal.raise_signal(number)
        done = True
        with pytest.raises(KeyboardInterrupt), interruptions.welcome():
            done = False
    assert done


def test_where_it_is_welcome_it_comes_through_at_once_and_once():
    with Interruptions() as interruptions:
        with pytest.raises(KeyboardInterrupt), interruptions.welcome():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptions.welcome():
            pass


def test_afterwards_signals_do_what_they_did_before():
    before = signal.getsignal(signal.SIGTERM)
    with Interruptions():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
