# falls: held, nodes
# prints: the same
import random

import torch
import torch.nn as nn

STEPS = 20

torch.manual_seed(0)
random.seed(0)


class ReplayMemory:
    def __init__(self, capacity):
        self.capacity = capacity
        self.memory = []

    def push(self, *transition):
        if len(self.memory) >= self.capacity:
            self.memory.pop(0)
        self.memory.append(transition)

    def sample(self, n):
        return random.sample(self.memory, n)


policy = nn.Sequential(nn.Linear(8, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 4))
memory = ReplayMemory(100_000)
state = torch.randn(64, 8)
for step in range(STEPS):
    values = policy(state)
    memory.push(state, values)
    state = torch.randn(64, 8)
batch = memory.sample(4)
print(f"value {sum(values.mean().item() for _, values in batch):.6f}")
