"""The test network itself: leaks are seen, servers and targets work.

Without these the absence of leaks elsewhere would prove nothing.
"""
from servers import MAIN, PASSWORD, URLS, USER
from tap import case
from world import CLIENT4, CLIENT6, WEB4, WEB6


def is_lookup(packet):
    return packet.proto == "udp" and packet.port == 53


def is_connection(packet):
    return packet.proto == "tcp" and packet.dst in (WEB4, WEB6)


@case("a program without socksify is seen as a leak by IPv{}",
      each=(("4", CLIENT4, WEB4), ("6", CLIENT6, WEB6)), sanitizer=True)
def leak_is_seen(t, family, client, web):
    host = t.host("web" + family)
    t.ok(t.run("curl", "-sS", f"http://{host}/hello", via=None))
    seen = t.leaks()
    t.check(any(p.question == host for p in seen), "the lookup was not seen")
    t.check(any(p.proto == "tcp" and (p.dst, p.port) == (web, 80) for p in seen),
            "the connection was not seen")
    t.check(t.dns.peers_asking(host) == {CLIENT4}, "the DNS server saw no client")
    t.reached_from("http", {client})
    t.permit(is_lookup)
    t.permit(is_connection)


@case("a datagram and a ping without socksify are seen as leaks", sanitizer=True)
def datagrams_are_seen(t):
    code = f"""import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("{WEB4}", 9))
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(
    b"\\x08\\0\\xf7\\xff\\0\\0\\0\\0", ("{WEB4}", 0))"""
    t.ok(t.run("/usr/bin/python3", "-c", code, via=None))
    t.check({p.proto for p in t.leaks()} == {"udp", "icmp"}, "one of them was not seen")
    t.permit(lambda packet: packet.dst == WEB4)


@case("curl's own SOCKS client works with {}", each=MAIN)
def server_works(t, server):
    host = t.host()
    url = URLS[server].replace("socks5:", "socks5h:")
    t.ok(t.run("curl", "-sS", "--proxy", url, f"http://{host}/hello", via=None))
    t.reached(host)


@case("curl's own SOCKS client works with a user and a password")
def authenticating_server_works(t):
    host = t.host()
    t.ok(t.run("curl", "-sS", "--socks5-hostname", "192.0.2.2:1081", "--proxy-user",
               f"{USER}:{PASSWORD}", f"http://{host}/hello", via=None))
    t.reached(host)
