"""A CLIP tower with the BT-Adapter beside its last layers, in PyTorch float64.

The branch starts from the trunk's state after layer `layers - depth` and makes one step after each trunk layer from
there on: over time (`btadapter_T_layers`), then within frames (`btadapter_S_layers`). The trunk never sees it.
"""
import torch
import torch.nn.functional as F

BRANCH_EPS = 1e-5


def act(name, x):
    return x * torch.sigmoid(1.702 * x) if name == "quick_gelu" else F.gelu(x)


class Tower:
    def __init__(self, tensors, prefix, config, adapter):
        self.w = {name[len(prefix) :]: torch.from_numpy(value).double() for name, value in tensors.items() if name.startswith(prefix)}
        self.config, self.depth = config, adapter["btadapter_depth"]

    def linear(self, name, x):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, name, x, eps):
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], eps)

    def attend(self, name, x):
        """x [batch, tokens, width]; all heads at once."""
        heads, (batch, tokens, width) = self.config["num_attention_heads"], x.shape
        q, k, v = (self.linear(f"{name}.{part}_proj", x).view(batch, tokens, heads, -1).transpose(1, 2) for part in "qkv")
        share = torch.softmax(q @ k.transpose(2, 3) * (width // heads) ** -0.5, dim=-1)
        return self.linear(name + ".out_proj", (share @ v).transpose(1, 2).reshape(batch, tokens, width))

    def feed_forward(self, name, x, eps):
        inner = act(self.config["hidden_act"], self.linear(name + "mlp.fc1", self.norm(name + "layer_norm2", x, eps)))
        return self.linear(name + "mlp.fc2", inner)

    def trunk_layer(self, i, x):
        name, eps = f"encoder.layers.{i}.", self.config["layer_norm_eps"]
        x = x + self.attend(name + "self_attn", self.norm(name + "layer_norm1", x, eps))
        return x + self.feed_forward(name, x, eps)

    def start(self, x):
        """The branch's state: class token [width] and patches [T, P, width], from the trunk's x [T, 1 + P, width]."""
        positions = self.w["embeddings.position_embedding.weight"]
        own = self.w["btadapter_cls_token"].reshape(-1) + positions[0]
        times = self.w["btadapter_time_embed.weight"][: len(x), None, :]
        return (x[:, 0].mean(0) + own) / 2, x[:, 1:] + positions[1:] + times

    def branch_layer(self, i, cls, patches):
        over_time = patches.transpose(0, 1)
        name = f"btadapter_T_layers.{i}."
        mixed = self.attend(name + "self_attn", self.norm(name + "layer_norm1", over_time, BRANCH_EPS))
        patches = patches + self.linear(name + "temporal_fc", mixed).transpose(0, 1)
        name = f"btadapter_S_layers.{i}."
        frames = torch.cat([cls.expand(len(patches), 1, -1), patches], dim=1)
        added = self.attend(name + "self_attn", self.norm(name + "layer_norm1", frames, BRANCH_EPS))
        cls, patches = cls + added[:, 0].mean(0), patches + added[:, 1:]
        cls, patches = (x + self.feed_forward(name, x, BRANCH_EPS) for x in (cls, patches))
        return cls, patches

    def encode(self, pixels, feature_layer):
        """One clip's pixels [T, 3, S, S] -> [T, 1 + P, width], trunk and branch joined at the selected state."""
        kernel = self.w["embeddings.patch_embedding.weight"]
        patches = F.conv2d(torch.from_numpy(pixels).double(), kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
        x = torch.cat([self.w["embeddings.class_embedding"].expand(len(pixels), 1, -1), patches], dim=1)
        x = self.norm("pre_layrnorm", x + self.w["embeddings.position_embedding.weight"], self.config["layer_norm_eps"])
        states, branch, layers = [x], None, self.config["num_hidden_layers"]
        for i in range(layers):
            x = self.trunk_layer(i, x)
            at = i - (layers - self.depth)
            if at >= 0:
                given = self.start(x) if branch is None else (branch[0] + x[:, 0].mean(0), branch[1] + x[:, 1:])
                branch = self.branch_layer(at, *given)
            joined = x if branch is None else torch.cat([x[:, :1], (x[:, 1:] + branch[1]) / 2], dim=1)
            states.append(joined)
        return states[feature_layer].numpy()


def make_tensors(rng, config, adapter, prefix):
    """Random tensors of the branch. Its temporal layers start at zero in training; here they are not, to be seen."""
    width, inner, tensors = config["hidden_size"], config["intermediate_size"], {}

    def linear(name, rows, columns):
        tensors[prefix + name + ".weight"] = rng.normal(0, columns**-0.5, (rows, columns))
        tensors[prefix + name + ".bias"] = rng.normal(0, 0.1, rows)

    def norm(name):
        tensors[prefix + name + ".weight"] = 1 + rng.normal(0, 0.1, width)
        tensors[prefix + name + ".bias"] = rng.normal(0, 0.1, width)

    for i in range(adapter["btadapter_depth"]):
        for kind in ("S", "T"):
            layer = f"btadapter_{kind}_layers.{i}."
            norm(layer + "layer_norm1")
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                linear(f"{layer}self_attn.{part}", width, width)
        linear(f"btadapter_T_layers.{i}.temporal_fc", width, width)
        norm(f"btadapter_S_layers.{i}.layer_norm2")
        linear(f"btadapter_S_layers.{i}.mlp.fc1", inner, width)
        linear(f"btadapter_S_layers.{i}.mlp.fc2", width, inner)
    tensors[prefix + "btadapter_time_embed.weight"] = rng.normal(0, 0.5, (adapter["max_T"], width))
    tensors[prefix + "btadapter_cls_token"] = rng.normal(0, 0.5, (1, 1, width))
    return tensors
