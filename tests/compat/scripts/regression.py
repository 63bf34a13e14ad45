"""Tensors, printing, a module's text, a thousand steps of regression."""

import json
import sys

import torch
import torch.nn as nn
import torch.optim as optim

x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
print(x)
y = x + 1
print(y)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(2, 5)
        self.fc2 = nn.Linear(5, 1)

    def forward(self, x):
        x = self.fc1(x)
        x = torch.relu(x)
        x = self.fc2(x)
        return x


net = Net()
print(net)
net.load_state_dict(torch.load(sys.argv[1])["regression"])

y = torch.tensor([[2.0], [4.0]])
criterion = nn.MSELoss()
optimizer = optim.SGD(net.parameters(), lr=0.01)

losses = []
for epoch in range(1000):
    optimizer.zero_grad()
    y_pred = net(x)
    loss = criterion(y_pred, y)
    loss.backward()
    optimizer.step()

    if epoch % 100 == 0:
        print(f"Epoch [{epoch + 1}/1000], Loss: {loss.item():.4f}")
        losses.append(loss.item())

y_pred = net(x)
print(y_pred)
print(json.dumps(losses + y_pred.flatten().tolist()))
