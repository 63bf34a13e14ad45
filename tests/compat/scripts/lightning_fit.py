"""A LightningModule: first as bare as it can be written, then with what fit() needs."""

import json

import pytorch_lightning as pl
import torch
import torch.nn as nn


class Net(pl.LightningModule):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(2, 5)
        self.fc2 = nn.Linear(5, 1)

    def forward(self, x):
        x = self.fc1(x)
        x = torch.relu(x)
        x = self.fc2(x)
        return x

    def training_step(self, batch, batch_idx):
        x, y = batch
        y_pred = self(x)
        loss = nn.MSELoss()(y_pred, y)
        return loss


try:
    pl.Trainer().fit(Net())
except pl.MisconfigurationException as error:
    assert "train_dataloader" in str(error)
else:
    raise AssertionError("fit() without data must fail")


class Trainable(Net):
    def train_dataloader(self):
        x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        y = torch.tensor([[2.0], [4.0]])
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=2)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("loss", loss)
        return loss


torch.manual_seed(0)
net = Trainable()
first = pl.Trainer(max_epochs=1)
first.fit(net)
second = pl.Trainer(max_epochs=200)
second.fit(net)
assert second.callback_metrics["loss"] < first.callback_metrics["loss"]

import lightning.pytorch  # noqa: E402
import lightning as L  # noqa: E402

assert L.Trainer is pl.Trainer is lightning.pytorch.Trainer
print(json.dumps([second.global_step]))
