"""resolve.py NAMESERVER HOST [fetch]: looks HOST up by a socket of its own, prints the
address or the page http://HOST/hello from it."""
import socket
import struct
import sys
import urllib.request


def question(host):
    name = b"".join(bytes([len(label)]) + label.encode() for label in host.split("."))
    return struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + name + b"\0" + struct.pack("!2H", 1, 1)


def look_up(server, host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(question(host), (server, 53))
        data, peer = sock.recvfrom(512)
    if peer != (server, 53) or data[:2] != question(host)[:2]:
        sys.exit(f"an answer from {peer}")
    return socket.inet_ntoa(data[-4:])


address = look_up(sys.argv[1], sys.argv[2])
if sys.argv[3:] == ["fetch"]:
    request = urllib.request.Request(f"http://{address}/hello", headers={"Host": sys.argv[2]})
    print(urllib.request.urlopen(request, timeout=20).read().decode())
else:
    print(address)
