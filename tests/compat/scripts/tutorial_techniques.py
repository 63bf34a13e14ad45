"""Training techniques as tutorials write them, each returning what it computed."""

import copy
import math
import random
from collections import OrderedDict, deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from tutorial_numbers import fill, ints, rnd, run


class Env:
    def reset(self):
        self.s = 0
        return self.obs()

    def obs(self):
        return np.eye(6, dtype=np.float32)[self.s]

    def step(self, a):
        self.s = max(0, min(5, self.s + (1 if a else -1)))
        return self.obs(), float(self.s == 5), self.s == 5


def dqn():
    """Replay memory, a target network in eval, masks, clipped values."""
    rng = random.Random(0)
    T = namedtuple("T", "s a s2 r")
    mem = deque([], maxlen=200)
    env = Env()
    q = fill(nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2)))
    tgt = copy.deepcopy(q)
    tgt.load_state_dict(q.state_dict())
    opt = optim.AdamW(q.parameters(), lr=1e-2, amsgrad=True)
    out = []
    for ep in range(4):
        s = torch.tensor(env.reset(), dtype=torch.float32).unsqueeze(0)
        for t in range(25):
            if rng.random() > 0.5:
                with torch.no_grad():
                    a = q(s).max(1).indices.view(1, 1)
            else:
                a = torch.tensor([[rng.randrange(2)]], dtype=torch.long)
            o, r, done = env.step(a.item())
            r = torch.tensor([r])
            s2 = None if done else torch.tensor(o).unsqueeze(0)
            mem.append(T(s, a, s2, r))
            s = s2
            if len(mem) >= 16:
                b = T(*zip(*rng.sample(list(mem), 16)))
                nm = torch.tensor(tuple(map(lambda x: x is not None, b.s2)), dtype=torch.bool)
                ns = torch.cat([x for x in b.s2 if x is not None])
                sv = q(torch.cat(b.s)).gather(1, torch.cat(b.a))
                nv = torch.zeros(16)
                with torch.no_grad():
                    nv[nm] = tgt(ns).max(1).values
                l = nn.SmoothL1Loss()(sv, (nv * 0.9 + torch.cat(b.r)).unsqueeze(1))
                opt.zero_grad()
                l.backward()
                torch.nn.utils.clip_grad_value_(q.parameters(), 100)
                opt.step()
                out.append(l.item())
                td, sd = tgt.state_dict(), q.state_dict()
                for k in sd:
                    td[k] = sd[k] * 0.05 + td[k] * 0.95
                tgt.load_state_dict(td)
            if done:
                break
    return out


def reinforce():
    """Categorical policies, returns, and an entropy bonus."""
    env = Env()
    pi = fill(nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2), nn.Softmax(dim=-1)))
    opt = optim.Adam(pi.parameters(), 1e-2)
    rng = random.Random(0)
    out = []
    for ep in range(5):
        s = env.reset()
        lps, rs, ents = [], [], []
        for t in range(30):
            d = Categorical(pi(torch.from_numpy(s).float().unsqueeze(0)))
            assert d.sample().shape == (1,)
            a = torch.tensor([rng.randrange(2)])
            lps.append(d.log_prob(a))
            ents.append(d.entropy())
            s, r, done = env.step(a.item())
            rs.append(r - 0.01)
            if done:
                break
        R_, ret = 0, deque()
        for r in rs[::-1]:
            R_ = r + 0.99 * R_
            ret.appendleft(R_)
        ret = torch.tensor(ret)
        ret = (ret - ret.mean()) / (ret.std() + np.finfo(np.float32).eps.item())
        l = torch.cat([-lp * R for lp, R in zip(lps, ret)]).sum() - 0.01 * torch.cat(ents).sum()
        opt.zero_grad()
        l.backward()
        opt.step()
        out.append(l.item())
    return out


