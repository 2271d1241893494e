"""How a request is framed on the wire, sent byte by byte to a real gunicorn."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.server import PATIENCE, Server, is_closed, read_answer, request
from tests.security.world import World

pytestmark = pytest.mark.xdist_group("server")

PATH = "/api/v1/programs"
MEBIBYTE = 1024 * 1024
CHUNKED = {"Transfer-Encoding": "chunked"}
LAST = b"0\r\n\r\n"
BODY = b'{"key":"FRAMED","name":"x"}'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.fixture
def headers(server: Server, world: World) -> dict[str, str]:
    """What alice's program sends with every request."""
    key = world.people["alice"].api_key
    return {"Host": server.host, "Authorization": f"Bearer {key}", "Content-Type": "application/json"}


@pytest.fixture
def nothing_happens(app, world: World):
    """Whatever the test sends leaves no trace at acme."""
    before = world.trace()
    yield
    assert world.trace() == before


def test_a_chunked_body_is_taken(server, world, headers):
    body = b'{"key":"CHUNKED","name":"In pieces"}'
    answer = server.send(request("POST", PATH, headers | CHUNKED, chunk(body[:10]) + chunk(body[10:]) + LAST))
    assert answer.status == 201


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n" + BODY + b"\r\n" + LAST,
        b"-1\r\n" + BODY + b"\r\n" + LAST,
        b"1b\r\n" + BODY + b"XX" + LAST,
        b"\r\n" + BODY + b"\r\n" + LAST,
        chunk(BODY) + b"0\r\nno trailer\r\n\r\n",
        b"f" * 20_000 + b"\r\n",
    ],
    ids=["no number", "negative", "longer than told", "no size", "a bad trailer", "a size without end"],
)
@pytest.mark.usefixtures("nothing_happens")
def test_a_badly_cut_chunk_is_400_and_the_connection_ends(server, headers, body):
    with server.connect() as connection:
        connection.sendall(request("POST", PATH, headers | CHUNKED, body))
        assert_refused(read_answer(connection), 400, "MALFORMED_REQUEST")
        assert is_closed(connection)


@pytest.mark.usefixtures("nothing_happens")
def test_a_badly_cut_form_is_400(server, world):
    headers = {"Host": server.host, "Origin": f"http://{server.host}", "Cookie": f"sid={world.new_session('alice')}"}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"/o/{world.acme.slug}/programs"
    answer = server.send(request("POST", path, headers | kind | CHUNKED, b"zz\r\nkey=CUT&name=x\r\n" + LAST))
    assert (answer.status, answer.headers.get_content_type()) == (400, "text/html")


@pytest.mark.parametrize("framing", ["chunks", "length"])
@pytest.mark.usefixtures("nothing_happens")
def test_a_body_that_ends_too_soon_is_not_taken_for_the_whole(server, headers, framing):
    if framing == "chunks":
        sent = request("POST", PATH, headers | CHUNKED, chunk(BODY))
    else:
        sent = request("POST", PATH, headers | {"Content-Length": str(len(BODY) + 50)}, BODY)
    assert_refused(server.send(sent, end=True), 400, "MALFORMED_REQUEST")


@pytest.mark.usefixtures("nothing_happens")
def test_a_chunked_body_without_end_is_413_and_the_connection_ends(server, headers):
    piece = chunk(b"x" * 65536)
    with server.connect() as connection:
        connection.sendall(request("POST", PATH, headers | CHUNKED, chunk(b'{"name":"')))
        sent = 0
        deadline = time.monotonic() + PATIENCE
        while sent < 256 * MEBIBYTE and not answered(connection) and time.monotonic() < deadline:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
            sent += len(piece)
        assert sent < 64 * MEBIBYTE, "The server hears a body out that has no end."
        assert_refused(read_answer(connection), 413, "PAYLOAD_TOO_LARGE")
        assert is_closed(connection)


@pytest.mark.parametrize("ending", [{}, {"Connection": "close"}], ids=["goes on", "closes"])
@pytest.mark.parametrize("size", [2 * MEBIBYTE, 10 * MEBIBYTE])
@pytest.mark.usefixtures("nothing_happens")
def test_a_client_that_sends_too_much_hears_so(server, headers, size, ending):
    """Also one that sends all of it before it listens: the answer must not be lost in a reset connection."""
    for framed in ({"Content-Length": str(size)}, CHUNKED):
        body = b"x" * size if "Content-Length" in framed else chunk(b"x" * size) + LAST
        began = time.monotonic()
        assert_refused(server.send(request("POST", PATH, headers | framed | ending, body)), 413, "PAYLOAD_TOO_LARGE")
        assert time.monotonic() - began < PATIENCE / 2


