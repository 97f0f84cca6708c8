import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 8)
        self.mean = nn.Linear(8, 1)
        self.value = nn.Linear(8, 1)
        self.log_std = nn.Parameter(torch.zeros(1))

    def forward(self, s):
        h = torch.tanh(self.body(s))
        return Normal(self.mean(h), self.log_std.exp()), self.value(h)


ac = ActorCritic()
opt = torch.optim.Adam(ac.parameters())
for episode in range(2):
    log_probs, values, rewards = [], [], []
    entropy = 0
    state = torch.randn(3)
    for _ in range(4):
        dist, value = ac(state)
        action = dist.sample()
        log_probs.append(dist.log_prob(action))
        values.append(value)
        entropy += dist.entropy().mean()
        rewards.append(torch.tensor([1.0]))
        state = torch.randn(3)
    returns = torch.cat(rewards).flip(0).cumsum(0).flip(0).detach()
    log_probs = torch.cat(log_probs)
    values = torch.cat(values)
    advantage = returns - values
    actor_loss = -(log_probs * advantage.detach()).mean()
    critic_loss = advantage.pow(2).mean()
    loss = actor_loss + 0.5 * critic_loss - 0.001 * entropy
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item(), F.relu(advantage).sum().item())
