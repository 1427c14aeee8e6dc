#!/usr/bin/env python3
"""A minimal NATS server: one account, no headers, TLS, pools or passwords. Nothing to install.

It is chapter 25 of spec/PROTOCOL.md as a program, for reading beside it; "step 3" below is that chapter's third step.
It keeps every MUST of the core protocol:

    natsroute certify --launch 'corpus/examples/minimal_server.py --port {{.ClientPort}} --cluster-port {{.RoutePort}}
        --routes "{{.Routes}}"'

It is not meant for use: nothing limits what a slow peer leaves unread, and interest is looked up by walking through it.
"""

import argparse
import asyncio
import json
import random
import secrets

VERSION = "0.1.0"
MAX_LINE = 65536
MAX_PAYLOAD = 1 << 20
ACCOUNT = b"$G"

# Names of operations, and whether a blank has to follow.
ROUTE_OPERATIONS = {
    b"INFO": False, b"CONNECT": False, b"PING": False, b"PONG": False, b"+OK": False,
    b"-ERR": True, b"RS+": True, b"RS-": True, b"RMSG": True, b"A+": True, b"A-": True,
}
CLIENT_OPERATIONS = {
    b"CONNECT": False, b"PING": False, b"PONG": False, b"SUB": True, b"UNSUB": True, b"PUB": True,
}
WITHOUT_ARGUMENTS = (b"PING", b"PONG", b"+OK")

# Members of INFO and CONNECT whose type is looked at.
TYPES = {
    "server_id": str, "server_name": str, "name": str, "cluster": str, "lang": str, "gateway": str, "host": str,
    "port": int, "max_payload": int, "ip": str, "connect_urls": list, "headers": bool, "tls_required": bool, "verbose": bool,
}


class ProtocolError(Exception):
    """The other side broke the protocol. The text, if there is one, is said as -ERR before the close."""


def matches(pattern, subject):
    """Tells whether a subject falls under a pattern with * and >."""
    tokens, wanted = subject.split(b"."), pattern.split(b".")
    for i, want in enumerate(wanted):
        if want == b">" and i == len(wanted) - 1:
            return len(tokens) > i
        if i >= len(tokens) or want not in (b"*", tokens[i]):
            return False
    return len(tokens) == len(wanted)


def is_subject(subject):
    tokens = subject.split(b".")
    return all(tokens) and b">" not in tokens[:-1]


def number(text):
    if not text.isdigit() or len(text) > 9:
        raise ProtocolError
    return int(text)


def body(text):
    """Reads the JSON object of INFO or CONNECT; members that are null are left out."""
    try:
        members = json.loads(text)
    except ValueError:
        raise ProtocolError
    if not isinstance(members, dict):
        raise ProtocolError
    members = {name: value for name, value in members.items() if value is not None}
    for name, kind in TYPES.items():
        value = members.get(name)
        if name in members and (type(value) is not kind or kind is int and not -1 << 31 <= value < 1 << 31):
            raise ProtocolError
    return members


class Connection:
    """Step 1: bytes of a stream to operations, whatever the cuts."""

    operations = {}

    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.read, self.closed = b"", False  # bytes not looked at yet

    def send(self, data):
        if not self.closed:
            self.writer.write(data)

    def close(self):
        if not self.closed:
            self.closed = True
            self.writer.close()

    async def run(self):
        try:
            self.begin()
            while True:
                await self.handle(*await self.operation())
        except ProtocolError as error:
            if error.args:
                self.send(b"-ERR '%s'\r\n" % error.args[0].encode())
        except OSError:
            pass  # the other side is gone
        finally:
            self.end()
            self.close()

    async def more(self):
        data = await self.reader.read(65536)
        if not data:
            raise ConnectionResetError
        self.read += data

    async def operation(self):
        """Returns the next name, in upper case, and the text behind it."""
        while (name := self.name()) is None:
            await self.more()
        self.read = self.read[len(name):]
        if name in WITHOUT_ARGUMENTS:
            while b"\n" not in self.read:
                self.read = b""
                await self.more()
            self.read = self.read.partition(b"\n")[2]
            return name, b""
        while True:
            line, ended, rest = self.read.partition(b"\n")
            text = line.lstrip(b" \t")
            if len(text.rstrip(b"\r")) > MAX_LINE:
                raise ProtocolError("maximum control line exceeded")
            if ended:
                self.read = rest
                return name, text.strip(b" \t\r")
            await self.more()

    def name(self):
        """The name that the next bytes begin with; None if they may still become one."""
        start = self.read[:8].upper()
        for name, delimited in self.operations.items():
            if not start.startswith(name):
                continue
            following = start[len(name):len(name) + 1]
            if not delimited or following in (b" ", b"\t") and following:
                return name
            if not following:
                return None
        if any(name.startswith(start) for name in self.operations):
            return None
        raise ProtocolError("Unknown Protocol Operation")

    async def payload(self, size):
        while len(self.read) < size + 2:
            if self.read[size:] not in (b"", b"\r"):
                break
            await self.more()
        payload, end = self.read[:size], self.read[size:size + 2]
        if end != b"\r\n":
            raise ProtocolError("Unknown Protocol Operation")
        self.read = self.read[size + 2:]
        return payload


