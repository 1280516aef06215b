"""The C programs of tests/probe, each straight and under socksify: what holds for the
kernel and libc holds for the library. Straight they may leak, under socksify not.

A row is a sentence, the probe with its arguments, and what it needs besides:
    straight=ARGS   other arguments without socksify; None: not run so
    socks=KNOBS     a knobd as the SOCKS server; default: microsocks
    plain=KNOBS     a knobd as a target, on {port} of {web4}
    via=URL         this SOCKS server
    held=True       destinations that answer when told so: gates.py's, at {control}
Words in the arguments: {web4} {web6} {name} {name6} {suffix} {hosts} {port} {silent}
{folder} {control}.
"""
import collections

from dns import ANY
from servers import DEAD, URLS
from tap import case
from targets import CLOSED_PORT
from world import HOSTS_NAME, SILENT4, WEB4, WEB6

Row = collections.namedtuple("Row", "title command straight socks plain via held",
                             defaults=("", "", "", URLS["microsocks"], False))

BANNER = "3232302068656c6c6f0d0a"
LATE = "delay_at=request:300"
VERY_LATE = "delay_at=request:1500"
MODES = ("poll", "select", "epoll-before", "epoll-after", "epoll-et", "epoll-oneshot",
         "epoll-mod", "epoll-del", "epoll-dup")

CONNECTING = [
    Row("a connected socket's state: an address", "connect_state {web4} 7"),
    Row("a connected socket's state: a name", "connect_state {name} 7"),
    Row("a connected socket's state: an IPv6 address", "connect_state {web6} 7"),
    Row("a connected socket's state: a v4-mapped address", "connect_state {web4} 7 --mapped"),
    Row("options and flags are kept", "connect_kept {name} 7"),
    Row("options and flags are kept: a v4-mapped address", "connect_kept {web4} 7 --mapped"),
    Row("options and flags are kept: IPV6_V6ONLY and an IPv6 server",
        "connect_kept {web6} 7 --v6only", via=URLS["microsocks6"]),
    Row("options and flags are kept: SO_RCVLOWAT", "connect_kept {web4} 7 --rcvlowat 100"),
    Row("options and flags are kept: TCP_FASTOPEN_CONNECT", "connect_kept {web4} 7 --fastopen"),
    Row("options and flags are kept: MPTCP", "connect_kept {web4} 7 --mptcp"),
    Row("strange arguments of connect()", "connect_args {web4} 7"),
    Row("what is local works as ever", "connect_local"),
    Row("50 non-blocking connects at a time", "connect_many {name} 7 50"),
    Row("what a program may do while a connect is pending", "connect_pending {name} 7",
        socks=LATE),
    *(Row(f"a non-blocking connect waited for by {mode}", f"connect_nb {{name}} 7 {mode}")
      for mode in MODES),
    *(Row(f"a late non-blocking connect waited for by {mode}", f"connect_nb {{name}} 7 {mode}",
          None, socks=LATE) for mode in MODES),
]
# Their --only CHECK runs one of the checks.
PENDING = [
    Row("poll() and select() of a pending connect", "nb_poll {web4} {control}", held=True),
    Row("epoll sets with a pending connect", "nb_epoll {web4} {control}", held=True),
    Row("more epoll sets with a pending connect", "nb_sets {web4} {control}", held=True),
    Row("what may be asked of a pending connect", "nb_calls {web4} {control}", held=True),
    Row("what may be asked of a pending connect: a v4-mapped address",
        "nb_calls {web4} {control} --mapped", held=True),
    Row("a pending connect that fails or is given up", "nb_failed {web4} {control}", held=True),
    Row("a pending connect that fails or is given up: a v4-mapped address",
        "nb_failed {web4} {control} --mapped", held=True),
    Row("copies of a pending connect's number", "nb_copies {web4} {control}", held=True),
    Row("a pending connect's number becomes something else", "nb_numbers {web4} {control}",
        held=True),
    Row("other processes while a connect is pending", "nb_process {web4} {control}", held=True),
    Row("a blocking connect that is left while it is pending", "nb_interrupt {web4} {control}",
        held=True),
    Row("a pending connect leaves nothing behind and needs little", "nb_limits {web4} {control}",
        held=True),
]
FAILING = [
    Row("a refused connect, and the same socket again",
        f"connect_err {{web4}} {CLOSED_PORT} ECONNREFUSED --retry {{web4}} 7"),
    Row("a refused non-blocking connect, and the same socket again",
        f"connect_err {{web4}} {CLOSED_PORT} ECONNREFUSED --nonblock --retry {{web4}} 7"),
    Row("a refused connect by IPv6, and the same socket again",
        f"connect_err {{web6}} {CLOSED_PORT} ECONNREFUSED --retry {{web6}} 7"),
    Row("SO_SNDTIMEO ends a connect to a server that is silent",
        "connect_err {web4} 7 EINPROGRESS,EAGAIN,ETIMEDOUT --sndtimeo 300 --not-before-ms 250",
        "connect_err {silent} 7 EINPROGRESS --sndtimeo 300 --not-before-ms 250",
        socks="silent_at=greeting"),
]
FIRST_WORDS = [
    Row(f"a destination's first words {how}", f"banner {{web4}} {{port}} {BANNER} {options}",
        plain="early=" + BANNER)
    for how, options in (("are read", ""), ("are there at once", "--delay-ms 100 --peek"),
                         ("are read one by one", "--by-one"),
                         ("are read without blocking", "--nonblock"))
] + [
    Row(f"first words glued to the reply {how}", f"banner {{web4}} 7 {BANNER} {options}", None,
        socks="connect=0 early=" + BANNER)
    for how, options in (("are read", ""), ("are there at once", "--delay-ms 100 --peek"),
                         ("are read one by one", "--by-one --nonblock"))
]
NAMES = [
    Row("getaddrinfo with a name", "names_gai {name}"),
    Row("getaddrinfo with a name of both families", "names_gai {name6} --v6"),
    Row("getaddrinfo with hosts that are no ordinary names", "names_edge {name} --hosts {hosts}"),
    Row("gethostbyname and its relatives", "names_hostent {name6} --v6 --hosts {hosts}"),
    Row("getaddrinfo with the longest names", "names_long {suffix}"),
    Row("from an address back to the name", "names_reverse {name6} --v6 --hosts {hosts}"),
    Row("32 threads look up 200 names each, and children too", "names_threads {suffix} 7",
        # without the library, lookups of children forked from threads hang now and then
        "names_threads {suffix} {port} --threads 4 --names 20 --no-fork",
        socks="connect=0 echo_dest",
        plain="echo_dest"),
]
OTHERS = [
    Row("nothing but TCP gets out of IPv4 sockets",
        "udp_out {web4} {port} --expect refused --fastopen works",
        "udp_out {web4} {port} --expect works", plain="udp"),
    Row("nothing but TCP gets out of IPv6 sockets",
        "udp_out {web6} 7 --expect refused --fastopen works", None),
]
DATAGRAMS = [
    Row(f"{title}: {destination} by {server.split()[0]}", f"{name} {words}", straight,
        socks=server if server.startswith("udp") else "", via=URLS.get(server, ""))
    for name, title in (("udp_send", "calls that send a datagram"),
                        ("udp_recv", "calls that receive a datagram"),
                        ("udp_peers", "peers and names of a datagram socket"),
                        ("udp_lives", "who shares a datagram socket, and its end"))
    for destination, words, straight, server in (
        ("an IPv4 address", "{web4} 7", "", "danted"),
        ("an IPv6 address", "{web6} 7", "", "danted"),
        ("a v4-mapped address", "{web4} 7 --mapped", "", "danted"),
        ("a name", "{name} 7", "", "danted"),
        ("an IPv4 address", "{web4} 7", None,
         "udp " + (VERY_LATE if name == "udp_send" else LATE)),
        ("a name", "{name} 7", None, "udp udp_source=said"))
]
LIVES = [
    *(Row(f"signals and connect: {mode}", f"connect_signal {{name}} 7 {mode}")
      for mode in ("restart", "handler")),
    *(Row(f"signals and a connect that takes long: {mode}", f"connect_signal {{name}} 7 {mode}",
          None, socks=VERY_LATE) for mode in ("eintr", "jump")),
    Row("children, other programs, another root, another user", "fork_exec {name} 7"),
    Row("few descriptors, high numbers, a small stack", "shortage {name} 7"),
    Row("constructors, destructors, atexit", "early_late {name} 7"),
    Row("nothing is said, no random number is used up", f"quiet {{name}} 7 {CLOSED_PORT}"),
    Row("a file that has become descriptor 2 stays empty",
        f"quiet {{name}} 7 {CLOSED_PORT} --empty {{folder}}/file"),
    Row("a file stays empty in a process without descriptor 2",
        f"quiet {{name}} 7 {CLOSED_PORT} --empty {{folder}}/file --closed"),
    *(Row(f"a file{how} stays empty when no server is reached", "quiet {name} 7 "
          f"{CLOSED_PORT} --failures --empty {{folder}}/file {option}", None, via=DEAD[0])
      for how, option in ((" that has become descriptor 2", ""),
                          (" in a process without descriptor 2", "--closed"))),
]
ROWS = CONNECTING + PENDING + FAILING + FIRST_WORDS + NAMES + DATAGRAMS + LIVES + OTHERS
KNOW_THE_LIBRARY = ("names_edge", "names_gai", "names_hostent", "names_reverse", "names_threads",
                    "nb_process", "udp_send")


