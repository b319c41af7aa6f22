"""Real phones in software behind the CPE, each registering over SRV with two registrars; and what is seen of them.

A phone runs with a resolv.conf of its own: `unshare` gives its process one, the rest of the machine keeps theirs.
"""

from __future__ import annotations

import os
import re
import select
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespace import Namespace, Process
from tests.lab.phone import ADDRESS

REFRESH_SHARE = 0.75
"""Of the expiry, after which SIPp's phone registers again."""
_ETH_P_ALL = 0x0003
_ETH_P_IP = 0x0800
_SCENARIO = Path(__file__).with_name("two_server_phone.xml")
_AS_A_PHONE = "mount --bind {resolv} /etc/resolv.conf && {command}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A REGISTER of a phone, or the answer to one. `at`: monotonic. `phone`: its port; `status` 0: a request."""

    at: float
    phone: int
    server: str
    status: int
    call_id: str
    cseq: int
    expires: int


class RegistrationTap:
    """Every REGISTER over UDP on the phones' line, and every answer to one, until closed."""

    def __init__(self, namespace: Namespace, device: str = "eth0") -> None:
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.bind((device, _ETH_P_ALL))
        self.seen: list[Seen] = []

    def __enter__(self) -> RegistrationTap:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def listen(self, seconds: float) -> None:
        """Collect for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            packet, (_, protocol, *_) = self._socket.recvfrom(65535)
            one = _seen(packet) if protocol == _ETH_P_IP else None
            if one is not None:
                self.seen.append(one)

    def heard(self, phone: int) -> bool:
        """Whether a registration of the phone is confirmed by now."""
        self.listen(0.05)
        return bool(self.registered(phone))

    def of(self, phone: int) -> list[Seen]:
        """Everything of one phone."""
        return [one for one in self.seen if one.phone == phone]

    def registered(self, phone: int) -> list[Seen]:
        """The registrations of a phone that were confirmed."""
        return [one for one in self.seen if one.phone == phone and one.status == 200]


def _seen(packet: bytes) -> Seen | None:
    if packet[9] != socket.IPPROTO_UDP:
        return None
    header = (packet[0] & 0x0F) * 4
    source, destination, _length = struct.unpack_from("!HHH", packet, header)
    text = packet[header + 8 :].decode(errors="replace")
    cseq = re.search(r"^CSeq:\s*(\d+)\s+REGISTER", text, re.MULTILINE | re.IGNORECASE)
    if cseq is None:
        return None
    answered = text.startswith("SIP/2.0 ")
    call_id = re.search(r"^(?:Call-ID|i):\s*(\S+)", text, re.MULTILINE | re.IGNORECASE)
    expires = re.search(r"expires[=:]\s*(\d+)", text, re.IGNORECASE)
    return Seen(
        time.monotonic(),
        destination if answered else source,
        socket.inet_ntoa(packet[12:16] if answered else packet[16:20]),
        int(text[8:11]) if answered else 0,
        call_id[1] if call_id else "",
        int(cseq[1]),
        int(expires[1]) if expires else -1,
    )


class SoftPhone:
    """A program that registers as a phone; ended by `with`. It finds the servers of `domain` by SRV, asks for `expiry`
    seconds, and is told from other phones by its `port`."""

    name = ""
    profile = ""
    """What it is by the firmware profiles."""

    def __init__(self, namespace: Namespace, resolver: str, domain: str, *, port: int, expiry: int) -> None:
        self.port = port
        self.expiry = expiry
        self._namespace = namespace
        self._resolver = resolver
        self._domain = domain
        self._process: Process | None = None

    def __enter__(self) -> SoftPhone:
        home = self._namespace.directory / f"{self.name}-{self.port}"
        home.mkdir()
        resolv = home / "resolv.conf"
        resolv.write_text(f"nameserver {self._resolver}\n")
        command = _AS_A_PHONE.format(resolv=resolv, command=self._command(home))
        environment = os.environ | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
        self._process = self._namespace.popen("unshare", "--mount", "sh", "-c", command, log=home.name, env=environment)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()

    @property
    def output(self) -> str:
        return self._process.output if self._process is not None else ""

    def _command(self, home: Path) -> str:
        """The command that runs it without a terminal, its configuration written below `home`."""
        raise NotImplementedError


class Baresip(SoftPhone):
    name, profile = "baresip", "baresip-baresip"

    def _command(self, home: Path) -> str:
        (home / "config").write_text(
            f"sip_listen {ADDRESS}:{self.port}\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\n"
            f"module_app account.so\nmodule_app menu.so\ndns_server {self._resolver}:53\n"
        )
        (home / "accounts").write_text(f"<sip:{self.port}@{self._domain};transport=udp>;regint={self.expiry}\n")
        return f"baresip -4 -f {home} -v"


class Linphone(SoftPhone):
    name, profile = "linphone", "linphone-linphone"

    def _command(self, home: Path) -> str:
        (home / ".local/share/linphone").mkdir(parents=True)
        (home / "linphonerc").write_text(
            f"[sip]\nsip_port={self.port}\nsip_tcp_port=0\nsip_tls_port=0\ndefault_proxy=0\n\n"
            f"[proxy_0]\nreg_proxy=<sip:{self._domain};transport=udp>\nreg_identity=sip:{self.port}@{self._domain}\n"
            f"reg_expires={self.expiry}\nreg_sendregister=1\npublish=0\n"
        )
        return f"sleep infinity | linphonec -c {home}/linphonerc"


class TwoServerPhone(SoftPhone):
    """SIPp as a desk phone that knows two addresses, and behaves as Yealink documents it: four copies to the first
    server, spaced from T1 on and doubled, then the second. `servers`: (address, port) of both."""

    name, profile = "sipp", "yealink-desk"
    servers: tuple[tuple[str, int], tuple[str, int]]

    def _command(self, home: Path) -> str:
        text = _SCENARIO.read_text()
        (first, first_port), (second, second_port) = self.servers
        values = {
            "FIRST": first,
            "FIRST_PORT": first_port,
            "SECOND": second,
            "SECOND_PORT": second_port,
            "EXPIRY": self.expiry,
            "REFRESH": round(self.expiry * 1000 * REFRESH_SHARE),
        }
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        scenario = home / "phone.xml"
        scenario.write_text(text)
        where = f"-i {ADDRESS} -p {self.port} {first}:{first_port}"
        return f"sipp -sf {scenario} -m 1 -nostdin {where}"
