"""Run programs and tell what each of their expressions was. Runs beside the frameworks.

    python tests/truth/tracer.py torch PROGRAM ...

Every expression that is read is wrapped into a call that notes the kind of its value, and for tensors whether it carries a graph;
`line:column-line:column` of the expression names it. Each program runs in a process of its own; a line of JSON each is printed.
"""

from __future__ import annotations

import ast
import collections
import contextlib
import importlib
import io
import json
import os
import random
import sys
import tempfile
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

NOTE = "_note_what_it_is"
READ = (
    ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.Compare, ast.BoolOp, ast.IfExp, ast.List, ast.Tuple,
    ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
)  # fmt: skip


class Notes(ast.NodeTransformer):
    """Wraps expressions. What is called, written to, deleted or only annotates stays as it is."""

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.JoinedStr | ast.arguments):
            return node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [self.visit(statement) for statement in node.body]
            return node
        if isinstance(node, ast.AnnAssign):
            node.value = self.visit(node.value) if node.value is not None else None
            return node
        key = place(node) if isinstance(node, READ) and isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load) else None
        if isinstance(node, ast.Call):
            node.func = self.generic_visit(node.func)
            node.args = [self.visit(argument) for argument in node.args]
            node.keywords = [self.visit(keyword) for keyword in node.keywords]
        else:
            self.generic_visit(node)
        if key is None or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"):
            return node
        wrapped = ast.Call(ast.Name(NOTE, ast.Load()), [ast.Constant(key), node], [])
        return ast.fix_missing_locations(ast.copy_location(wrapped, node))


def place(node: Any) -> str:
    return f"{node.lineno}:{node.col_offset}-{node.end_lineno}:{node.end_col_offset}"


class Kinds:
    """The kind of a value, in the words of the engine, and the state of autograd for tensors."""

    def __init__(self, framework: str) -> None:
        self.table: list[tuple[Any, str]] = []
        if framework == "torch":
            import torch

            self.tensor: Any = torch.Tensor
            self.table = [
                (torch.nn.Module, "module"),
                (torch.optim.Optimizer, "optimizer"),
                (torch.optim.lr_scheduler.LRScheduler, "scheduler"),
                (torch.amp.GradScaler, "scaler"),
                (torch.utils.data.DataLoader, "loader"),
                (torch.distributions.Distribution, "distribution"),
                (torch.utils.hooks.RemovableHandle, "handle"),
            ]
        else:
            import tensorflow as tf

            self.tensor = ()
            self.table = [
                (tf.Variable, "tf-variable"),
                (tf.Tensor | tf.Operation | tf.SparseTensor | tf.RaggedTensor, "tf-tensor"),
                (tf.keras.KerasTensor, "keras-tensor"),
                (tf.keras.Model, "keras-model"),
                (tf.keras.layers.Layer, "keras-layer"),
                (tf.keras.optimizers.Optimizer, "keras-optimizer"),
                (tf.keras.Variable, "tf-variable"),
                (tf.compat.v1.Session | tf.compat.v1.InteractiveSession, "session"),
                (tf.Graph, "graph"),
                (tf.data.Dataset, "dataset"),
                (tf.data.Iterator | tf.compat.v1.data.Iterator, "dataset-iterator"),
                (tf.compat.v1.train.Optimizer, "tf-optimizer"),
                (tf.GradientTape, "tape"),
                (tf.summary.SummaryWriter, "summary-writer"),
            ]
        import numpy as np

        self.table += [
            (types.NoneType, "none"),
            (int | float | complex | np.generic, "number"),
            (str | bytes, "string"),
            (np.ndarray, "data"),
            (list, "list"),
            (tuple, "tuple"),
            (dict, "dict"),
            (set, "set"),
            (collections.deque, "deque"),
            (type, "class"),
            (types.ModuleType, "namespace"),
            (types.GeneratorType, "generator"),
            (types.FunctionType | types.BuiltinFunctionType | types.MethodType, "function"),
        ]

    def of(self, value: Any) -> tuple[str, str]:
        if self.tensor and issubclass(type(value), self.tensor):
            state = "detached" if not value.requires_grad else "leaf" if value.grad_fn is None else "attached"
            return "tensor", state
        return next((name for kind, name in self.table if isinstance(value, kind)), "other"), ""


def traced(framework: str, program: Path) -> dict[str, list[tuple[str, str]]]:
    kinds = Kinds(framework)
    notes: dict[str, set[tuple[str, str]]] = {}

    def note(key: str, value: Any) -> Any:
        notes.setdefault(key, set()).add(kinds.of(value))
        return value

    tree = Notes().visit(ast.parse(program.read_text(encoding="utf-8")))
    names = {"__name__": "__main__", "__file__": str(program), NOTE: note}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(tree, str(program), "exec"), names)
    return {key: sorted(found) for key, found in notes.items()}


def main() -> int:
    framework, *programs = sys.argv[1:]
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    warnings.simplefilter("ignore")
    library: Any = importlib.import_module(framework)
    # What a program chooses at random it chooses the same each time.
    random.seed(0)
    if framework == "torch":
        library.manual_seed(0)
    failed = False
    for name in programs:
        program = Path(name).resolve()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    os.chdir(folder)
                    print(json.dumps({"program": name, "notes": traced(framework, program)}), flush=True)
                    os.chdir("/")
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        failed |= os.waitpid(child, 0)[1] != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
