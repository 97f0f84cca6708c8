"""What the oracle answers, expression by expression."""

from __future__ import annotations

from pathlib import Path

import pytest

PRELUDE = """\
import torch
import torch.nn as nn
import torch.nn.functional as F
import pytorch_lightning as pl
from accelerate import Accelerator
from somewhere import unknown
from torch import optim
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import resnet18
from transformers import AutoModelForCausalLM, Trainer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 2), nn.ReLU())
        self.head = nn.Linear(3, 4)

    def forward(self, x):
        return F.relu(self.head(self.body(x))).mean()


class Deeper(Net):
    pass


class Deepest(Deeper):
    pass


class Pair(nn.Module):
    def forward(self, x):
        return self.a(x), self.b(x)


class Plain:
    def __call__(self, x):
        return 3


class Wrapped(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def training_step(self, batch, index):
        return self.net(batch)


def difference(a, b):
    return (a - b).abs().mean()


def step(model, criterion, x, y):
    loss = criterion(model(x), y)
    return loss, loss.item()


@torch.no_grad()
def evaluate(t):
    return t.exp()


model = Net().cuda().train()
optimizer = optim.AdamW(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(torch.zeros(1)), batch_size=2)
x = torch.randn(3, 4)
for batch, target in loader:
    loss = criterion(model(batch), target)
    total = loss * 2
"""

TENSOR, MODULE, OPTIMIZER = "torch.Tensor", "torch.nn.Module", "torch.optim.Optimizer"
SCHEDULER, LOADER, DATASET = "torch.optim.lr_scheduler.LRScheduler", "torch.utils.data.DataLoader", "torch.utils.data.Dataset"

KINDS = {
    # Calls of modules: what the nearest `forward` gives.
    "model(x)": TENSOR,
    "Deepest()(x)": TENSOR,
    "nn.Sequential(nn.Linear(1, 1))(x)": TENSOR,
    "nn.LSTM(1, 1)(x)": None,
    "nn.LSTM(1, 1)(x)[0]": TENSOR,
    "Pair()(x)": None,
    "Plain()(x)": None,
    "resnet18()(x)": TENSOR,
    "Wrapped().net(x)": TENSOR,
    "Wrapped().training_step(x, 0)": TENSOR,
    "AutoModelForCausalLM.from_pretrained('gpt2')(x).loss": TENSOR,
    "loss": TENSOR,
    "total": TENSOR,
    # Modules, optimizers, data.
    "model": MODULE,
    "Deepest()": MODULE,
    "model.body[0]": MODULE,
    "model.eval().to('cuda')": MODULE,
    "nn.modules.module.Module()": MODULE,
    "Wrapped()": MODULE,
    "AutoModelForCausalLM.from_pretrained('gpt2')": MODULE,
    "Wrapped().trainer": "pytorch_lightning.Trainer",
    "Trainer()": "transformers.Trainer",
    "Accelerator()": "accelerate.Accelerator",
    "optimizer": OPTIMIZER,
    "torch.optim.SGD([])": OPTIMIZER,
    "optim.lr_scheduler.StepLR(optimizer, 1)": SCHEDULER,
    "loader": LOADER,
    "loader.dataset": DATASET,
    "next(iter(loader))": None,  # what a loader gives is up to its `collate_fn`
    "batch": None,
    "TensorDataset(x)[0][0]": TENSOR,
    "torch.cuda.amp.GradScaler()": "torch.amp.GradScaler",
    "torch.no_grad()": "torch.no_grad",
    "model.register_forward_hook(print)": "torch.utils.hooks.RemovableHandle",
    # Operators.
    "loss * 2": TENSOR,
    "2 * loss": TENSOR,
    "1 - 0.5 * loss": TENSOR,
    "-loss": TENSOR,
    "(loss + 1) / len([1])": TENSOR,
    "x @ x.T": TENSOR,
    "x[0]": TENSOR,
    "x > 0": TENSOR,
    "unknown is loss": None,
    "unknown in x": None,
    "not loss": None,
    "'%s' % loss": None,
    # Methods and functions.
    "loss.detach().cpu()": TENSOR,
    "loss.item()": None,
    "x.shape": "torch.Size",
    "x.max()": TENSOR,
    "x.max(dim=1)": None,
    "x.max(dim=1).values": TENSOR,
    "torch.stack([loss]).mean()": TENSOR,
    "F.mse_loss(x, x)": TENSOR,
    "torch.nn.functional.mse_loss(x, x)": TENSOR,
    "torch.linalg.norm(x)": TENSOR,
    "torch.autograd.grad(loss, x)[0]": TENSOR,
    "torch.utils.checkpoint.checkpoint(difference, x, x)": TENSOR,
    "torch.func.vmap(difference)(x, x)": TENSOR,
    "model.head.weight": TENSOR,
    "model.state_dict()": None,
    "model.state_dict()['head.weight']": TENSOR,
    # Helpers.
    "difference(x, loss)": TENSOR,
    "step(model, criterion, x, x)[0]": TENSOR,
    "step(model, criterion, x, x)[1]": None,
    "evaluate(x)": TENSOR,
    "(lambda t: t + 1)(x)": TENSOR,
    "[l.detach() for l in [loss]][0]": TENSOR,
    "{'loss': loss}['loss']": TENSOR,
    "loss if unknown else None": TENSOR,
    "loss if unknown else 3": None,
    # Unknown: names that the stubs lack, classes and functions themselves, other libraries.
    "torch.nowhere(1)": None,
    "torch.nowhere.anything(1)": None,
    "x.nowhere()": None,
    "nn.Nowhere()": None,
    "unknown(x)": None,
    "Net": None,
    "difference": None,
    "torch": None,
    "3": None,
    "'text'": None,
    "None": None,
}