class Route(Connection):
    """One connection to another server. With a url we dialled it."""

    operations = ROUTE_OPERATIONS

    def __init__(self, server, reader, writer, url=None, explicit=False):
        super().__init__(server, reader, writer)
        self.url, self.explicit = url, explicit
        self.connected = url is not None  # CONNECT is behind us
        self.id = None                    # of the peer, once it is registered
        self.connect_urls = []
        self.subjects = set()             # step 6: its plain interest
        self.groups = {}                  # its queue groups: (subject, queue) to weight
        self.owed = 0                     # PONGs

    def begin(self):
        self.server.routes.add(self)
        self.pinging = asyncio.create_task(self.ping())
        if self.url is None:  # step 2
            self.send(b"INFO %s\r\n" % self.server.route_info())
        else:  # step 9
            self.send(b"CONNECT %s\r\n" % json.dumps({
                "echo": True, "verbose": False, "pedantic": False, "tls_required": False,
                "name": self.server.id, "cluster": self.server.cluster,
            }).encode())

    def end(self):
        self.pinging.cancel()
        self.server.routes.discard(self)
        if self.id is not None:
            del self.server.peers[self.id]
            self.server.tell_clients()
        if self.explicit:
            self.server.dial(self.url, explicit=True, pause=1)

    async def ping(self):
        """Step 4. Before CONNECT a PING would only be in the way."""
        await asyncio.sleep(min(1, self.server.ping_interval))
        while self.owed < self.server.ping_max:
            if self.connected:
                self.send(b"PING\r\n")
            self.owed += 1
            await asyncio.sleep(self.server.ping_interval)
        self.send(b"-ERR 'Stale Connection'\r\n")
        self.close()

    async def operation(self):
        if not self.connected:  # step 3: CONNECT, and nothing else, comes first
            while not self.read:
                await self.more()
            if self.read[:1] not in (b"C", b"c"):
                raise ProtocolError("Authorization Violation")
        return await super().operation()

    async def handle(self, name, text):
        arguments = text.split()
        if name == b"CONNECT":
            self.take_connect(body(text))
        elif name == b"INFO":
            self.take_info(body(text))
        elif name == b"PING":
            self.send(b"PONG\r\n")
        elif name == b"PONG":
            self.owed = max(0, self.owed - 1)
        elif name == b"-ERR":
            raise ProtocolError
        elif name == b"RS+":
            self.take_interest(arguments)
        elif name == b"RS-":
            self.end_interest(arguments)
        elif name == b"RMSG":
            await self.take_message(arguments)

    def take_connect(self, members):
        if members.get("lang"):
            raise ProtocolError("attempted to connect to route port")
        if members.get("gateway"):
            raise ProtocolError('Rejecting connection from gateway "%s" on the Route port' % members["gateway"])
        cluster = members.get("cluster", "")
        if cluster != self.server.cluster:
            raise ProtocolError('Rejecting connection, cluster name "%s" does not match "%s"' % (cluster, self.server.cluster))
        self.connected = True

    def take_info(self, members):
        server, peer = self.server, members.get("server_id", "")
        if peer == server.id or members.get("cluster", server.cluster) != server.cluster:
            self.explicit = self.explicit and peer != server.id  # we need not dial ourselves again
            raise ProtocolError
        if self.id is None:
            self.register(peer, members)
        elif peer not in server.peers and members.get("ip"):  # step 10: news of another server
            server.dial(members["ip"])

    def register(self, peer, members):
        """Steps 5 and 10: the peer's first INFO makes it a member of the cluster."""
        server = self.server
        if peer in server.peers or self.url is None and members.get("server_name") == server.name:
            raise ProtocolError
        self.id, server.peers[peer] = peer, self
        self.connect_urls = members.get("connect_urls", [])
        if self.url is not None:
            self.send(b"INFO %s\r\n" % server.route_info())
        else:
            address = self.writer.get_extra_info("peername")[0]
            news = {"ip": "nats-route://%s:%d/" % (address, members.get("port", 0)), **members}
            for other in server.peers.values():
                if other is not self:
                    other.send(b"INFO %s\r\n" % json.dumps(news).encode())
        server.tell_clients()
        self.send(b"".join(server.announcement(*key) for key in server.subscriptions))

    def take_interest(self, arguments):
        if len(arguments) not in (2, 4):
            raise ProtocolError
        account, subject = arguments[:2]
        if account != ACCOUNT:
            return
        if not is_subject(subject):
            self.send(b"-ERR 'Invalid Subscription'\r\n")
        elif len(arguments) == 2:
            self.subjects.add(subject)
        else:
            queue, weight = arguments[2:]
            self.groups[subject, queue] = max(1, int(weight)) if weight.isdigit() and len(weight) < 10 else 1

    def end_interest(self, arguments):
        if len(arguments) not in (2, 3):
            raise ProtocolError
        if arguments[0] == ACCOUNT:
            if len(arguments) == 2:
                self.subjects.discard(arguments[1])
            else:
                self.groups.pop((arguments[1], arguments[2]), None)

    async def take_message(self, arguments):
        """Step 8."""
        if len(arguments) < 3:
            raise ProtocolError
        account, subject, *to, size = arguments
        reply, queues = b"", []
        if len(to) == 1:
            reply = to[0]
        elif to and to[0] == b"+":
            reply, queues = to[1], to[2:]
        elif to and to[0] == b"|":
            queues = to[1:]
        elif to:
            raise ProtocolError
        payload = await self.payload(number(size))
        if account == ACCOUNT:
            self.server.deliver(subject, reply, payload, queues)


