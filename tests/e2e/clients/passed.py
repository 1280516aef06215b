#!/usr/bin/python3
"""passed.py HOST: a connected UDP socket and another are used before and behind exec, and
the first one by a process that gets it by SCM_RIGHTS. Prints what was heard."""
import os
import socket
import subprocess
import sys

PORT = 7


def opened(fd):
    s = socket.socket(fileno=fd)
    s.settimeout(5)
    return s


def say(s, text, host=None):
    if host:
        s.sendto(text.encode(), (host, PORT))
    else:
        s.send(text.encode())
    print(s.recv(100).decode(), s.getpeername()[0] if not host else "", flush=True)


def before(host):
    connected, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    connected.connect((host, PORT))
    for s in connected, other:
        s.settimeout(5)
    say(connected, "before")
    say(other, "before too", host)
    for s in connected, other:
        s.settimeout(None)
        os.set_inheritable(s.fileno(), True)
    os.execv(sys.executable, [sys.executable, __file__, host, "behind", str(connected.fileno()),
                              str(other.fileno())])


def behind(host, connected, other):
    connected = opened(int(connected))
    say(connected, "behind")
    say(opened(int(other)), "behind too", host)
    ours, theirs = socket.socketpair()
    child = subprocess.Popen([sys.executable, __file__, host, "given", str(theirs.fileno())],
                             pass_fds=[theirs.fileno()])
    socket.send_fds(ours, [b"x"], [connected.fileno()])
    sys.exit(child.wait())


def given(_, channel):
    _, fds, _, _ = socket.recv_fds(socket.socket(fileno=int(channel)), 10, 1)
    say(opened(fds[0]), "given")


if len(sys.argv) == 2:
    before(sys.argv[1])
else:
    {"behind": behind, "given": given}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
