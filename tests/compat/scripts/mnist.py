"""MNIST through torchvision's names: load, train, evaluate. A part of the images, for speed."""

import json
import sys

import torch
import torch.nn as nn
import torch.optim as optim
import torchvision
import torchvision.transforms as transforms

root = sys.argv[1]
train_dataset = torchvision.datasets.MNIST(
    root=root, train=True, transform=transforms.ToTensor(), download=True
)
test_dataset = torchvision.datasets.MNIST(
    root=root, train=False, transform=transforms.ToTensor(), download=True
)
assert (len(train_dataset), len(test_dataset)) == (60000, 10000)
train_dataset = torch.utils.data.Subset(train_dataset, range(4000))
test_dataset = torch.utils.data.Subset(test_dataset, range(1000))

train_loader = torch.utils.data.DataLoader(train_dataset, batch_size=64, shuffle=True)
test_loader = torch.utils.data.DataLoader(test_dataset, batch_size=64, shuffle=False)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(28 * 28, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = torch.flatten(x, 1)
        x = torch.relu(self.fc1(x))
        x = self.fc2(x)
        output = x
        return output


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1)

for epoch in range(3):
    for i, (images, labels) in enumerate(train_loader):
        optimizer.zero_grad()
        outputs = net(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        if (i + 1) % 30 == 0:
            print(
                f"Epoch [{epoch + 1}/3], Step [{i + 1}/{len(train_loader)}], Loss: {loss.item():.4f}"
            )

correct = 0
total = 0
with torch.no_grad():
    for images, labels in test_loader:
        outputs = net(images)
        _, predicted = torch.max(outputs.data, 1)
        total += labels.size(0)
        correct += (predicted == labels).sum().item()

accuracy = 100 * correct / total
print(f"Accuracy of the network on the {total} test images: {accuracy:.2f}%")
print(json.dumps([accuracy]))