class Client(Connection):
    """An application. The client protocol is not that of routes; this much of it is enough to see one work."""

    operations = CLIENT_OPERATIONS

    def __init__(self, server, reader, writer):
        super().__init__(server, reader, writer)
        self.subscriptions = {}  # sid to [subject, queue, messages until it ends]
        self.wants_info = self.ponged = False

    def begin(self):
        self.server.clients.add(self)
        self.send(b"INFO %s\r\n" % self.server.client_info())

    def end(self):
        self.server.clients.discard(self)
        for sid in list(self.subscriptions):
            self.unsubscribe(sid)

    async def handle(self, name, text):
        arguments = text.split()
        if name == b"CONNECT":
            self.wants_info = body(text).get("protocol", 0) >= 1
        elif name == b"PING":
            self.send(b"PONG\r\n")
            self.ponged = True
        elif name == b"SUB":
            subject, *queue, sid = arguments
            self.subscriptions[sid] = [subject, b"".join(queue), None]
            self.server.subscribe(subject, b"".join(queue), (self, sid))
        elif name == b"UNSUB" and arguments[0] in self.subscriptions:
            if len(arguments) == 2 and int(arguments[1]) > 0:
                self.subscriptions[arguments[0]][2] = int(arguments[1])
            else:
                self.unsubscribe(arguments[0])
        elif name == b"PUB":
            subject, *reply, size = arguments
            self.server.publish(subject, b"".join(reply), await self.payload(number(size)))

    def unsubscribe(self, sid):
        subject, queue, _ = self.subscriptions.pop(sid)
        self.server.unsubscribe(subject, queue, (self, sid))

    def message(self, sid, subject, reply, payload):
        self.send(b" ".join(filter(None, [b"MSG", subject, sid, reply, b"%d\r\n" % len(payload)])) + payload + b"\r\n")
        subscription = self.subscriptions[sid]
        if subscription[2] is not None:
            subscription[2] -= 1
            if subscription[2] <= 0:
                self.unsubscribe(sid)


