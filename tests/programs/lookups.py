"""Looks up names as programs do, at a name server of its own, and prints which connections follow from which name.

Runs in a network and with a resolv.conf of its own, where it may listen at port 53.
"""

import asyncio
import json
import socket
import struct
import threading

ADDRESSES = {
    'one.example.org': ['127.0.1.1'],
    'many.example.org': ['127.0.2.1', '127.0.2.2', '127.0.2.3'],
    'loop.example.org': ['127.0.3.1'],
    'again.example.org': ['127.0.1.1'],
}


def serve(server):
    while True:
        question, client = server.recvfrom(512)
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        end = at + 5
        (kind,) = struct.unpack('>H', question[at + 1 : at + 3])
        found = ADDRESSES.get('.'.join(labels), []) if kind == 1 else []
        code = 0 if '.'.join(labels) in ADDRESSES else 3
        answer = question[:2] + struct.pack('>HHHHH', 0x8180 | code, 1, len(found), 0, 0) + question[12:end]
        for address in found:
            answer += b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 60, 4) + socket.inet_aton(address)
        server.sendto(answer, client)


def follows(address, port, name):
    print(json.dumps({'address': address, 'port': port, 'name': name}))


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(('127.0.0.1', 53))
threading.Thread(target=serve, args=[names], daemon=True).start()
listener = socket.create_server(('0.0.0.0', 8080))
port = listener.getsockname()[1]

# By number, before anything was looked up.
socket.create_connection(('127.0.0.9', port)).close()
follows('127.0.0.9', port, None)

socket.create_connection(('one.example.org', port)).close()
follows('127.0.1.1', port, 'one.example.org')
# By number, afterwards: at another port, and at the address of a name.
other = socket.create_server(('127.0.0.8', 8081))
socket.create_connection(('127.0.0.8', 8081)).close()
follows('127.0.0.8', 8081, None)

# The C library tries each address to see which is the best.
socket.create_connection(('many.example.org', port)).close()
for address in ADDRESSES['many.example.org']:
    follows(address, port, 'many.example.org')

# What is not there: nobody is reached, and the next name is not this one.
try:
    socket.create_connection(('nobody.example.org', port))
except OSError:
    pass


# A loop of coroutines has names looked up by a thread.
async def connect():
    _, writer = await asyncio.open_connection('loop.example.org', port)
    writer.close()


asyncio.run(connect())
follows('127.0.3.1', port, 'loop.example.org')

# Two names of one machine: two connections.
socket.create_connection(('again.example.org', port)).close()
follows('127.0.1.1', port, 'again.example.org')