def customfn():
    """autograd.Function in a fit by hand, and its second derivative."""

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, i):
            r = i.exp()
            ctx.save_for_backward(r)
            return r

        @staticmethod
        def backward(ctx, g):
            (r,) = ctx.saved_tensors
            return g * r

    class LegendrePolynomial3(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input):
            ctx.save_for_backward(input)
            return 0.5 * (5 * input**3 - 3 * input)

        @staticmethod
        def backward(ctx, grad_output):
            (input,) = ctx.saved_tensors
            return grad_output * 1.5 * (5 * input**2 - 1)

    class STE(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.k = k
            ctx.mark_non_differentiable()
            return (x * k).round() / k

        @staticmethod
        def backward(ctx, g):
            return (g if ctx.needs_input_grad[0] else None), None

    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
    out = []
    for t in range(20):
        yp = a + b * LegendrePolynomial3.apply(c + d * x)
        loss = (yp - y).pow(2).sum()
        out.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= 5e-6 * p.grad
                p.grad = None
    z = rnd(5).requires_grad_()
    (STE.apply(z, 4) * Exp.apply(z)).sum().backward()
    out.append(z.grad.sum().item())
    w = rnd(4).double().requires_grad_()
    assert torch.autograd.gradcheck(Exp.apply, (w,))
    (g,) = torch.autograd.grad(Exp.apply(w).sum(), w, create_graph=True)
    out.append(torch.autograd.grad(g.sum(), w)[0].sum().item())
    return out


def wgangp():
    """A gradient penalty: the loss holds a gradient."""
    D = fill(nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1)))
    opt = optim.Adam(D.parameters(), 1e-3, betas=(0.0, 0.9))
    out = []
    for i in range(5):
        real, fake, al = rnd(16, 4), rnd(16, 4), torch.sigmoid(rnd(16, 1))
        inter = (al * real + (1 - al) * fake).requires_grad_(True)
        d = D(inter)
        g = torch.autograd.grad(
            outputs=d,
            inputs=inter,
            grad_outputs=torch.ones_like(d),
            create_graph=True,
            retain_graph=True,
            only_inputs=True,
        )[0]
        gp = ((g.view(g.size(0), -1).norm(2, dim=1) - 1) ** 2).mean() * 10
        l = -D(real).mean() + D(fake).mean() + gp
        opt.zero_grad()
        l.backward()
        opt.step()
        out += [l.item(), gp.item()]
    return out


def hvp():
    """Hessian-vector products, the functional derivatives, and LBFGS."""
    m = fill(nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.LayerNorm(8), nn.Linear(8, 1)))
    X, y = rnd(10, 3), rnd(10, 1)
    ps = list(m.parameters())
    l = F.mse_loss(m(X), y)
    gs = torch.autograd.grad(l, ps, create_graph=True)
    v = [torch.ones_like(p) for p in ps]
    hv = torch.autograd.grad(gs, ps, grad_outputs=v)
    flat = torch.cat([h.reshape(-1) for h in hv])
    out = [flat.norm().item(), flat.sum().item()]
    f = lambda w: (w**3).sum() + w.prod()
    w = rnd(3)
    out += torch.autograd.functional.hessian(f, w).flatten().tolist()
    out += torch.autograd.functional.jacobian(lambda t: t.exp() * t.sum(), w).flatten().tolist()
    out += torch.autograd.functional.hvp(f, w, torch.ones(3))[1].tolist()
    out += torch.autograd.functional.vjp(lambda t: t**2, w, torch.ones(3))[1].tolist()
    vec = parameters_to_vector(m.parameters())
    vector_to_parameters(vec * 0.5, m.parameters())
    out.append(m(X).sum().item())
    lb = optim.LBFGS(m.parameters(), lr=0.5, max_iter=5, line_search_fn="strong_wolfe")
    for _ in range(2):

        def closure():
            lb.zero_grad()
            l = F.mse_loss(m(X), y)
            l.backward()
            return l

        out.append(lb.step(closure).item())
    return out


def hooks():
    """Features and gradients taken by hooks; CAM, saliency, an adversarial step."""
    m = fill(
        nn.Sequential(
            OrderedDict(
                [
                    ("conv", nn.Conv2d(1, 4, 3)),
                    ("act", nn.ReLU()),
                    ("flat", nn.Flatten()),
                    ("fc", nn.Linear(4 * 36, 3)),
                ]
            )
        )
    )
    feats, gr, out = {}, {}, []
    h = [
        m.conv.register_forward_hook(lambda mod, i, o: feats.__setitem__("c", o.detach())),
        m.fc.register_forward_pre_hook(lambda mod, i: (i[0] * 2,)),
        m.conv.register_full_backward_hook(lambda mod, gi, go: gr.__setitem__("g", go[0])),
        m.fc.weight.register_hook(lambda g: g * 0.5),
    ]
    x = rnd(2, 1, 8, 8).requires_grad_()
    o = m(x)
    o[:, 1].sum().backward()
    w = gr["g"].mean(dim=(2, 3), keepdim=True)
    cam = F.relu((w * feats["c"]).sum(1))
    cam = F.interpolate(cam.unsqueeze(1), size=(8, 8), mode="bilinear", align_corners=False)
    out += [cam.sum().item(), x.grad.abs().max().item(), m.fc.weight.grad.sum().item()]
    for k in h:
        k.remove()
    out.append(m(x).sum().item())
    t = rnd(3).requires_grad_()
    z = t * 2
    z.retain_grad()
    z.register_hook(lambda g: g + 1)
    z.sum().backward()
    out += t.grad.tolist() + z.grad.tolist()
    for n, c in m.named_children():
        out.append(len(n))
    sal, _ = torch.max(x.grad.data.abs(), dim=1)
    out.append(sal.sum().item())
    xadv = torch.clamp(x + 0.1 * x.grad.sign(), 0, 1)
    out.append(xadv.sum().item())
    return out


