"""A kernel that goes wrong on demand, spoken by Jupyter's own Session: python odd-kernel.py CONNECTION-FILE MANNER

MANNER is `plain`, `deaf N` (iopub is bound only when kernel_info was asked for N times), `forger` (signs with another key).
What is executed is one line that says what to do; see `execute`.
"""

import json
import sys
import time

import zmq
from jupyter_client.session import Session

connection = json.load(open(sys.argv[1]))
manner = sys.argv[2]
context = zmq.Context()
session = Session(key=connection["key"].encode() if manner != "forger" else b"another key")
forger = Session(key=b"another key")
asked = 0
count = 0


def bind(kind, name):
    socket = context.socket(kind)
    socket.linger = 1000
    socket.bind("tcp://%s:%d" % (connection["ip"], connection[name + "_port"]))
    return socket


shell = bind(zmq.ROUTER, "shell")
control = bind(zmq.ROUTER, "control")
stdin = bind(zmq.ROUTER, "stdin")
iopub = None if manner == "deaf" else bind(zmq.PUB, "iopub")


def publish(kind, content, parent, by=session):
    if iopub:
        by.send(iopub, kind, content, parent=parent)


def status(state, parent):
    publish("status", {"execution_state": state}, parent)


def stream(text, parent, by=session):
    publish("stream", {"name": "stdout", "text": text}, parent, by)


def reply(kind, content, parent, ident, socket=shell):
    session.send(socket, kind, content, parent=parent, ident=ident)


def wait_for_interrupt():
    ident, message = session.recv(control, mode=0)
    assert message["header"]["msg_type"] == "interrupt_request", message
    reply("interrupt_reply", {"status": "ok"}, message, ident, control)


def execute(code, parent, ident):
    done = {"status": "ok", "execution_count": count, "user_expressions": {}}
    failed = {"status": "error", "execution_count": count, "ename": "Interrupted", "evalue": "", "traceback": []}
    publish("execute_input", {"code": code, "execution_count": count}, parent)
    if code == "reply long before the outputs":
        reply("execute_reply", done, parent, ident)
        time.sleep(0.5)
        stream("late but in time", parent)
        status("idle", parent)
    elif code == "idle long before the reply":
        stream("early", parent)
        status("idle", parent)
        time.sleep(0.5)
        reply("execute_reply", done, parent, ident)
    elif code == "lose the idle":
        stream("kept", parent)
        reply("execute_reply", done, parent, ident)
    elif code == "lose the reply":
        stream("kept", parent)
        status("idle", parent)
    elif code == "let another sign":
        stream("right ", parent)
        stream("forged ", parent, by=forger)
        stream("right", parent)
        reply("execute_reply", done, parent, ident)
        status("idle", parent)
    elif code == "say what no protocol knows":
        publish("stream", {"name": "stdout"}, parent)
        publish("a_novelty", {"what": 1}, parent)
        stream("after it", parent)
        reply("execute_reply", done, parent, ident)
        status("idle", parent)
    elif code == "ask all the same":
        session.send(stdin, "input_request", {"prompt": "who?", "password": False}, parent=parent, ident=ident)
        wait_for_interrupt()
        publish("error", {k: failed[k] for k in ("ename", "evalue", "traceback")}, parent)
        reply("execute_reply", failed, parent, ident)
        status("idle", parent)
    else:
        raise ValueError(code)


poller = zmq.Poller()
poller.register(shell, zmq.POLLIN)
poller.register(control, zmq.POLLIN)
while True:
    for socket, _ in poller.poll():
        ident, message = Session(key=connection["key"].encode()).recv(socket)
        kind = message["header"]["msg_type"]
        status("busy", message)
        if kind == "shutdown_request":
            reply("shutdown_reply", {"status": "ok", "restart": False}, message, ident, socket)
            sys.exit(0)
        if kind == "kernel_info_request":
            asked += 1
            info = {"status": "ok", "implementation": "odd", "language_info": {"name": "orders"}}
            reply("kernel_info_reply", info, message, ident, socket)
            if iopub is None and asked == int(sys.argv[3]):
                iopub = bind(zmq.PUB, "iopub")
            status("idle", message)
        else:
            count += 1
            execute(message["content"]["code"], message, ident)
