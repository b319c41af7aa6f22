"""What the lab needs of the machine, and a sentence about what of it is missing."""

from __future__ import annotations

import os
import shutil
from glob import glob

from tests.lab.namespace import PREFIX, LabError, run

COMMANDS = {
    "amtool": "prometheus-alertmanager",
    "baresip": "baresip-core",
    "chronyd": "chrony",
    "debootstrap": "debootstrap",
    "conntrack": "conntrack",
    "dbus-daemon": "dbus",
    "firewalld": "firewalld",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "ipset": "ipset",
    "iptables-legacy": "iptables",
    "kamailio": "kamailio",
    "linphonec": "linphone-cli",
    "lintian": "lintian",
    "nft": "nftables",
    "nsenter": "util-linux",
    "objdump": "binutils",
    "openssl": "openssl",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-snmp-exporter": "prometheus-snmp-exporter",
    "prometheus-snmp-generator": "prometheus-snmp-exporter",
    "promtool": "prometheus",
    "setpriv": "util-linux",
    "shellcheck": "shellcheck",
    "sipp": "sip-tester",
    "smilint": "smitools",
    "snmpd": "snmpd",
    "snmpget": "snmp",
    "snmptrapd": "snmptrapd",
    "systemd-analyze": "systemd",
    "systemd-nspawn": "systemd-container",
    "tc": "iproute2",
    "turnserver": "coturn",
    "ufw": "ufw",
    "unbound": "unbound",
    "unshare": "util-linux",
    "victoria-metrics": "victoria-metrics",
    "vmalert": "victoria-metrics",
}
"""Command: Debian package. The packages are those of packages.txt."""

MODULES = {
    "/usr/lib/*/kamailio/modules/tls.so": "kamailio-tls-modules",
    "/usr/lib/*/faketime/libfaketime.so.1": "libfaketime",
}
"""Where else a package leaves something, as a pattern."""

_TRIAL = """
set -e
ip link add lab0 type veth peer lab1
tc qdisc add dev lab0 root tbf rate 1mbit burst 4k latency 50ms
nft -f - <<'RULES'
table inet trial {
    chain prerouting {
        type filter hook prerouting priority -400
        numgen random mod 100 < 1 drop
        ip daddr 192.0.2.1 reject with icmp type admin-prohibited
    }
    chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr 192.0.2.0/24 masquerade
    }
}
RULES
"""


def missing() -> str:
    """Why the lab cannot run here; empty if it can. Leaves nothing behind."""
    if os.geteuid() != 0:
        return "the lab needs root for network namespaces"
    absent = sorted(command for command in COMMANDS if shutil.which(command) is None)
    absent += [pattern for pattern in MODULES if not glob(pattern)]
    if absent:
        packages = sorted({(COMMANDS | MODULES)[name] for name in absent})
        return f"the lab needs {', '.join(absent)}: apt-get install {' '.join(packages)}"
    try:
        run("unshare", "--net", "sh", "-c", _TRIAL)
        name = f"{PREFIX}{os.getpid()}-trial"
        run("ip", "netns", "add", name)
        run("ip", "netns", "delete", name)
    except LabError as error:
        return f"the kernel lacks what the lab needs: {error}"
    return ""
