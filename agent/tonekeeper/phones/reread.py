"""How a phone comes by a new settings file: which name it asks for, and what makes it read that again."""

from __future__ import annotations

from tonekeeper.errors import DecodeError
from tonekeeper.phones.native import default_value, write_value
from tonekeeper.phones.native_formats.setting_places import Entry
from tonekeeper.phones.native_formats.writing import read_back
from tonekeeper.phones.profile import Delivery, Profile, Reread, Restarts

_GENTLE_FIRST = (Restarts.NO, Restarts.IF_NEEDED, Restarts.UNKNOWN, Restarts.YES)


def file_name(delivery: Delivery, mac: str, model: str) -> str:
    """Of the phone with this MAC ("00:15:65:00:00:01"). `DecodeError` where the profile does not say, or needs a model
    that nobody knows."""
    if not delivery.file:
        raise DecodeError("file name", "the settings of this model are not in a file with a name of its own")
    if "{model}" in delivery.file and not model:
        raise DecodeError("file name", f"its name is {delivery.file}, and nobody knows the model")
    plain = mac.replace(":", "").lower()
    return delivery.file.replace("{mac}", plain).replace("{MAC}", plain.upper()).replace("{model}", model)


def gentlest_reread(profile: Profile, firmware: str) -> Reread | None:
    """The NOTIFY that `firmware` heeds and that restarts the phone least; None where no NOTIFY is known."""
    heeded = [each for each in profile.delivery.reread if each.event and each.firmware.contains(firmware) is not False]
    return min(heeded, key=lambda each: _GENTLE_FIRST.index(each.restarts), default=None)


def is_met(needs: str, profile: Profile, content: bytes) -> bool:
    """Whether the phone with this settings file has what a NOTIFY needs ("sip.notify_reboot_enable = 0"), there or by
    its factory setting, as far as that is known."""
    name, _, wanted = needs.partition(" = ")
    if not wanted:
        return not needs
    parameter = next((each for each in profile.parameters if each.name == name), None)
    aliases = parameter.aliases if parameter is not None else ()
    native = read_back(profile.delivery.format, content.decode("latin-1"), Entry((name, *aliases), ""))
    if native is None and parameter is not None and (factory := default_value(parameter)) is not None:
        native = write_value(parameter, factory)
    return native == wanted


def needs_consent(restarts: Restarts) -> bool:
    """Whether the phone restarts, calls and all, or nobody knows that it does not."""
    return restarts in (Restarts.YES, Restarts.UNKNOWN)
