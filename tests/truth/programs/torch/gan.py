import torch
import torch.nn as nn

G = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 2), nn.Tanh())
D = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
bce = nn.BCEWithLogitsLoss()
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
fixed = torch.randn(2, 4)
d_losses, g_losses = [], []
for i in range(3):
    real = torch.randn(6, 2)
    ones, zeros = torch.ones(6, 1), torch.zeros(6, 1)
    noise = torch.randn(6, 4)
    fake = G(noise)
    D.zero_grad()
    d_real = bce(D(real), ones)
    d_fake = bce(D(fake.detach()), zeros)
    d_loss = d_real + d_fake
    d_loss.backward()
    opt_d.step()
    G.zero_grad()
    g_loss = bce(D(fake), ones)
    g_loss.backward()
    opt_g.step()
    d_losses.append(d_loss.item())
    g_losses.append(g_loss)
mean = torch.stack(g_losses).mean()
with torch.no_grad():
    sample = G(fixed).cpu()
print(mean.item(), sum(d_losses) / len(d_losses), sample.numpy().shape)
