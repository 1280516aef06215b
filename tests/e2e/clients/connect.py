"""connect.py [--nonblocking] [--family inet|inet6] [--say TEXT] HOST PORT

Connects a TCP socket and says in one line what came of it: "error ENAME" (or EAI_NAME),
or "connected" and the bytes received until the peer closes (with --say: one answer).
A non-blocking socket is registered with epoll before connect() and must keep its flags.
"""
import argparse
import errno
import fcntl
import os
import select
import socket
import sys

FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}


def connect_nonblocking(sock, address):
    sock.setblocking(False)
    before = fcntl.fcntl(sock, fcntl.F_GETFL)
    with select.epoll() as poll:
        poll.register(sock, select.EPOLLOUT)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            poll.poll()
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    if fcntl.fcntl(sock, fcntl.F_GETFL) != before:
        sys.exit("the socket's flags have changed")
    again = sock.connect_ex(address)
    if again not in (0, errno.EISCONN):
        sys.exit(f"second connect: {errno.errorcode[again]}")
    sock.setblocking(True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nonblocking", action="store_true")
    parser.add_argument("--family", choices=FAMILIES, default="any")
    parser.add_argument("--say")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    chosen = parser.parse_args()
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            chosen.host, chosen.port, FAMILIES[chosen.family], socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as sock:
            if chosen.nonblocking:
                connect_nonblocking(sock, address)
            else:
                sock.connect(address)
            talk(sock, chosen.say)
    except socket.gaierror as e:
        names = (name for name in dir(socket) if name.startswith("EAI_"))
        print("error", next(n for n in names if getattr(socket, n) == e.errno))
    except OSError as e:
        print("error", errno.errorcode.get(e.errno, e.errno))


def talk(sock, text):
    with sock.makefile("rwb") as stream:
        if text is None:
            got = stream.read()
        else:
            stream.write(text.encode() + b"\n")
            stream.flush()
            got = stream.readline()
            if got.startswith(b"220"):
                got += stream.readline()
    print("connected", repr(got.decode()))


main()
