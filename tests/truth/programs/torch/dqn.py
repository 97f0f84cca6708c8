import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F

Transition = namedtuple("Transition", ["state", "action", "reward", "next_state"])


class Agent:
    def __init__(self):
        self.q = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
        self.target = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
        self.target.load_state_dict(self.q.state_dict())
        self.optimizer = torch.optim.Adam(self.q.parameters())
        self.memory = deque(maxlen=100)

    def act(self, state):
        if random.random() < 0.1:
            return random.randrange(2)
        with torch.no_grad():
            return self.q(state).argmax().item()

    def learn(self):
        batch = Transition(*zip(*random.sample(self.memory, 4)))
        states = torch.stack(batch.state)
        actions = torch.tensor(batch.action).unsqueeze(1)
        rewards = torch.tensor(batch.reward)
        values = self.q(states).gather(1, actions).squeeze(1)
        with torch.no_grad():
            best = self.target(torch.stack(batch.next_state)).max(1)[0]
        expected = rewards + 0.9 * best
        loss = F.smooth_l1_loss(values, expected)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


agent = Agent()
state = torch.randn(3)
for step in range(8):
    action = agent.act(state)
    following = torch.randn(3)
    agent.memory.append(Transition(state, action, float(step), following))
    state = following
    if len(agent.memory) >= 4:
        loss = agent.learn()
print(loss)
