#!/usr/bin/python3
"""End-to-end cases: real programs under socksify, real SOCKS servers, a closed network.

    run.py --build DIR [--filter GLOB] [--list] [--subset sanitizer]

DIR is the build folder (cli/socksify and lib/libsocksify.so in it). TAP version 13 goes
to stdout; exit status 0 if and only if every case passed. Needs root; a program that is
missing fails its cases. Debian packages: aria2 bind9-dnsutils busybox-static curl
dante-server default-jdk-headless gcc git iperf3 iproute2 ldnsutils libcap2-bin make
microsocks mount ngtcp2-client ngtcp2-server nodejs ntpsec-ntpdig openssh-client
openssh-server openssl perl python3 redis-tools shadowsocks-libev socat tinyproxy util-linux
v2ray wget.

The runner puts itself into network, mount and PID namespaces of its own, so whatever it
starts ends with it, killed or not, and no file, process or namespace stays behind.

    world.py    the two hosts, client and server      sniff.py    the leak detector
    servers.py  the SOCKS servers                     targets.py  what is talked to
    dns.py      the DNS server                        context.py  what a case can do
    tap.py      list of cases, report                 clients/    small client programs
    cases_*.py  the cases, by theme

--subset sanitizer runs the cases that make sense for a build with sanitizers;
SX_SANITIZER_PRELOAD then names the runtime that must be first in LD_PRELOAD.
"""
import argparse
import importlib
import os
import signal
import sys
import time

sys.dont_write_bytecode = True

import tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
THEMES = ("world", "clients", "servers", "http", "pools", "chains", "load", "refusals",
          "configuration", "command", "children", "inspect", "ways", "dns", "knobs", "udp",
          "udp_relays", "udp_chains", "udp_programs", "shared_names", "leaktest", "events", "probes")
PYTHON = "/usr/bin/python3"
INSIDE = "--inside"
CASE_LIMIT = 90


def options(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", help="the build folder")
    parser.add_argument("--filter", default="", metavar="GLOB", help="cases whose name matches")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--subset", choices=["sanitizer"], help="only these cases")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if not chosen.list and not chosen.build:
        parser.error("--build is needed")
    return chosen


def load_cases(pattern, subset):
    for theme in THEMES:
        importlib.import_module("cases_" + theme)
    return tap.select(pattern, subset)


def make_lab(build):
    import context
    import dns
    import servers
    import sniff
    import targets
    import world
    sanitizer = os.environ.get("SX_SANITIZER_PRELOAD", "")
    place = world.World(build, [build, HERE])
    for product in (place.command, place.library):
        if not os.path.exists(product):
            raise world.WorldError(f"{product} is not there")
    questions, log = dns.Dns(), targets.start()
    return context.Lab(place, log, questions, servers.start(), sniff.Sniffer(place), sanitizer)


def too_long(*_):
    raise TimeoutError(f"the case took more than {CASE_LIMIT} s")


def run_case(lab, entry, report):
    import context
    t = context.Case(lab)
    signal.alarm(CASE_LIMIT)
    try:
        entry.function(t, *entry.arguments)
        t.finish()
        report.passed(entry.name)
    except Exception as why:  # whatever it is, it is this case's failure
        signal.alarm(0)
        report.failure(entry.name, f"{type(why).__name__}: {why}\n{t.evidence()}")
    finally:
        signal.alarm(0)
        t.close()


def inside(chosen, cases):
    """Run the cases; this process is the first of its PID namespace."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    signal.signal(signal.SIGALRM, too_long)
    began = time.monotonic()
    if not cases:
        tap.bail_out("no case has such a name")
        return 1
    try:
        lab = make_lab(os.path.abspath(chosen.build))
    except Exception as why:  # without a network there is nothing to report on
        tap.bail_out(f"{type(why).__name__}: {why}")
        return 1
    report = tap.Report(len(cases))
    try:
        for entry in cases:
            run_case(lab, entry, report)
    except Exception as why:  # not in a case, but in what surrounds it
        tap.bail_out(f"{type(why).__name__}: {why}")
        return 1
    report.say(f"{len(cases)} cases, {report.failed} failed, "
               f"{time.monotonic() - began:.0f} s")
    return 1 if report.failed else 0


def main(argv):
    chosen = options(argv)
    if chosen.list or chosen.inside:
        cases = load_cases(chosen.filter, chosen.subset)
        if chosen.list:
            print("\n".join(entry.name for entry in cases))
            return 0
        return inside(chosen, cases)
    if os.geteuid() != 0:
        tap.bail_out("the network of the cases needs root")
        return 1
    again = [PYTHON, os.path.abspath(__file__), *argv, INSIDE]
    os.execvp(NAMESPACES[0], [*NAMESPACES, "--", *again])


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