@pytest.mark.usefixtures("nothing_happens")
def test_a_client_that_is_refused_before_it_was_heard_out_hears_so(server, headers):
    told = {name: value for name, value in headers.items() if name != "Authorization"}
    size = {"Content-Length": str(10 * MEBIBYTE), "Connection": "close"}
    answer = server.send(request("POST", PATH, told | size, b"x" * 10 * MEBIBYTE))
    assert_refused(answer, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "framing",
    [
        {"Content-Length": "27", "Transfer-Encoding": "chunked"},
        {"Content-Length": "27", "content-length": "2"},
        {"Content-Length": "+27"},
        {"Content-Length": "-1"},
        {"Content-Length": "27, 27"},
        {"Content-Length": "0x1b"},
        {"Transfer-Encoding": "chunked", "transfer-encoding": "identity"},
        {"Transfer-Encoding": "xchunked"},
    ],
    ids=lambda framing: " ".join(f"{name}={value}" for name, value in framing.items()),
)
@pytest.mark.usefixtures("nothing_happens")
def test_a_length_that_two_readers_could_read_differently_is_refused(server, headers, framing):
    with server.connect() as connection:
        connection.sendall(request("POST", PATH, headers | framing, BODY))
        answer = read_answer(connection)
        assert answer.status in (400, 501)
        assert is_closed(connection)


@pytest.mark.usefixtures("nothing_happens")
def test_a_second_request_hidden_in_the_first_is_not_served(server, headers):
    hidden = request("POST", PATH, headers | {"Content-Length": str(len(BODY))}, BODY)
    smuggled = request("POST", PATH, headers | {"Content-Length": "5"} | CHUNKED, LAST + hidden)
    with server.connect() as connection:
        connection.sendall(smuggled)
        assert read_answer(connection).status == 400
        assert is_closed(connection)


@pytest.mark.parametrize("path", ["/api/v1/programs", "/sign-in"])
@pytest.mark.parametrize("host", [None, "", "evil.example", "localhost:1", "local host", "localhost@evil.example"])
@pytest.mark.usefixtures("nothing_happens")
def test_a_host_that_is_not_ours_is_400(server, headers, path, host):
    named = {name: value for name, value in headers.items() if name != "Host"}
    if host is not None:
        named["Host"] = host
    answer = server.send(request("GET", path, named))
    assert answer.status == 400
    assert "BAD_HOST" in answer.text
    assert "evil" not in answer.text


def test_two_hosts_are_400(server, headers):
    assert server.send(request("GET", PATH, headers | {"host": "evil.example"})).status == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_may_ask_under_any_host(server, path):
    assert server.send(request("GET", path, {"Host": "10.0.0.7"})).status == 200


def test_an_address_without_end_is_414(server, headers):
    assert server.send(request("GET", f"{PATH}?q={'a' * 10_000}", headers)).status == 414


@pytest.mark.parametrize("more", [{"X-Long": "a" * 20_000}, {f"X-{n}": "a" for n in range(200)}], ids=["long", "many"])
def test_headers_without_end_are_431(server, headers, more):
    assert server.send(request("GET", PATH, headers | more)).status == 431


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\0: b\r\n\r\n",
    ],
    ids=["TLS", "no path", "no such version", "a bad header name"],
)
def test_what_is_no_request_is_400(server, sent):
    answer = server.send(sent)
    assert answer.status in (400, 505)
    assert b"Traceback" not in answer.body


def test_slow_clients_stop_nobody_else(server, headers):
    """Sixty who send a byte and wait, headers or body: an answer to somebody else comes at once all the same."""
    half = request("POST", PATH, headers | {"Content-Length": "100"}, b"{")
    slow = [server.connect() for _ in range(60)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(half if number % 2 else half[:40])
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: server.get("/sign-in").status, range(8)))
        assert answers == [200] * 8
        assert time.monotonic() - began < PATIENCE / 4
    finally:
        for connection in slow:
            connection.close()


def test_a_connection_is_used_again_after_a_refusal(server, headers):
    with server.connect() as connection:
        for path, status in (("/api/v1/nothing", 404), (PATH, 200)):
            connection.sendall(request("GET", path, headers))
            assert read_answer(connection).status == status


def test_no_answer_was_a_defect(server):
    """Runs last of this group or not: whatever was sent so far, the log knows of no error of ours."""
    assert "request.failed" not in server.log
    assert "Traceback" not in server.log


def answered(connection: socket.socket) -> bool:
    """Whether something can be read, without reading it."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        connection.settimeout(PATIENCE)


def assert_refused(answer, status: int, code: str) -> None:
    assert answer.status == status, answer.text[:300]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.body)["error"]["code"] == code
