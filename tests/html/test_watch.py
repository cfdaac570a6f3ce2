"""The server of `convnet watch`: it reads only what is new, and a browser shows it."""

import json
import shutil
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from convnet import checkpoint
from convnet.errors import ConvnetError
from convnet.html import page as page_module
from convnet.html import page_run
from convnet.html.server import PageServer
from convnet.journal import Journal
from tests.html.test_page import curves_in
from tests.support.command_line import good


@contextmanager
def serving(*folders):
    with PageServer(folders, 0, 5) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def fetched(address, version=None):
    """Status, version and content of an answer."""
    request = urllib.request.Request(address, headers={"If-None-Match": version} if version else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["ETag"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["ETag"], error.read().decode()


def test_the_page_is_renewed_as_the_journal_grows(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
        with serving(tmp_path) as server:
            status, version, first = fetched(server.address)
            assert (status, curves_in(first)[0]["series"]) == (200, [])
            assert fetched(server.address, version) == (304, version, "")
            journal.write("train", 1, epoch=1.0, costs={"logprob": {"cost": 2.0}})
            status, newer, second = fetched(server.address, version)
            assert status == 200 and newer != version
            assert curves_in(second)[0]["series"][0]["y"] == [2.0]
            assert fetched(server.address + "other")[0] == 404
            assert "running" in second
            journal.close()
            assert "killed" in fetched(server.address, newer)[2], "without a word in the journal"
            with pytest.raises(ConvnetError, match="cannot be used"):
                PageServer([tmp_path], server.server_address[1], 5)
    assert 'data-renew="5"' in first and "connect-src 'self'" in first
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in first


def test_nothing_is_made_or_read_twice(tmp_path, monkeypatch):
    good("train", "--layers", "digits", "--epochs", 1, "--save", tmp_path / "run")
    counts = {"html": 0, "load": 0, "drawing": 0, "plan": 0}

    def counted(name, call):
        def wrapper(*arguments, **options):
            counts[name] += 1
            return call(*arguments, **options)

        return wrapper

    monkeypatch.setattr(page_module.Page, "html", counted("html", page_module.Page.html))
    load = counted("load", checkpoint.load_newest)
    monkeypatch.setattr(checkpoint, "load_newest", load)
    monkeypatch.setattr(page_run, "draw_network", counted("drawing", page_run.draw_network))
    monkeypatch.setattr(page_run, "plan_section", counted("plan", page_run.plan_section))
    with serving(tmp_path / "run") as server:
        version = fetched(server.address)[1]
        for _ in range(3):
            assert fetched(server.address)[1] == version
        assert counts == {"html": 1, "load": 1, "drawing": 1, "plan": 1}
        with Journal(tmp_path / "run/journal.jsonl") as journal:
            journal.write("train", 25, epoch=1.1, costs={"logprob": {"cost": 2.0}})
            assert fetched(server.address)[1] != version
        assert counts == {"html": 2, "load": 1, "drawing": 1, "plan": 1}
        first = tmp_path / "run/1.0.safetensors"
        saved = checkpoint.load(first)
        from dataclasses import replace

        later = replace(saved, number=saved.number + 1)
        checkpoint.save(tmp_path / "run/1.5.safetensors", later)
        fetched(server.address)
        assert counts == {"html": 3, "load": 2, "drawing": 1, "plan": 1}


def test_a_trace_and_predictions_appear_when_they_are_written(tmp_path):
    good("train", "--layers", "digits", "--epochs", 1, "--max-batches", 5,
         "--save", tmp_path / "run", "--trace", tmp_path / "run/trace.json")  # fmt: skip
    shutil.move(tmp_path / "run/trace.json", tmp_path / "later.json")
    with serving(tmp_path / "run") as server:
        page = fetched(server.address)[2]
        assert "Time by layer" not in page and "Most confident mistakes" not in page
        shutil.move(tmp_path / "later.json", tmp_path / "run/trace.json")
        good("test", "--load", tmp_path / "run", "--test-out", tmp_path / "run")
        page = fetched(server.address)[2]
        assert "Time by layer" in page and "Most confident mistakes" in page
        (tmp_path / "run/trace.json").write_text(json.dumps({"traceEvents": []}))
        assert "Time by layer" not in fetched(server.address)[2], "what is damaged is left out"


def test_a_folder_that_vanishes_is_told_in_the_answer(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with Journal(folder / "journal.jsonl") as journal:
        journal.write("start", 0)
    with serving(folder) as server:
        assert fetched(server.address)[0] == 200
        shutil.rmtree(folder)
        status, _, words = fetched(server.address)
        assert status == 503 and "cannot be read" in words


def test_a_page_of_another_site_gets_nothing(tmp_path):
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("start", 0, layers="net.cfg", data="digits")
    with serving(tmp_path) as server:
        port = server.server_address[1]
        for name in (f"localhost:{port}", "localhost:80", "localhost", "127.0.0.1"):
            assert status_as(server.address, name) == 200, "without a port it is port 80"
        for name in (f"other.example:{port}", "localhost.example:80", "other.example"):
            assert status_as(server.address, name) == 403


def status_as(address, host):
    request = urllib.request.Request(address, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
