"""Run programs and count what they hold. This is the part of the evidence that runs beside the frameworks.

    python evidence/meter.py torch PROGRAM ...

Each program runs in a process of its own, forked from one that has imported the framework; a line of JSON each is printed. What is
counted, and not sampled, comes out the same each time:

- `held`: bytes of tensors that are left at the end, while the program's names are alive (PyTorch's allocator);
- `peak`: most bytes of tensors at once; `allocated`: bytes of all tensors that were asked for;
- `nodes`: nodes of autograd's graphs that live tensors lead to; of TensorFlow, operations of all graphs that are alive;
- `files`: descriptors that are open at the end, above those at the start.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any


def main() -> None:
    framework, *programs = sys.argv[1:]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    warnings.simplefilter("ignore")
    importlib.import_module(framework)
    for program in programs:
        print(json.dumps(_forked(framework, Path(program).resolve())), flush=True)


def _forked(framework: str, program: Path) -> dict[str, Any]:
    """What a run in a process and a folder of its own prints and counts."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.chdir(folder)
                answer.write_text(json.dumps(_measured(framework, program)), encoding="utf-8")
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit(f"{program} failed")
        return json.loads(answer.read_text(encoding="utf-8"))


def _measured(framework: str, program: Path) -> dict[str, Any]:
    code = compile(program.read_text(encoding="utf-8"), str(program), "exec")
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(program)}
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        counts = (_torch if framework == "torch" else _tensorflow)(code, names)
    return {"printed": output.getvalue(), "counts": counts}


def _torch(code: Any, names: dict[str, Any]) -> dict[str, int]:
    import torch
    from torch.profiler import ProfilerActivity, profile

    torch.set_num_threads(1)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        exec(code, names)
        gc.collect()
    held = peak = allocated = 0
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
        allocated += max(0, event.nbytes())
    tensors = [found for found in gc.get_objects() if issubclass(type(found), torch.Tensor)]
    pending = [tensor.grad_fn for tensor in tensors if tensor.grad_fn is not None]
    nodes: set[Any] = set()
    while pending:
        node = pending.pop()
        if node not in nodes:
            nodes.add(node)
            pending.extend(following for following, _ in node.next_functions if following is not None)
    return {"held": held, "peak": peak, "allocated": allocated, "nodes": len(nodes)}


def _tensorflow(code: Any, names: dict[str, Any]) -> dict[str, int]:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)
    before = len(os.listdir("/proc/self/fd"))
    exec(code, names)
    opened = len(os.listdir("/proc/self/fd")) - before
    gc.collect()
    graphs = [found for found in gc.get_objects() if issubclass(type(found), tf.Graph)]
    return {"nodes": sum(len(graph.get_operations()) for graph in graphs), "files": opened}


if __name__ == "__main__":
    main()
