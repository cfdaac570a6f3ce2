"""Replace the streams and events of the CUDA engine in the simulator."""

from functools import partial

from convnet.backends.cuda.runtime import controls, program, streams


def install(monkeypatch, machine) -> None:
    """Make all engines from now on use machine.stream() and machine.event().

    Work that would be enqueued on a stream is passed to the stream's `take(call)` instead.
    """
    call, upload = program._call, controls.Controls.upload

    def given_call(item, stream, *others):
        return partial(stream.take, call(item, stream, *others))

    def given_upload(self, slot, stream):
        stream.take(partial(upload, self, slot, stream))

    monkeypatch.setattr(streams.cuda, "stream", machine.stream)
    monkeypatch.setattr(streams.cuda, "event", machine.event)
    monkeypatch.setattr(program, "_call", given_call)
    monkeypatch.setattr(controls.Controls, "upload", given_upload)
