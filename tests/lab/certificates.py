"""A certificate authority of the lab, and certificates of it: good ones, and all that are not. Made by openssl.

authority = Authority(directory)
good = authority.issue("sbc1.example.net", "203.0.113.2")
expired = authority.issue("sbc1.example.net", begins=-60 * DAY, ends=-3 * DAY)
nobodys = self_signed(directory, "sbc1.example.net")
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.lab.namespace import run

DAY = 86400

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CONFIG = """
[ca]
default_ca = lab
[lab]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """File names; PEM."""

    certificate: Path
    key: Path


class Authority:
    """A root of its own, in a directory of its own below `directory`, named `name`."""

    def __init__(self, directory: Path, name: str = "Lab Root") -> None:
        self._directory = directory / name.replace(" ", "-").lower()
        self._directory.mkdir()
        self._numbers = itertools.count(1)
        self._config = self._directory / "ca.cnf"
        self._config.write_text(_CONFIG.format(directory=self._directory))
        (self._directory / "index").touch()
        self._root = Issued(self._directory / "root.pem", self._directory / "root.key")
        _certify_itself(self._root, name, "basicConstraints=critical,CA:TRUE", days=30)

    @property
    def root(self) -> Path:
        """What those who trust this authority trust."""
        return self._root.certificate

    def issue(self, *names: str, begins: float = -DAY, ends: float = 90 * DAY) -> Issued:
        """A certificate for `names` (of hosts, or numeric addresses), valid from and to so many seconds from now."""
        stem = self._directory / f"{next(self._numbers)}"
        issued = Issued(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        request = stem.with_suffix(".csr")
        subject = ("-subj", f"/CN={names[0]}", "-addext", _alternative_names(names))
        run("openssl", "req", *_NEW_KEY, "-keyout", str(issued.key), "-out", str(request), *subject)
        signer = ("-config", str(self._config), "-cert", str(self.root), "-keyfile", str(self._root.key))
        dates = ("-startdate", _date(begins), "-enddate", _date(ends))
        run("openssl", "ca", "-batch", "-notext", *signer, "-in", str(request), "-out", str(issued.certificate), *dates)
        return issued


def self_signed(directory: Path, *names: str) -> Issued:
    """A certificate that nobody vouches for, in `directory`."""
    stem = directory / f"self-signed-{names[0]}"
    issued = Issued(stem.with_suffix(".pem"), stem.with_suffix(".key"))
    _certify_itself(issued, names[0], _alternative_names(names), days=90)
    return issued


def _certify_itself(issued: Issued, name: str, extension: str, *, days: int) -> None:
    files = ("-keyout", str(issued.key), "-out", str(issued.certificate))
    subject = ("-subj", f"/CN={name}", "-addext", extension, "-days", str(days))
    run("openssl", "req", "-x509", *_NEW_KEY, *files, *subject)


def _alternative_names(names: tuple[str, ...]) -> str:
    return "subjectAltName=" + ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _date(from_now: float) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + from_now))