@pytest.mark.parametrize("expression", KINDS)
def test_kind(ask, expression: str) -> None:
    assert ask(PRELUDE + expression) == KINDS[expression]


def test_a_place_means_its_longest_expression_and_a_start_tells_which(oracle) -> None:
    text = "import torch\na = torch.nn.Linear(1, 1)\nb = torch.zeros(1)\nprint(a.weight * b, b)\n"
    assert oracle.kind(text, 4, 18, budget=20) == "torch.Tensor"
    assert oracle.kind(text, 4, 7, budget=20) == "torch.nn.Module"
    assert oracle.kind(text, 4, 18, budget=20, start=(4, 17)) == "torch.Tensor"
    assert oracle.kind(text, 4, 18, budget=20, start=(4, 8)) is None
    assert oracle.kind(text, 2, 1, budget=20) == "torch.nn.Module"  # a target


@pytest.mark.parametrize("place", [(1, 0), (9, 9), (0, 0), (-3, 2), (2, 400)])
def test_no_expression_ends_there(oracle, place: tuple[int, int]) -> None:
    assert oracle.kind("import torch\n", *place, budget=20) is None


def test_broken_text(ask, oracle) -> None:
    assert ask("import torch\ndef f(:\n  x = = 3\ntorch.zeros(1)") == "torch.Tensor"
    assert ask("x = '\ud800'\nx") is None
    assert ask("(" * 3000 + "1" + ")" * 3000) is None
    assert ask("import torch\ntorch.zeros(1)") == "torch.Tensor"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def test_sources_of_the_workspace_are_read(ask, oracle, tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "src/kit/__init__.py": "from .models import Net\n",
            "src/kit/models.py": "from torch import nn\nclass Net(nn.Module): pass\n",
            "src/kit/torch.py": "def zeros(n): return 3\n",
            "scripts/common.py": "import torch\ndef make(): return torch.zeros(1)\n",
        },
    )
    inside, script = tmp_path / "src/kit/train.py", tmp_path / "scripts/run.py"
    assert ask("import torch\nfrom .models import Net\nNet()(torch.zeros(1))", inside) == "torch.Tensor"
    assert ask("from . import models\nmodels.Net()", inside) == "torch.nn.Module"
    assert ask("from kit import Net\nNet()", inside) == "torch.nn.Module"
    assert ask("from .torch import zeros\nzeros(1)", inside) is None
    assert ask("from common import make\nmake()", script) == "torch.Tensor"
    assert ask("from common import make\nmake()", inside) is None
    assert ask("from common import make\nmake()") is None
    write(tmp_path, {"scripts/common.py": "def make(): return 3\n"})
    oracle.forget()
    assert ask("from common import make\nmake()", script) is None
