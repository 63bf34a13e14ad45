"""Forward, loss, backward and one step over a large random batch; weights before and after."""

import json
import sys

import torch
import torch.nn as nn
import torch.optim as optim


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = torch.flatten(x, 1)
        x = self.fc1(x)
        x = torch.relu(x)
        x = self.fc2(x)
        return x


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.01)

train_data = torch.randn(60000, 784)
train_labels = torch.randint(0, 10, (60000,))

outputs = net(train_data)
loss = criterion(outputs, train_labels)
before = net.fc1.weight.detach().clone()
loss.backward()
optimizer.step()
assert outputs.shape == (60000, 10)
assert 2.0 < loss.item() < 2.7
assert torch.allclose(net.fc1.weight, before - 0.01 * net.fc1.weight.grad)

# The same from given weights, so that the values can be compared.
given = torch.load(sys.argv[1])
net.load_state_dict(given["two_layers"])
inputs, targets = given["images"], given["labels"]
optimizer.zero_grad()
outputs = net(inputs)
loss = criterion(outputs, targets)
loss.backward()
optimizer.step()
values = [loss.item()]
for parameter in net.parameters():
    values += [parameter.sum().item(), parameter.grad.abs().sum().item()]
print(json.dumps(values + outputs[0].tolist()))
