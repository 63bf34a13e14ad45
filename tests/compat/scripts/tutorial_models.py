"""Models as tutorials write them, each returning the losses of its training."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from tutorial_numbers import fill, ints, rnd, run


def resnet():
    """BatchNorm, shortcuts added in place, SGD with momentum on a cosine schedule."""

    def conv3x3(i, o, s=1):
        return nn.Conv2d(i, o, 3, s, 1, bias=False)

    class BasicBlock(nn.Module):
        expansion = 1

        def __init__(self, i, o, stride=1):
            super().__init__()
            self.conv1 = conv3x3(i, o, stride)
            self.bn1 = nn.BatchNorm2d(o)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = conv3x3(o, o)
            self.bn2 = nn.BatchNorm2d(o)
            self.shortcut = nn.Sequential()
            if stride != 1 or i != o:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)
                )

        def forward(self, x):
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.shortcut(x)
            return self.relu(out)

    class ResNet(nn.Module):
        def __init__(self, block, num_blocks, k=10, w=8):
            super().__init__()
            self.in_planes = w
            self.conv1 = conv3x3(3, w)
            self.bn1 = nn.BatchNorm2d(w)
            self.layer1 = self._make_layer(block, w, num_blocks[0], 1)
            self.layer2 = self._make_layer(block, 2 * w, num_blocks[1], 2)
            self.layer3 = self._make_layer(block, 4 * w, num_blocks[2], 2)
            self.layer4 = self._make_layer(block, 8 * w, num_blocks[3], 2)
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(8 * w, k)
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)

        def _make_layer(self, block, planes, n, stride):
            layers = []
            for s in [stride] + [1] * (n - 1):
                layers.append(block(self.in_planes, planes, s))
                self.in_planes = planes * block.expansion
            return nn.Sequential(*layers)

        def forward(self, x):
            x = F.relu(self.bn1(self.conv1(x)))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(torch.flatten(self.avgpool(x), 1))

    net = fill(ResNet(BasicBlock, [2, 2, 2, 2]))
    X, y = rnd(16, 3, 16, 16), ints(10, 16)
    opt = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    sched = CosineAnnealingLR(opt, T_max=10)
    out = []
    for i in range(5):
        opt.zero_grad()
        l = F.cross_entropy(net(X), y)
        l.backward()
        opt.step()
        sched.step()
        out.append(l.item())
    net.eval()
    out.append(net(X).detach().abs().mean().item())
    out.append(net.bn1.running_var.sum().item())
    out.append(int(net.bn1.num_batches_tracked))
    return out


def gan():
    """Two optimizers, and a graph that is walked twice."""
    G = fill(
        nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(True), nn.Linear(16, 4), nn.Tanh()
        )
    )
    D = fill(nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1)), 2)
    crit = nn.BCEWithLogitsLoss()
    oG = optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.999))
    oD = optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.999))
    out = []
    for i in range(6):
        real, z = rnd(32, 4), rnd(32, 8)
        ones = torch.ones(32, 1)
        zeros = torch.zeros(32, 1)
        oD.zero_grad()
        fake = G(z)
        ld = crit(D(real), ones) + crit(D(fake.detach()), zeros)
        ld.backward()
        oD.step()
        oG.zero_grad()
        lg = crit(D(fake), ones)
        lg.backward()
        oG.step()
        out += [ld.item(), lg.item()]
    return out


def charlm():
    """Character models with carried state, clipped gradients and greedy sampling."""
    text = "the quick brown fox jumps over the lazy dog. " * 8
    chars = sorted(set(text))
    stoi = {c: i for i, c in enumerate(chars)}
    data = torch.tensor([stoi[c] for c in text], dtype=torch.long)
    out = []
    for kind in ("LSTM", "GRU", "RNN"):

        class LM(nn.Module):
            def __init__(self):
                super().__init__()
                self.emb = nn.Embedding(len(chars), 12)
                self.rnn = getattr(nn, kind)(12, 24, num_layers=2, batch_first=True)
                self.fc = nn.Linear(24, len(chars))

            def forward(self, x, h=None):
                o, h = self.rnn(self.emb(x), h)
                return self.fc(o), h

        m = fill(LM())
        opt = optim.Adam(m.parameters(), 5e-3)
        h = None
        for i in range(5):
            x = torch.stack([data[j + i * 20 : j + i * 20 + 20] for j in (0, 7, 14)])
            t = torch.stack([data[j + 1 + i * 20 : j + i * 20 + 21] for j in (0, 7, 14)])
            if h is not None:
                h = tuple(v.detach() for v in h) if isinstance(h, tuple) else h.detach()
            lg, h = m(x, h)
            l = F.cross_entropy(lg.view(-1, len(chars)), t.reshape(-1))
            opt.zero_grad()
            l.backward()
            out.append(nn.utils.clip_grad_norm_(m.parameters(), 0.5).item())
            opt.step()
            out.append(l.item())
        m.eval()
        idx = data[:1].unsqueeze(0)
        hh = None
        s = ""
        with torch.no_grad():
            for _ in range(10):
                lg, hh = m(idx, hh)
                idx = lg[:, -1:].argmax(-1)
                s += chars[idx.item()]
        out.append(sum(map(ord, s)))
    l = fill(nn.LSTM(4, 6))
    o, (hn, cn) = l(rnd(700, 2, 4))
    o.sum().backward()
    out += [o.sum().item(), hn.shape[2], l.weight_hh_l0.grad.abs().sum().item()]
    return out


def transformer():
    """TransformerEncoder with masks, AdamW and OneCycleLR."""
    V, T = 17, 10
    X = ints(V, 4, T)
    X2 = torch.roll(X, -1, 1)

    class PE(nn.Module):
        def __init__(self, d, n=50):
            super().__init__()
            pe = torch.zeros(n, d)
            pos = torch.arange(0, n, dtype=torch.float).unsqueeze(1)
            div = torch.exp(torch.arange(0, d, 2).float() * (-math.log(10000.0) / d))
            pe[:, 0::2] = torch.sin(pos * div)
            pe[:, 1::2] = torch.cos(pos * div)
            self.register_buffer("pe", pe.unsqueeze(0))

        def forward(self, x):
            return x + self.pe[:, : x.size(1)]

    class TM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(V, 16)
            self.pe = PE(16)
            self.enc = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True), 2
            )
            self.fc = nn.Linear(16, V)

        def forward(self, x, mask=None):
            return self.fc(self.enc(self.pe(self.emb(x) * math.sqrt(16)), mask))

    m = fill(TM())
    mask = torch.triu(torch.full((T, T), float("-inf")), diagonal=1)
    nn.Transformer.generate_square_subsequent_mask(T)
    opt = optim.AdamW(m.parameters(), lr=5e-3)
    sched = OneCycleLR(opt, max_lr=1e-2, total_steps=6)
    out = []
    for i in range(6):
        l = F.cross_entropy(m(X, mask).transpose(1, 2), X2)
        opt.zero_grad()
        l.backward()
        opt.step()
        sched.step()
        out += [l.item(), sched.get_last_lr()[0]]
    m.eval()
    pad = torch.zeros(4, T, dtype=torch.bool)
    pad[:, -2:] = True
    with torch.no_grad():
        out.append(m.enc(m.emb(X), src_key_padding_mask=pad)[:, :-2].abs().sum().item())
        out.append(m(X, mask).sum().item())
    t = fill(nn.Transformer(16, 2, 1, 1, 32, 0.0, batch_first=True))
    out.append(
        t(rnd(2, 5, 16), rnd(2, 3, 16), tgt_mask=nn.Transformer.generate_square_subsequent_mask(3))
        .sum()
        .item()
    )
    return out


def mingpt():
    """Attention from scratch, tied weights, groups of weight decay, top-k sampling."""
    T, C, H, V = 8, 16, 4, 11

    class CausalSelfAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.c_attn = nn.Linear(C, 3 * C)
            self.c_proj = nn.Linear(C, C)
            self.register_buffer("bias", torch.tril(torch.ones(T, T)).view(1, 1, T, T))

        def forward(self, x):
            B, T_, C_ = x.size()
            q, k, v = self.c_attn(x).split(C, dim=2)
            k = k.view(B, T_, H, C_ // H).transpose(1, 2)
            q = q.view(B, T_, H, C_ // H).transpose(1, 2)
            v = v.view(B, T_, H, C_ // H).transpose(1, 2)
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.bias[:, :, :T_, :T_] == 0, float("-inf"))
            att = F.softmax(att, dim=-1)
            y = att @ v
            y2 = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            assert torch.allclose(y, y2, atol=1e-5)
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T_, C_))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1 = nn.LayerNorm(C)
            self.attn = CausalSelfAttention()
            self.ln_2 = nn.LayerNorm(C)
            self.mlp = nn.ModuleDict(
                dict(
                    c_fc=nn.Linear(C, 4 * C),
                    act=nn.GELU(approximate="tanh"),
                    c_proj=nn.Linear(4 * C, C),
                    drop=nn.Dropout(0.0),
                )
            )

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            h = self.mlp
            return x + h.drop(h.c_proj(h.act(h.c_fc(self.ln_2(x)))))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.transformer = nn.ModuleDict(
                dict(
                    wte=nn.Embedding(V, C),
                    wpe=nn.Embedding(T, C),
                    h=nn.ModuleList([Block() for _ in range(2)]),
                    ln_f=nn.LayerNorm(C),
                )
            )
            self.lm_head = nn.Linear(C, V, bias=False)
            self.apply(self._init)
            for pn, p in self.named_parameters():
                if pn.endswith("c_proj.weight"):
                    torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(4))

        def _init(self, m):
            if isinstance(m, nn.Linear):
                torch.nn.init.normal_(m.weight, mean=0.0, std=0.02)
                if m.bias is not None:
                    torch.nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Embedding):
                torch.nn.init.normal_(m.weight, mean=0.0, std=0.02)

        def forward(self, idx, targets=None):
            b, t = idx.size()
            pos = torch.arange(0, t, dtype=torch.long, device=idx.device).unsqueeze(0)
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for blk in self.transformer.h:
                x = blk(x)
            lg = self.lm_head(self.transformer.ln_f(x))
            loss = None
            if targets is not None:
                loss = F.cross_entropy(lg.view(-1, lg.size(-1)), targets.view(-1), ignore_index=-1)
            return lg, loss

    m = fill(GPT())
    m.lm_head.weight = m.transformer.wte.weight
    assert len(list(m.parameters())) == len({id(p) for p in m.parameters()})
    decay = [p for n, p in m.named_parameters() if p.dim() >= 2]
    no = [p for n, p in m.named_parameters() if p.dim() < 2]
    opt = optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": no, "weight_decay": 0.0}],
        lr=3e-3,
        betas=(0.9, 0.95),
    )
    out = []
    X = ints(V, 4, T)
    Y = X.clone()
    Y[:, -1] = -1
    for i in range(6):
        lg, l = m(X, Y)
        m.zero_grad(set_to_none=True)
        l.backward()
        out.append(torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0).item())
        opt.step()
        out.append(l.item())
    with torch.no_grad():
        lg, _ = m(X[:, :3])
        lg = lg[:, -1, :] / 0.8
        v, _ = torch.topk(lg, 3)
        lg[lg < v[:, [-1]]] = -float("Inf")
        pr = F.softmax(lg, dim=-1)
        out.append(pr.max().item())
        nx = torch.multinomial(pr, num_samples=1)
        assert torch.cat((X[:, :3], nx), dim=1).shape == (4, 4)
    return out


if __name__ == "__main__":
    run(resnet, gan, charlm, transformer, mingpt)