class Server:
    def __init__(self, options):
        self.port, self.cluster_port = options.port, options.cluster_port
        self.cluster = options.cluster
        self.ping_interval, self.ping_max = options.ping_interval, options.ping_max
        self.id = "N" + secrets.token_hex(16).upper()
        self.name = options.name or self.id
        self.clients, self.routes = set(), set()
        self.peers = {}          # registered routes by the id of their server
        self.subscriptions = {}  # (subject, queue) to [(client, sid), …]; no queue: b""
        self.tasks = set()

    # Who we are.

    def info(self, **more):
        return json.dumps({
            "server_id": self.id, "server_name": self.name, "version": VERSION, "proto": 1, "host": "127.0.0.1",
            "headers": False, "max_payload": MAX_PAYLOAD, **more,
        }).encode()

    def route_info(self):
        return self.info(port=self.cluster_port, cluster=self.cluster, connect_urls=[self.address()])

    def client_info(self):
        urls = [url for route in self.peers.values() for url in route.connect_urls]
        return self.info(port=self.port, connect_urls=[self.address(), *urls])

    def address(self):
        return "127.0.0.1:%d" % self.port

    def tell_clients(self):
        for client in self.clients:
            if client.wants_info and client.ponged:
                client.send(b"INFO %s\r\n" % self.client_info())

    # Interest of our clients, step 5.

    def subscribe(self, subject, queue, subscription):
        members = self.subscriptions.setdefault((subject, queue), [])
        members.append(subscription)
        if queue or len(members) == 1:
            self.announce(subject, queue)

    def unsubscribe(self, subject, queue, subscription):
        members = self.subscriptions[subject, queue]
        members.remove(subscription)
        if not members:
            del self.subscriptions[subject, queue]
        if queue or not members:
            self.announce(subject, queue)

    def announce(self, subject, queue):
        line = self.announcement(subject, queue)
        for route in self.peers.values():
            route.send(line)

    def announcement(self, subject, queue):
        count = len(self.subscriptions.get((subject, queue), []))
        words = [b"RS+" if count else b"RS-", ACCOUNT, subject]
        if queue:
            words += [queue, b"%d" % count] if count else [queue]
        return b" ".join(words) + b"\r\n"

    # Messages, steps 7 and 8.

    def publish(self, subject, reply, payload):
        """A message of a client of ours: to our own subscribers, and to each route one RMSG at most."""
        routes = [route for route in self.routes if route.connected]
        chosen = {route: [] for route in routes if any(matches(wanted, subject) for wanted in route.subjects)}
        ours = []
        for queue, candidates in self.groups(subject, routes).items():
            weights, homes = zip(*candidates)
            home = random.choices(homes, weights)[0]
            if home is self:
                ours.append(queue)
            else:
                chosen.setdefault(home, []).append(queue)
        self.deliver(subject, reply, payload, ours)
        for route, queues in chosen.items():
            to = [b"+", reply, *queues] if queues and reply else [b"|", *queues] if queues else [reply] if reply else []
            route.send(b" ".join([b"RMSG", ACCOUNT, subject, *to, b"%d\r\n" % len(payload)]) + payload + b"\r\n")

    def groups(self, subject, routes):
        """Every queue group with interest in the subject: [(weight, route or this server), …]."""
        found = {}
        for (wanted, queue), members in self.subscriptions.items():
            if queue and matches(wanted, subject):
                found.setdefault(queue, []).append((len(members), self))
        for route in routes:
            for (wanted, queue), weight in route.groups.items():
                if matches(wanted, subject):
                    found.setdefault(queue, []).append((weight, route))
        return found

    def deliver(self, subject, reply, payload, queues):
        """To every plain subscriber, and to one member of each group that is named."""
        receivers, members = [], {}
        for (wanted, queue), subscriptions in self.subscriptions.items():
            if matches(wanted, subject):
                if not queue:
                    receivers += subscriptions
                elif queue in queues:
                    members.setdefault(queue, []).extend(subscriptions)
        for client, sid in receivers + [random.choice(group) for group in members.values()]:
            client.message(sid, subject, reply, payload)

    # Connections.

    def dial(self, url, explicit=False, pause=0):
        """Step 9. A configured route is dialled until it is there; one that we heard of, once."""
        self.spawn(self.keep_dialling(url, explicit, pause))

    async def keep_dialling(self, url, explicit, pause):
        host, _, port = url.split("://")[-1].split("@")[-1].strip("/").rpartition(":")
        while True:
            await asyncio.sleep(pause)
            try:
                streams = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), 1)
            except (OSError, ValueError, asyncio.TimeoutError):
                if not explicit:
                    return
                pause = 1
                continue
            return await Route(self, *streams, url=url, explicit=explicit).run()

    def spawn(self, work):
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def run(self, routes):
        async def accept(kind, port):
            await asyncio.start_server(lambda r, w: self.spawn(kind(self, r, w).run()), "127.0.0.1", port)

        await accept(Client, self.port)
        await accept(Route, self.cluster_port)
        for url in routes:
            self.dial(url, explicit=True)
        await asyncio.Event().wait()  # for ever


def main():
    parser = argparse.ArgumentParser(description="A minimal NATS server, for reading beside spec/PROTOCOL.md.")
    parser.add_argument("--port", type=int, default=4222, help="for clients")
    parser.add_argument("--cluster-port", type=int, default=6222, help="for routes")
    parser.add_argument("--cluster", default="C1", help="name of the cluster")
    parser.add_argument("--name", help="name of the server; its id if not given")
    parser.add_argument("--routes", default="", help="URLs of other servers' route ports, joined by commas")
    parser.add_argument("--ping-interval", type=float, default=30, help="seconds")
    parser.add_argument("--ping-max", type=int, default=2, help="PONGs that a peer may owe")
    options = parser.parse_args()
    asyncio.run(Server(options).run(filter(None, options.routes.split(","))))


if __name__ == "__main__":
    main()
