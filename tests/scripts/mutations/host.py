"""Defects of the CUDA backend's host code: most show only when work happens late."""

from tests.scripts.mutations.record import GPU, Mutation, rows

RUN = GPU + "runtime/"
LATE = ("tests/emulated/test_late.py",)  # seeds of its own
TWO = {"EMULATOR_GPUS": "2"}

HOST = [
    Mutation("steps do not wait for other streams", RUN + "program.py",
             "        for earlier in item.waits:\n", "        for earlier in item.waits[:0]:\n",
             LATE),
    Mutation("other streams do not wait for the program's begin", RUN + "program.py",
             "            self._streams.wait(self._begun, stream)\n", "            pass\n",
             LATE),
    Mutation("streams do not join at the end", RUN + "program.py",
             "            self._streams.wait(event, self._origin)\n", "            pass\n",
             LATE),
    Mutation("programs do not wait for their upload", RUN + "double_buffer.py",
             "        self._loaded.block(COMPUTING)\n", "", LATE),
    Mutation("uploads do not wait for programs", RUN + "double_buffer.py",
             "        self._used.block(UPLOADING)\n", "", LATE),
    Mutation("the host fills memory that is being uploaded", RUN + "double_buffer.py",
             "        self._loaded.wait()\n        self._used.wait()\n",
             "        self._used.wait()\n",
             LATE),
    Mutation("controls change while a program reads them", GPU + "engine.py",
             "        if changed:\n            slot.wait_for_programs()\n", "", LATE),
    Mutation("results are read too early", GPU + "engine.py",
             "            return array.on_device().copy().reshape(array.shape)\n"
             "        self.slots.wait_for_programs()\n",
             "            return array.on_device().copy().reshape(array.shape)\n", LATE),
    Mutation("conflicts with reads are overlooked", RUN + "stream_schedule.py",
             "return overlap and (self.writes or other.writes)",
             "return overlap and (self.writes and other.writes)", LATE),
    Mutation("contexts are retained within others", RUN + "streams.py",
             "        _retain_contexts(set(gpus))\n", "", LATE, TWO),
    Mutation("peer access is enabled in one direction", RUN + "streams.py",
             "permutations(sorted(set(gpus)), 2)", "list(permutations(sorted(set(gpus)), 2))[:1]",
             ("tests/backends/cuda/test_streams.py",), {}, False),
    Mutation("copies without peer access are captured", GPU + "engine.py",
             "self.graphs = graphs and self.streams.are_peers", "self.graphs = graphs",
             LATE, {**TWO, "EMULATOR_PEERS": "0"}),
    Mutation("memory is freed within a capture", RUN + "streams.py",
             "with streams.deferring_frees(), streams.on(origin.device):",
             "with streams.on(origin.device):", ("tests/backends/cuda/test_graphs.py",), {}, False),
    Mutation("launches on the default stream", GPU + "jit.py",
             "        return self.dispatcher[blocks, self.threads, stream]\n",
             "        return self.dispatcher[blocks, self.threads]\n", LATE),
    Mutation("a grid without blocks", RUN + "launch.py",
             "blocks = max(1, min(MOST_BLOCKS, ceil_div(elements, kernel.threads)))",
             "blocks = min(MOST_BLOCKS, elements // kernel.threads)", rows("square")),
    Mutation("a view begins one value too late", RUN + "launch.py",
             "return self.memory[self.start : self.start + self.nbytes].view(self.dtype)",
             "return self.memory[self.start + self.start % 3 : self.start % 3 + self.start "
             "+ self.nbytes].view(self.dtype)", rows("concat", "concat: one twice")),
]  # fmt: skip