def transfer():
    """Frozen layers, replaced heads, surgery on the state dict, copies."""
    body = fill(
        nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        )
    )
    m = nn.Sequential(OrderedDict(body=body, fc=fill(nn.Linear(16, 10))))
    for p in m.parameters():
        p.requires_grad = False
    m.fc = fill(nn.Linear(m.fc.in_features, 3))
    opt = optim.SGD(filter(lambda p: p.requires_grad, m.parameters()), lr=0.1, momentum=0.9)
    X, y = rnd(8, 1, 8, 8), ints(3, 8)
    out = []
    for i in range(3):
        l = F.cross_entropy(m(X), y)
        opt.zero_grad()
        l.backward()
        opt.step()
        out.append(l.item())
    body.requires_grad_(True)
    opt.add_param_group({"params": body.parameters(), "lr": 0.01})
    for i in range(3):
        l = F.nll_loss(F.log_softmax(m(X), dim=1), y)
        opt.zero_grad()
        l.backward()
        opt.step()
        out.append(l.item())
    body.eval()
    sd = m.state_dict()
    sd = OrderedDict((("module." + k), v) for k, v in sd.items())
    new = OrderedDict((k[7:] if k.startswith("module.") else k, v) for k, v in sd.items())
    new.pop("fc.weight")
    new["extra"] = torch.zeros(1)
    r = m.load_state_dict(new, strict=False)
    out += [len(r.missing_keys), len(r.unexpected_keys)]
    try:
        m.load_state_dict(new)
    except RuntimeError as e:
        out.append("Missing key(s)" in str(e) and "Unexpected key(s)" in str(e))
    cur = m.state_dict()
    cur.update({k: v for k, v in new.items() if k in cur and cur[k].shape == v.shape})
    m.load_state_dict(cur)
    out.append(m(X).sum().item())
    m2 = copy.deepcopy(m)
    m2.fc.weight.data.mul_(2)
    out += [m(X).sum().item(), m2(X).sum().item()]
    del m2.fc
    m2.add_module("fc", nn.Identity())
    out.append(m2(X).shape[1])
    m2.half()
    out.append(str(next(m2.parameters()).dtype).split(".")[1] == "float16")
    m2.float()
    return out


def accum_ema():
    """Accumulated gradients, averaged weights, schedulers, disabled mixed precision."""

    class EMA:
        def __init__(s, m, d):
            s.m, s.d = m, d
            s.shadow = {n: p.data.clone() for n, p in m.named_parameters() if p.requires_grad}

        def update(s):
            for n, p in s.m.named_parameters():
                s.shadow[n] = (1.0 - s.d) * p.data + s.d * s.shadow[n]

    m = fill(nn.Sequential(nn.Linear(10, 16), nn.SiLU(), nn.Dropout(0.0), nn.Linear(16, 1)))
    ema = EMA(m, 0.9)
    sw = optim.swa_utils.AveragedModel(m)
    opt = optim.Adagrad(m.parameters(), lr=0.05)
    sch = ReduceLROnPlateau(opt, mode="min", factor=0.5, patience=0, threshold=0.5)
    out = []
    X, y = rnd(40, 10), rnd(40, 1)
    for i in range(4):
        opt.zero_grad()
        for xb, yb in zip(X.chunk(4), y.chunk(4)):
            l = F.huber_loss(m(xb), yb) / 4
            l.backward()
        gn = torch.sqrt(sum(p.grad.data.norm(2) ** 2 for p in m.parameters())).item()
        opt.step()
        ema.update()
        sw.update_parameters(m)
        sch.step(l)
        out += [l.item() * 4, gn, opt.param_groups[0]["lr"]]
    out += [sum(v.sum().item() for v in ema.shadow.values()), sw(X).sum().item()]
    warm = LambdaLR(opt, lambda e: min(1.0, (e + 1) / 3))
    out.append(warm.get_last_lr()[0])
    opt.step()
    warm.step()
    out.append(warm.get_last_lr()[0])
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    with torch.autocast(device_type="cpu", dtype=torch.bfloat16, enabled=False):
        l = F.mse_loss(m(X), y)
    opt.zero_grad()
    scaler.scale(l).backward()
    scaler.unscale_(opt)
    scaler.step(opt)
    scaler.update()
    out.append(l.item())
    seq = optim.lr_scheduler.SequentialLR(
        opt,
        [
            optim.lr_scheduler.LinearLR(opt, 0.1, total_iters=2),
            optim.lr_scheduler.ExponentialLR(opt, 0.9),
        ],
        [2],
    )
    for i in range(4):
        opt.step()
        seq.step()
        out.append(opt.param_groups[0]["lr"])
    return out


if __name__ == "__main__":
    run(dqn, reinforce, customfn, wgangp, hvp, hooks, transfer, accum_ema)