def fill(t, row, command):
    """The probe's path and its arguments."""
    name, *arguments = command.format(
        web4=WEB4, web6=WEB6, silent=SILENT4, name=t.host("web4"), name6=t.host("web"),
        suffix=f".{t.number}{ANY}", folder=t.folder, control=t.folder + "/control",
        hosts=f"{HOSTS_NAME}={WEB4}",
        port=t.target(*row.plain.split()) if row.plain else 7).split()
    return [f"{t.world.build}/tests/probe/{name}", *arguments]


def passed(t, result):
    t.check(not result.code, f"exit status {result.code}: {result.out.strip()}")
    t.check(not result.out, "something on standard output")


@case("{0}: straight", each=[(row.title, row) for row in ROWS if row.straight is not None])
def straight(t, _, row):
    t.permit(lambda packet: True)
    if row.held:
        t.target("hold=" + t.folder + "/control")
    passed(t, t.run(*fill(t, row, row.straight or row.command), via=None))


@case("{0}: under socksify", each=[(row.title, row) for row in ROWS], sanitizer=True)
def under_socksify(t, _, row):
    command = fill(t, row, row.command)
    if row.command.split()[0] in KNOW_THE_LIBRARY:
        command.append("--proxied")
    if t.lab.preload and row.command.startswith("names_threads"):
        command.append("--no-fork")  # the sanitizer's allocator does not survive it
    knobs = ["connect=0", "hold=" + t.folder + "/control"] if row.held else row.socks.split()
    server = t.knobd(*knobs).url() if knobs else row.via
    passed(t, t.run(*command, via=server))
    t.check(not t.dns.asked_by_client(), "a name was looked up here")
